"""Laws of the loop's options: who takes part, who lies, what is weighted, what is exact."""

from __future__ import annotations

from functools import partial
from itertools import combinations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from fedrl.algorithms import ALGORITHMS
from fedrl.benchmark.config.conditions import Attack
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.diagnostics import PREFIX
from fedrl.benchmark.training.evaluate import evaluate
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.messages.attacks import corrupted
from fedrl.benchmark.training.rounds.lanes import participants, with_participants
from fedrl.benchmark.training.rounds.round import round_, start
from fedrl.benchmark.training.rounds.uplink import aggregated, weights_of
from fedrl.benchmark.training.scoring import slopes

SMALL = {
    "family": "random-mdp",
    "options": {"size": 3, "choices": 2, "horizon": 6},
    "kappa": 0.8,
    "agents": 4,
    "rounds": 4,
    "local_steps": 2,
    "episodes": 2,
    "step_size": 0.3,
    "evaluate_every": 2,
}
# One for each way of stepping, of learning and of memory; with the others it takes long.
KINDS_OF_ALGORITHMS = (
    *("fedpg", "fedsvrpg-m", "fedhapg-m", "mfpo", "scaffold-pg", "fednpg", "fedtrpo", "fedppo"),
    *("afedpg", "malenia-nigt", "fedpg-br", "pfedpg-ha", "qavg", "qavg-sampled", "fedsarsa"),
)
EVERY = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in KINDS_OF_ALGORITHMS else pytest.mark.long)
        for name in sorted(ALGORITHMS)
    ],
)


def run(name: str, seed: int = 0, **changes) -> Run:
    return Run(Config(**{**SMALL, "algorithm": name, **changes}), Seed("test", seed))


def outcome(*runs: Run):
    return train(list(runs))


def same(one, two) -> bool:
    return np.array_equal(one.parameters, two.parameters) and all(
        np.array_equal(column, two.columns[name], equal_nan=column.dtype.kind == "f")
        for name, column in one.columns.items()
    )


OPTIONS = {
    "participation": {"participation": 0.5},
    "weights": {"agent_weights": [1.0, 2.0, 3.0, 4.0]},
    "sign-flip": {"attack": {"agents": 1, "kind": "sign-flip"}},
    "noise": {"attack": {"agents": 1, "kind": "noise"}},
    "random-action": {"attack": {"agents": 1, "kind": "random-action"}},
    "baseline": {"baseline": "linear"},
    "tricks": {"clip_norm": 0.5, "clip_value": 0.4, "weight_decay": 0.01, "step_decay": 0.9},
    "estimator": {"per_decision": True, "whiten": True, "entropy": 0.01, "weight_cap": 1.5},
}


@EVERY
@pytest.mark.parametrize("option", OPTIONS)
def test_with_every_option_a_run_is_the_same_in_any_batch(name, option):
    kind, changes = ALGORITHMS[name], OPTIONS[option]
    if kind.model_based and option in ("sign-flip", "noise", "random-action", "estimator"):
        with pytest.raises(ValidationError, match="no episodes"):
            run(name, **changes)
        return
    if option == "baseline" and (kind.model_based or kind.update_site == "server"):
        with pytest.raises(ValidationError, match="baseline"):
            run(name, **changes)
        return
    if option in ("baseline", "estimator") and kind.actor_critic:
        with pytest.raises(ValidationError, match="advantages"):
            run(name, **changes)
        return
    if option == "participation" and kind.asynchronous:
        with pytest.raises(ValidationError, match="hears one agent at a time"):
            run(name, **changes)
        return
    runs = [run(name, seed, **changes) for seed in (0, 1, 2)]
    together = outcome(*runs)
    (alone,) = outcome(runs[1])
    assert same(alone, together[1])
    assert np.isfinite(alone.parameters).all()


