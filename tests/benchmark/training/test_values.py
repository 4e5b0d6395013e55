"""Laws of values: draws of a generative model, errors of Q, and algorithms that estimate it."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from pydantic import ValidationError

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.config.settings import explain
from fedrl.benchmark.training import generative
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.rollout import Stream
from fedrl.envs import FAMILIES

SMALL = {
    "family": "random-mdp",
    "options": {"size": 3, "choices": 2, "horizon": 6},
    "agents": 3,
    "rounds": 60,
    "local_steps": 1,
    "episodes": 4,
    "step_size": 0.5,
    "evaluate_every": 20,
}


def errors(algorithm: str, **changes) -> np.ndarray:
    config = Config(**{**SMALL, "algorithm": algorithm, **changes})
    (found,) = train([Run(config, Seed("test", 0))])
    return found.columns["value_error"]


@pytest.mark.parametrize("family", ["random-mdp", "gridworld"])
def test_draws_weighted_by_their_chances_are_the_bellman_operator(family: str) -> None:
    """Every outcome of every pair once, by enumeration: rewards, successors and ends."""
    known = FAMILIES[family]()
    task = known.sample(2, 0.8, np.random.default_rng(0))
    lanes, states, actions, outcomes = task.chance.shape
    value = np.where(task.terminal, 0.0, np.random.default_rng(1).normal(size=(lanes, states)))
    reach = np.cumsum(task.chance, axis=-1)
    middles = np.moveaxis(reach - task.chance / 2, -1, 1)  # (N, K, Z, A)

    def enumerated(_: Stream, count: int) -> np.ndarray:
        return middles.reshape(lanes, count)

    stream = Stream(np.zeros(lanes, np.uint64), np.arange(lanes), 0)
    with patch.object(Stream, "uniform", enumerated):
        played = generative.draws(task, stream, outcomes, np.float64)
    after, rows = played.final[..., 0].astype(int), np.arange(lanes)[:, None]
    ahead = np.where(played.terminated, 0.0, value[rows, after])
    found = (played.reward[..., 0] + known.discount * ahead).reshape(middles.shape)
    mean = (np.moveaxis(task.chance, -1, 1) * found).sum(1)
    expected = task.reward + known.discount * np.einsum("nsax,nx->nsa", task.kernel, value)
    np.testing.assert_allclose(mean, expected, rtol=0, atol=1e-12)
    pairs = np.tile(np.arange(states * actions), outcomes)
    own = played.observation[0, :, 0, 0] * actions + played.action[0, :, 0, 0]
    np.testing.assert_array_equal(own, pairs)
    assert (played.length == 1).all()


def test_values_of_a_policy_solve_their_linear_equations_and_the_best_are_a_fixed_point() -> None:
    family = FAMILIES["random-mdp"](size=4, choices=3)
    task = family.sample(2, 0.7, np.random.default_rng(0))
    policy = np.random.default_rng(1).dirichlet(np.ones(3), size=(2, 4))
    moves = np.einsum("nsax,nxb->nsaxb", task.kernel, policy).reshape(2, 12, 12)
    system = np.eye(12) - family.discount * moves
    solved = np.linalg.solve(system, task.reward.reshape(2, 12, 1)).reshape(2, 4, 3)
    np.testing.assert_allclose(family.action_values(task, policy), solved, rtol=0, atol=1e-12)
    best = family.action_values(task)
    again = task.reward + family.discount * np.einsum("nsax,nx->nsa", task.kernel, best.max(-1))
    np.testing.assert_allclose(best, again, rtol=0, atol=1e-12)
    assert (best >= solved - 1e-12).all()
    assert np.isnan(FAMILIES["random-mdp"](discount=1.0).action_values(task)).all()


def test_errors_of_q_are_those_of_its_definition() -> None:
    """At θ_0 = 0 of qavg: the mean over agents of max |Q_i*|; alike agents are solved by rounds."""
    config = Config(**{**SMALL, "algorithm": "qavg", "kappa": 0.8})
    family = config.build_family()
    task = family.sample(3, 0.8, Seed("test", 0).generator("environment"))
    start = np.abs(family.action_values(task)).max(axis=(1, 2)).mean()
    assert errors("qavg", kappa=0.8)[0] == pytest.approx(start, rel=1e-12)
    assert errors("qavg", rounds=600, step_size=1.0)[-1] < 1e-9


@pytest.mark.parametrize("algorithm", ["fed-dvr-q", "fedtd"])
def test_sampled_values_approach_what_they_estimate(algorithm: str) -> None:
    found = errors(algorithm, rounds=400)
    assert found[-1] < 0.05 * found[0]


def test_only_algorithms_that_estimate_q_have_errors_of_it() -> None:
    (found,) = train([Run(Config(**{**SMALL, "algorithm": "fedpg"}), Seed("test", 0))])
    assert "value_error" not in found.columns


def test_a_generative_model_is_of_finite_mdps() -> None:
    with pytest.raises(ValidationError) as error:
        Config(family="cartpole", algorithm="fed-dvr-q")
    assert "finite for algorithm fed-dvr-q" in explain(error.value)
