"""Small networks of several agents beside each other: the bits of one agent after the other."""

from __future__ import annotations

import numpy as np
import pytest

from fedrl.algorithms.estimators import kernels
from fedrl.algorithms.estimators.coefficients import Options
from fedrl.algorithms.estimators.networks import abreast
from fedrl.algorithms.estimators.policy import CategoricalMLP, GaussianMLP

PAPER_EXACT = Options(0.99, float("inf"), False, False, 0.0, False)
TRICKS = Options(0.9, 2.0, True, True, 0.1, True)
POLICIES = [
    CategoricalMLP(4, (8, 8), 2),
    CategoricalMLP(6, (16, 11), 3),
    CategoricalMLP(4, (), 2),
    GaussianMLP(3, (5,), 3),
    GaussianMLP(6, (16, 11), 2),  # vectors of 8, 4, 2 and 1 columns
]


def batch(policy, agents: int, episodes: int, horizon: int, dtype) -> list[np.ndarray]:
    """θ, the vector of no use here, and trajectories of unequal lengths."""
    draws = np.random.default_rng(0)
    lengths = draws.integers(1, horizon + 1, (agents, episodes))
    lengths[agents // 2] = horizon
    theta = (draws.normal(size=(agents, policy.size)) / 2).astype(dtype)
    leading = (agents, episodes, horizon)
    parts = [draws.normal(size=(*leading, policy.inputs)), draws.normal(size=leading)]
    action = draws.normal(size=(*leading, policy.action_size))
    if isinstance(policy, CategoricalMLP):
        action = draws.integers(0, policy.actions, (*leading, 1))
    played = [parts[0], action, parts[1], np.log(draws.uniform(0.1, 0.9, leading))]
    played = [part.astype(dtype) for part in played]
    return [theta, theta, *played, lengths, draws.normal(size=leading).astype(dtype)]


def estimate(function, kind: int, policy, options: Options, given: list[np.ndarray]):
    out, log_weight = np.full_like(given[0], 7.0), np.zeros(given[6].shape)
    function(kind, policy.widths, options, *given, log_weight, out)
    return out, log_weight


@pytest.mark.parametrize("kind", [kernels.PLAIN, kernels.WEIGHTED])
@pytest.mark.parametrize(
    ("policy", "dtype"),
    [
        # A head and a dtype are compiled for ten seconds: by day those that other tests use too.
        *(
            pytest.param(p, dtype, marks=pytest.mark.long)
            for dtype, policies in ((np.float64, POLICIES[:3]), (np.float32, POLICIES))
            for p in policies
        ),
        (POLICIES[3], np.float64),
        (POLICIES[4], np.float64),
    ],
    ids=str,
)
def test_agents_beside_each_other_have_the_bits_of_one_after_the_other(policy, dtype, kind):
    name = type(policy).__name__
    for agents, episodes, horizon in [(1, 1, 3), (9, 2, 7), (25, 1, 20)]:
        given = batch(policy, agents, episodes, horizon, dtype)
        for options in (PAPER_EXACT, TRICKS):
            found = estimate(kernels.abreast_estimator(name), kind, policy, options, given)
            expected = estimate(kernels.one_by_one(name), kind, policy, options, given)
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", [kernels.PLAIN, kernels.WEIGHTED])
def test_an_agent_has_the_same_bits_whoever_stands_beside_it(kind):
    """In single precision too, without what computes one after the other."""
    policy = POLICIES[1]
    given = batch(policy, 19, 2, 7, np.float32)
    function = kernels.abreast_estimator("CategoricalMLP")
    for options in (PAPER_EXACT, TRICKS):
        together = estimate(function, kind, policy, options, given)
        for agent in range(19):
            own = [part[agent : agent + 1] for part in given]
            for one, all_ in zip(
                estimate(function, kind, policy, options, own), together, strict=True
            ):
                np.testing.assert_array_equal(one[0], all_[agent])


def test_an_infinite_parameter_reaches_no_other_agent():
    """A diverged agent's steps and those past the end of another stand in one vector."""
    policy = POLICIES[4]
    given = batch(policy, 8, 1, 20, np.float64)
    before = estimate(kernels.abreast_estimator("GaussianMLP"), 1, policy, PAPER_EXACT, given)[0]
    given[0][3, :40] = np.inf
    given[0][5, 50] = -np.inf
    after, _ = estimate(kernels.abreast_estimator("GaussianMLP"), 1, policy, PAPER_EXACT, given)
    others = [0, 1, 2, 4, 6, 7]
    np.testing.assert_array_equal(after[others], before[others])
    alone = [part[5:6] for part in given]
    expected, _ = estimate(kernels.one_by_one("GaussianMLP"), 1, policy, PAPER_EXACT, alone)
    np.testing.assert_array_equal(after[5:6], expected)


def test_small_networks_stand_beside_each_other():
    small, large = CategoricalMLP(4, (8, 8), 2), CategoricalMLP(17, (64, 64), 6)
    chosen = kernels.abreast_estimator("CategoricalMLP")
    assert kernels.estimator("CategoricalMLP", kernels.PLAIN, small.shape) is chosen
    one = kernels.one_by_one("CategoricalMLP")
    assert kernels.estimator("CategoricalMLP", kernels.CURVATURE, small.shape) is one
    assert kernels.estimator("CategoricalMLP", kernels.PLAIN, large.shape) is one


def test_chains_of_every_kind_are_compiled_under_names_of_their_own():
    """By these the linker tells functions with the same arguments from each other."""
    kinds = (abreast.products, abreast.affine, abreast.rounded, abreast.totals_of)
    assert len({run.__qualname__ for run in kinds}) == len(kinds)