@EVERY
def test_options_at_their_neutral_value_change_no_bit(name):
    (plain,) = outcome(run(name))
    neutral = {"agent_weights": [2.0] * 4, "clip_norm": 1e9, "clip_value": 1e9}
    for setting, value in neutral.items():
        (other,) = outcome(run(name, **{setting: value}))
        assert np.array_equal(plain.parameters, other.parameters), setting


def test_participants_are_a_share_of_the_agents_and_change():
    keys = np.array([3, 9], np.uint64)
    rounds = np.stack([participants(keys, 10, 4, number) for number in range(200)])
    assert rounds.shape == (200, 2, 4)
    assert (np.diff(rounds, axis=-1) > 0).all()  # in order, nobody twice
    counts = np.bincount(rounds.reshape(-1), minlength=10)
    np.testing.assert_allclose(counts / counts.sum(), 0.1, atol=0.03)
    np.testing.assert_array_equal(participants(keys[:1], 10, 4, 7)[0], rounds[7, 0])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_over_all_draws_of_participants_the_aggregate_is_that_of_all_agents(count):
    """Every subset of a size is as likely as another."""
    one = run("fedpg", participation=count / 4, agent_weights=[1.0, 2.0, 3.0, 10.0])
    program, state, roster = start([one])
    sent = torch.from_numpy(np.random.default_rng(1).normal(size=(4, program.policy.size)))

    def heard(rows):
        lanes = roster.all_agents._replace(agent=np.array(rows), each=len(rows))
        some = roster._replace(participants=lanes)
        return aggregated(program, state, some, sent[list(rows)], "update", 0)[0]

    draws = [heard(rows) for rows in combinations(range(4), count)]
    torch.testing.assert_close(torch.stack(draws).mean(0), heard(range(4)))
    torch.testing.assert_close(heard(range(4)), torch.from_numpy(one.config.shares) @ sent)


def test_participants_of_equal_weights_are_averaged_to_the_bit():
    weights = [3.0] * 4
    (plain,) = outcome(run("fedpg", participation=0.5))
    (weighted,) = outcome(run("fedpg", participation=0.5, agent_weights=weights))
    np.testing.assert_array_equal(plain.parameters, weighted.parameters)
    program, state, roster = start([run("fedpg", participation=0.75, agent_weights=weights)])
    lanes = with_participants(program, state, roster).participants
    assert torch.equal(
        weights_of(program, lanes),
        torch.full((1, 3), 1 / 3, dtype=getattr(torch, program.config.dtype)),
    )


def test_only_participants_are_counted():
    whole, half = outcome(run("fedpg")), outcome(run("fedpg", participation=0.5))
    for column in ("steps_total", "trajectories_total", "floats_up", "floats_down"):
        assert half[0].columns[column][-1] * 2 == whole[0].columns[column][-1]


def test_agents_who_stay_away_keep_their_memory():
    """With one of four agents a round, the others' control variates stay as they were."""
    with torch.no_grad():
        program, state, roster = start([run("scaffold-pg", participation=0.25)])
        for _ in range(4):
            after = round_(program, state, roster)
            (taking_part,) = with_participants(program, state, roster).participants.rows
            for old, new in zip(state.memories, after.memories, strict=True):
                away = [agent for agent in range(4) if agent != taking_part]
                assert torch.equal(old[0, away], new[0, away])
                assert not torch.equal(old[0, taking_part], new[0, taking_part])
            state = after


def test_a_weight_of_nearly_one_is_that_agent_alone():
    """J = Σ w_i J_i: with all weight on agent 0, it alone moves θ and it alone is scored."""
    weights = [1.0, 1e-300, 1e-300, 1e-300]
    (all_on_one,) = outcome(run("fedpg", agent_weights=weights))
    (alone,) = outcome(run("fedpg", agents=1))
    np.testing.assert_allclose(all_on_one.parameters, alone.parameters, rtol=0, atol=1e-13)
    np.testing.assert_allclose(
        all_on_one.columns["objective"], alone.columns["objective"], rtol=0, atol=1e-12
    )
    np.testing.assert_allclose(
        all_on_one.columns["reference"], alone.columns["reference"], rtol=1e-6
    )


