"""Segments and running statistics: continuity, whole episodes among them, resumption, cost."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from fedrl.algorithms.estimators.policy import GaussianMLP
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.rollout import Sampler, Stream
from fedrl.benchmark.training.rounds.round import round_, start
from fedrl.benchmark.training.segments import segment
from fedrl.envs import FAMILIES

HOPPER, SEEN = "hopper", 11  # entries of its observation


def run(seed=0, **changes):
    config = {
        "family": HOPPER,
        "options": {"horizon": 30},
        "algorithm": "fedppo",
        "hyperparameters": {"epochs": 2, "minibatches": 3},
        "kappa": 0.5,
        "agents": 2,
        "rounds": 4,
        "local_steps": 2,
        "episodes": 2,
        "segment": 23,
        "step_size": 0.003,
        "dtype": "float64",  # whose kernels other tests compile as well
        "hidden": (4, 4),
        "normalise": "pooled",
        "evaluate_every": 2,
        "evaluation_episodes": 2,
    }
    return Run(Config(**config | changes), Seed("test", seed))


def segments_of(one):
    """What both agents played, local step by local step."""
    program, state, roster = start([one])
    seen = []
    with torch.no_grad():
        for _ in range(one.config.rounds):
            state = round_(program, state, roster, seen.append)
    return [step.played[0] for step in seen], state


def test_segments_go_on_where_they_stopped():
    played, state = segments_of(run(normalise="none"))
    ages, open_ = np.zeros((2, 2), int), {}
    for batch in played:
        assert (batch.length.sum(axis=1) == 2 * 23).all()
        for agent in range(2):
            place = 0
            for copy in range(2):
                taken = 0
                while taken < 23:
                    length = int(batch.length[agent, place])
                    if (agent, copy) in open_:
                        before = open_.pop((agent, copy))
                        np.testing.assert_array_equal(batch.observation[agent, place, 0], before)
                    else:
                        ages[agent, copy] = 0
                    taken, ages[agent, copy] = taken + length, ages[agent, copy] + length
                    ended = batch.terminated[agent, place]
                    assert ages[agent, copy] <= 30
                    assert ended or taken == 23 or ages[agent, copy] == 30
                    if not ended and ages[agent, copy] < 30:
                        open_[agent, copy] = batch.final[agent, place]
                    else:
                        assert batch.final[agent, place].any() == (not ended)
                    place += 1
            assert not batch.length[agent, place:].any()
    counted = sum((batch.length > 0).sum() for batch in played)
    assert any(batch.terminated.any() for batch in played)
    assert open_
    assert state.ledger.trajectories.sum() == counted
    assert state.ledger.steps.sum() == 8 * 2 * 2 * 23


@pytest.mark.parametrize("algorithm", ["fedppo", "fedsvrpg-m"])
def test_a_segment_as_long_as_an_episode_is_the_episode(algorithm):
    """HalfCheetah never ends early, and starts from the same numbers."""
    common = {"family": "halfcheetah", "algorithm": algorithm, "options": {"horizon": 12}}
    common |= {"hyperparameters": {}, "per_step_mean": algorithm != "fedppo"}
    whole, pieces = (train([run(**common, segment=n)])[0] for n in (None, 12))
    np.testing.assert_array_equal(whole.parameters, pieces.parameters)
    for name, column in whole.columns.items():
        np.testing.assert_array_equal(column, pieces.columns[name], err_msg=name)


@pytest.mark.parametrize(
    ("algorithm", "changes"),
    [
        ("fedppo", {"normalise": "pooled"}),
        ("fedppo", {"normalise": "own", "segment": None}),
        ("fedppo", {"normalise": "pooled", "participation": 0.5}),
        ("fedsvrpg-m", {"normalise": "own", "per_step_mean": True, "hyperparameters": {}}),
        ("independent-pg", {"normalise": "own", "per_step_mean": True, "hyperparameters": {}}),
    ],
)
def test_a_batch_and_an_interruption_change_no_bit(algorithm, changes, monkeypatch):
    monkeypatch.setattr("fedrl.benchmark.training.federation.SAVE_EVERY", 0.0)
    runs = [run(seed, algorithm=algorithm, **changes) for seed in range(3)]
    states = {}

    def keep(one, state):
        states.setdefault(state.round, {})[one.seed.index] = state

    together = train(runs, on_state=keep)
    resumed = train(runs, states=[states[2][place] for place in range(3)])
    for one, first, again in zip(runs, together, resumed, strict=True):
        (alone,) = train([one])
        for other in (again, alone):
            np.testing.assert_array_equal(first.parameters, other.parameters)
            for name, column in first.columns.items():
                np.testing.assert_array_equal(column, other.columns[name], err_msg=name)


def test_pooled_statistics_are_those_of_all_and_are_counted():
    """Of what both agents have seen, plainly; an agent sends and receives 2 o + 3 numbers."""
    costs = {}
    for kind in ("none", "own", "pooled"):
        one = run(normalise=kind, rounds=1, local_steps=1)
        costs[kind] = train([one])[0].columns["floats_up"][-1]
        assert costs[kind] == train([one])[0].columns["floats_down"][-1]
    assert costs["own"] == costs["none"]
    assert costs["pooled"] == costs["none"] + 2 * SEEN + 3
    (batch,), state = segments_of(run(rounds=1, local_steps=1))
    (plain,), _ = segments_of(run(rounds=1, local_steps=1, normalise="none"))
    taken = np.arange(plain.reward.shape[2]) < plain.length[..., None]
    seen = plain.observation[taken].astype(float)
    for sums in state.normaliser.sums:
        assert sums[0] == len(seen) / 2
        np.testing.assert_allclose(sums[1 : 1 + SEEN], seen.sum(axis=0) / 2, rtol=1e-12)
        square = np.square(seen).sum(axis=0) / 2
        np.testing.assert_allclose(sums[1 + SEEN : 1 + 2 * SEEN], square, rtol=1e-12)
    np.testing.assert_array_equal(batch.observation, plain.observation)  # nothing was known yet


def test_pooled_statistics_of_one_agent_are_its_own():
    own, pooled = (train([run(agents=1, normalise=kind)])[0] for kind in ("own", "pooled"))
    np.testing.assert_array_equal(own.parameters, pooled.parameters)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"family": "cartpole"}, "an episode of cartpole cannot be stored"),
        ({"algorithm": "fedhapg-m2"}, "fedhapg-m2 samples elsewhere too"),
        ({"algorithm": "fedpg-br", "normalise": "none"}, "fedpg-br samples elsewhere too"),
        ({"algorithm": "fedpg"}, "per_step_mean is False; it must be true with segment"),
        ({"algorithm": "fedpg", "baseline": "linear"}, "baseline is 'linear'; it must be 'none'"),
        ({"segment": 1, "episodes": 1}, "enough for a batch of 4 steps"),
        ({"segment": 0}, "segment"),
    ],
)
def test_what_cannot_be_is_refused(changes, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        run(**{"hyperparameters": {}} | changes)


@pytest.mark.parametrize("clipped", [False, True])
@pytest.mark.parametrize("name", ["halfcheetah", "hopper", "walker2d"])
def test_physics_called_by_compiled_code_is_the_simulators_step(name, clipped):
    """Segments and episodes, bit for bit; an agent whose actions are not finite among them."""
    family, lanes, copies = FAMILIES[name](horizon=40, clip_actions=clipped), 3, 2
    task = family.sample(lanes, 1.0, np.random.default_rng(0))
    policy = GaussianMLP(family.observation_space.shape[0], (4, 4), family.joints, 0.0)
    theta = np.stack([policy.initial(np.random.default_rng(i)) for i in range(lanes)])
    theta[1] = np.nan
    stream = Stream(np.arange(lanes, dtype=np.uint64), np.arange(lanes), 1)
    sampler, rows = Sampler(family, policy, task), lanes * copies
    simulator = sampler.simulator(copies)
    states = simulator.start(np.full((rows, simulator.start_draws), 0.5))
    before, found = np.column_stack([states, np.arange(rows) * 8.0]), []  # the last begins anew
    for native in (simulator.native, None):
        simulator.native = native
        played, after = segment(simulator, policy, theta, stream, before, 90, family.horizon)
        whole = sampler.sample(theta, stream, copies)
        unread = np.arange(family.horizon) >= whole.length[..., None]
        for part in whole[:4]:
            part[unread] = 0
        found.append([*played.steps, *played[1:], after, *whole])
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)
