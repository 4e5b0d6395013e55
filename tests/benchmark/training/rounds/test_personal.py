"""Laws of personal layers: what is not shared is learned alone, is not sent, and is scored."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.rounds.round import round_, start
from fedrl.benchmark.training.rounds.state import policies

SMALL = {
    "family": "pendulum",  # whose kernels in double precision other tests use too
    "options": {"horizon": 12},
    "kappa": 0.8,
    "agents": 3,
    "rounds": 4,
    "local_steps": 2,
    "episodes": 2,
    "step_size": 0.0005,
    "hidden": (4,),
    "dtype": "float64",
    "evaluate_every": 2,
    "evaluation_episodes": 2,
}
SIZE, HEAD = 3 * 4 + 4 + 4 + 1 + 1, 4 + 1 + 1
OWN = ("head", "log-std")  # the last parameters
ALL = ("hidden-1", *OWN)


def run(algorithm="fedpg", seed=0, **changes) -> Run:
    return Run(Config(**{**SMALL, "algorithm": algorithm, **changes}), Seed("test", seed))


def final(one: Run) -> np.ndarray:
    return train([one])[0].parameters


def test_who_shares_nothing_learns_alone_bit_for_bit():
    alone, apart = final(run("independent-pg")), final(run("fedpg", personal=ALL))
    assert alone.shape == apart.shape == (3, SIZE)
    assert np.array_equal(alone, apart)


@pytest.mark.parametrize("algorithm", ["fedsvrpg-m", "fast-fedpg", "is-mbpg"])
def test_what_algorithms_remember_of_personal_layers_is_the_agents_own(algorithm):
    """u_r, θ_{r-1} and snapshots: with nothing shared the first agent is a federation of one."""
    changes = {"initial_momentum": "batch"} if algorithm == "fedsvrpg-m" else {}
    apart = final(run(algorithm, personal=ALL, **changes))
    assert np.array_equal(apart[:1], final(run(algorithm, agents=1, **changes)))


def test_common_layers_are_common_and_personal_ones_are_not():
    found = final(run(personal=OWN, normalise="own", compression={"kind": "qsgd"}))
    # Statistics are folded into the first layer: without them it is the same for all.
    plain = final(run(personal=OWN))
    assert (plain[:, : SIZE - HEAD] == plain[0, : SIZE - HEAD]).all()
    assert (plain[0, SIZE - HEAD :] != plain[1, SIZE - HEAD :]).any()
    assert not (found[:, : SIZE - HEAD] == found[0, : SIZE - HEAD]).all()


def test_only_what_is_shared_crosses_and_is_counted():
    changes = {"initial_momentum": "batch", "participation": 0.67}
    (result,) = train([run("fedsvrpg-m", personal=OWN, **changes)])
    shared, rounds, there = SIZE - HEAD, 4, 2
    up = (3 + rounds * there) * shared / 3
    assert result.columns["floats_up"][-1] == pytest.approx(up)
    assert result.columns["floats_down"][-1] == pytest.approx((3 + 2 * rounds * there) * shared / 3)
    assert result.columns["bits_up"][-1] == pytest.approx(64 * up)


def test_scores_are_those_of_every_agents_own_policy():
    (result,) = train([run(personal=OWN, agent_scores=True)])
    scores = np.array([result.columns[f"agent_score_{agent}"] for agent in range(3)])
    np.testing.assert_allclose(scores.mean(0), result.columns["return"], rtol=1e-13)
    np.testing.assert_array_equal(scores.min(0), result.columns["return_worst"])
    assert np.isnan(result.columns["stationarity"]).all()


@pytest.mark.parametrize("changes", [{"personal": OWN}, {}], ids=["fedrep-pg", "ditto-pg"])
def test_fifty_rounds_transcribed(changes):
    """FedRep-PG and Ditto-PG in plain loops; only the sampled trajectories are shared.

    Steps are small: large ones amplify the last digit until another action is taken.
    """
    name = "fedrep-pg" if changes else "ditto-pg"
    value = {"personal_share": 0.5} if changes else {"mu": 0.3}
    chosen = run(name, rounds=50, step_size=0.0001, hyperparameters=value, **changes)
    program, state, roster = start([chosen])
    lanes, discount = roster.all_agents, program.family.discount

    def gradient(theta, agent, purpose, draw):
        played = lanes.sampler.sample(
            np.repeat(theta[None], 3, axis=0), lanes.stream(program, purpose, draw), 2
        )
        total = np.zeros(SIZE)
        w, b = theta[:12].reshape(3, 4), theta[12:16]
        v, c, spread = theta[16:20].reshape(4, 1), theta[20], theta[21]
        for episode in range(2):
            steps = played.length[agent, episode]
            earned = discount ** np.arange(steps) * played.reward[agent, episode, :steps]
            for t in range(steps):
                x = played.observation[agent, episode, t]
                h = np.tanh(x @ w + b)
                error = (played.action[agent, episode, t] - h @ v - c) / np.exp(spread)
                delta = error / np.exp(spread)
                back = (v @ delta) * (1 - h**2)
                slope = [np.outer(x, back).ravel(), back, h * delta, delta, error**2 - 1]
                total += earned[t:].sum() * np.concatenate(slope) / 2
        return total

    theta = state.server.theta[0].numpy().copy()
    heads, copies = np.repeat(theta[None, 16:], 3, axis=0), np.repeat(theta[None], 3, axis=0)
    for r in range(50):
        moved = []
        for i in range(3):
            local = theta.copy()
            if changes:
                local[16:] = heads[i]
            for k in range(2):
                u = gradient(local, i, "training-0", 2 * r + k)
                if changes:
                    u[slice(0, 16) if k == 0 else slice(16, None)] = 0
                else:
                    g = gradient(copies[i], i, "training-1", 2 * r + k)
                    copies[i] = copies[i] + 0.0001 * (g - 0.3 * (copies[i] - theta))
                local = local + 0.0001 * u
            heads[i] = local[16:]
            moved.append(local)
        theta = np.mean(moved, axis=0)
        with torch.no_grad():
            state = round_(program, state, roster)
    found = policies(program, state, 0)
    expected = np.concatenate([np.repeat(theta[None, :16], 3, axis=0), heads], axis=1)
    np.testing.assert_allclose(found, expected if changes else copies, rtol=0, atol=1e-10)
    if not changes:
        np.testing.assert_allclose(state.server.theta[0].numpy(), theta, rtol=0, atol=1e-10)


def test_copies_without_a_pull_learn_alone():
    """With μ = 0 a copy is an independent agent, but for the dice of its batches."""
    with patch("fedrl.benchmark.training.rounds.lanes.Lanes.stream", same_dice):
        (copies,) = train([run("ditto-pg", hyperparameters={"mu": 0.0})])
        alone = final(run("independent-pg"))
    np.testing.assert_allclose(copies.parameters, alone, rtol=0, atol=1e-12)


def same_dice(self, program, purpose, draw):
    from fedrl.benchmark.training.rollout import Stream

    purpose = "training" if purpose.startswith("training") else purpose
    return Stream(program.keys(purpose)[self.run], self.agent, draw)


def test_without_personal_layers_fedrep_is_fedpg():
    assert np.array_equal(final(run("fedrep-pg")), final(run("fedpg")))


@pytest.mark.parametrize(
    ("algorithm", "family"),
    [
        ("fedsvrpg-m", "pendulum"),
        ("ditto-pg", "pendulum"),
        ("fedppo", "linear-quadratic"),  # others compile the step of its kind of policy
        pytest.param("fedppo", "cartpole", marks=pytest.mark.long),
    ],
)
def test_bits_alone_in_a_batch_and_resumed(algorithm, family):
    layers = ("head", "critic") if algorithm == "fedppo" else OWN
    changes = {"personal": layers, "participation": 0.67, "agent_scores": True, "family": family}
    changes |= {"compression": {"kind": "top-k"}, "episodes": 4}
    runs = [run(algorithm, seed, **changes) for seed in (0, 1)]
    together, (alone,), states = train(runs), train(runs[1:]), []
    assert np.array_equal(together[1].parameters, alone.parameters)
    with patch("fedrl.benchmark.training.federation.SAVE_EVERY", 0.0):
        train(runs[1:], on_state=lambda _, state: states.append(state))
    (again,) = train(runs[1:], states=[states[1]])
    assert np.array_equal(again.parameters, alone.parameters)
    for name, column in alone.columns.items():
        np.testing.assert_array_equal(again.columns[name], column, err_msg=name)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"personal": ("haed",)}, "no layer of the policy 'haed'; did you mean 'head'?"),
        ({"personal": ("critic",)}, "no layer of the policy 'critic'"),
        ({"personal": ()}, "'none' or some of hidden-1, head, log-std"),
        ({"personal": ("head",), "algorithm": "scaffold-pg"}, "scaffold-pg sends more than"),
        (
            {"personal": ("head",), "family": "random-mdp", "options": {}},
            "the policy of a finite MDP has no layers",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes, words):
    with pytest.raises(ValidationError) as caught:
        run(**changes)
    assert words in str(caught.value)