def test_attacks_are_what_they_say():
    message = torch.tensor([[3.0, 4.0], [3.0, 4.0]], dtype=torch.float64)
    byzantine = torch.tensor([[False], [True]])
    normal = torch.tensor([[1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    flipped = corrupted(Attack(agents=1, kind="sign-flip"), message, byzantine, normal, 2)
    assert flipped.tolist() == [[3.0, 4.0], [-7.5, -10.0]]
    noisy = corrupted(Attack(agents=1, kind="noise"), message, byzantine, normal, 2)
    assert noisy.tolist() == [[3.0, 4.0], [0.0, 12.5]]  # 2.5 times as long
    obeying = corrupted(Attack(agents=1, kind="random-action"), message, byzantine, normal, 2)
    assert torch.equal(obeying, message)
    silent = corrupted(Attack(agents=1, kind="zero-gradient"), message, byzantine, normal, 2)
    assert silent.tolist() == [[3.0, 4.0], [0.0, 0.0]]


def test_attackers_who_see_the_others():
    """Two federations of five agents, the last three of each Byzantine; in plain loops."""
    draw = np.random.default_rng(0)
    message, normal = (torch.from_numpy(draw.normal(size=(10, 2))) for _ in range(2))
    byzantine = torch.tensor([[False]] * 2 + [[True]] * 3).repeat(2, 1)
    for kind in ("alie", "fedpg-attack"):
        found = corrupted(Attack(agents=3, kind=kind, scale=1.5), message, byzantine, normal, 5)
        assert torch.equal(found[~byzantine[:, 0]], message[~byzantine[:, 0]])
        for first in (0, 5):
            m, z = message[first : first + 5].numpy(), normal[first + 2].numpy()
            if kind == "alie":
                expected = m[:2].mean(0) - 1.5 * m[:2].std(0)
            else:
                apart = max(np.linalg.norm(one - two) for one in m[2:] for two in m[2:])
                expected = m[2:].mean(0) + 1.5 * apart / 2 * z / np.linalg.norm(z)
            for liar in range(first + 2, first + 5):
                np.testing.assert_allclose(found[liar].numpy(), expected, rtol=1e-13)


KINDS = [
    "sign-flip",
    "noise",
    "random-action",
    "zero-gradient",
    "reward-flip",
    "alie",
    "fedpg-attack",
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_attack_changes_the_result_and_costs_the_same(kind):
    (honest,), (attacked,) = (
        outcome(run("fedpg")),
        outcome(run("fedpg", attack={"agents": 2, "kind": kind})),
    )
    assert not np.array_equal(honest.parameters, attacked.parameters)
    assert honest.columns["floats_up"][-1] == attacked.columns["floats_up"][-1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"participation": 0.0}, "participation"),
        ({"participation": 1.5}, "participation"),
        ({"agent_weights": [1.0, 1.0]}, "one weight for each of the 4 agents"),
        ({"attack": {"agents": 4, "kind": "noise"}}, "fewer than the 4 agents"),
        ({"attack": {"agents": 1, "kind": "lie"}}, "sign-flip"),
        ({"attack": {"agents": 1, "kind": "fedpg-attack"}}, "at least 2: the attackers compare"),
        ({"attack": {"agent": 1, "kind": "noise"}}, "did you mean 'agents'"),
        ({"gradients": "exact", "baseline": "linear"}, "no episodes"),
        ({"gradients": "exact", "family": "cartpole", "options": {}}, "finite"),
        (
            {
                "evaluation_gradients": True,
                "evaluation_episodes": 1,
                "family": "cartpole",
                "options": {},
            },
            "at least 2",
        ),
    ],
)
def test_bad_options_are_refused_before_compute(changes, message):
    with pytest.raises(ValidationError, match=message):
        run("fedpg", **changes)


# Diagnostics


def test_diagnostics_are_of_the_round_before():
    (result,) = outcome(run("fedsvrpg-m", evaluate_every=1))
    inside = {k.removeprefix(PREFIX): v for k, v in result.columns.items() if k.startswith(PREFIX)}
    assert all(np.isnan(values[0]) for values in inside.values())  # nothing has happened yet
    later = {name: values[1:] for name, values in inside.items()}
    assert all(np.isfinite(values).all() for values in later.values())
    assert ((later["weight_ess"] > 0) & (later["weight_ess"] <= 1 + 1e-12)).all()
    assert (np.abs(later["cosine"]) <= 1 + 1e-12).all()
    assert ((later["entropy"] > 0) & (later["entropy"] < 1)).all()  # two actions: at most log 2
    assert (later["weight_capped"] == 0).all()
    # In the first local step of all θ = θ_{-1}: there the weights are 1 and the drift is 0.
    (first,) = outcome(run("fedsvrpg-m", evaluate_every=1, local_steps=1, rounds=1))
    np.testing.assert_allclose(first.columns[PREFIX + "weight_mean"][1], 1.0, rtol=1e-12)
    assert first.columns[PREFIX + "drift"][1] == 0.0


def test_diagnostics_do_not_depend_on_how_often_scores_are_taken():
    (often,), (seldom,) = (
        outcome(run("fedsvrpg-m", evaluate_every=every, rounds=4)) for every in (1, 4)
    )
    for name in (name for name in often.columns if name.startswith(PREFIX)):
        np.testing.assert_array_equal(often.columns[name][-1], seldom.columns[name][-1])
        assert np.isfinite(seldom.columns[name][-1])


def test_identical_agents_have_no_heterogeneity():
    (alike,), (different,) = (outcome(run("fedpg", kappa=kappa)) for kappa in (0.0, 1.0))
    np.testing.assert_allclose(alike.columns["heterogeneity"], 0.0, atol=1e-25)
    assert (different.columns["heterogeneity"] > 1e-4).all()


@pytest.mark.parametrize("log_std", [-1.0, 0.5])
def test_an_untrained_gaussian_policy_scores_as_the_random_one(log_std):
    """Both act with the spread that training starts with; the first weights are small."""
    settings = {"family": "linear-quadratic", "options": {}, "rounds": 0, "hidden": []}
    one = run("fedpg", **settings, dtype="float64", initial_log_std=log_std)
    (result,) = outcome(one)
    program, _, _ = start([one])
    spread = np.full(program.policy.outputs, log_std)
    theta = np.concatenate([np.zeros(program.policy.size - len(spread)), spread])
    scores = program.family.closed_form(
        program.tasks[0], program.policy.shape, theta[np.newaxis].repeat(4, axis=0)
    )
    np.testing.assert_allclose(result.columns["random"][0], scores.objective.mean(), rtol=1e-12)
    scale = result.columns["reference"][0] - result.columns["random"][0]
    assert abs(result.columns["objective"][0] - result.columns["random"][0]) < 0.05 * scale


def test_estimated_gradients_agree_with_exact_ones():
    """A linear policy in a linear system has both a closed form and episodes."""
    settings = {
        "family": "linear-quadratic",
        "options": {"horizon": 2},
        "rounds": 0,
    }
    (closed,) = outcome(run("fedpg", **settings, hidden=[], dtype="float64"))
    with torch.no_grad():
        one = run("fedpg", **settings, hidden=[], dtype="float64")
        program, state, roster = start([one])
        theta, lanes = state.server.theta.numpy(), roster.all_agents

        class Sampled(type(program.family)):
            def closed_form(self, task, shape, theta):
                return None

        family = Sampled()
        for name, value in vars(program.family).items():
            object.__setattr__(family, name, value)
        stream = lanes.stream(program, "evaluation", 0)
        scores = evaluate(
            family, lanes.sampler, theta, stream, 40_000, plain=partial(slopes, program)
        )
    for name in ("stationarity", "heterogeneity"):
        exact_value = closed.columns[name][-1]
        estimated = getattr(scores, name)[0]
        assert abs(estimated - exact_value) < 0.1 * exact_value, name
