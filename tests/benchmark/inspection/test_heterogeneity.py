"""Heterogeneity measures in cases whose value is known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_families import FAMILIES, TABULAR, rng, sample

from fedrl.benchmark.inspection.heterogeneity import (
    cross_evaluation,
    kernel_distance,
    optimality_gap,
)
from fedrl.envs.finite.gridworld import GridWorld
from fedrl.envs.finite.opposed_pair import OpposedPair
from fedrl.envs.finite.random_mdp import RandomMDP
from fedrl.envs.finite.tabular import Tabular, tabular_task

every_tabular = pytest.mark.parametrize("name", TABULAR)


def rows(*chances: float) -> Any:
    """Agents with two states and one action that goes from 0 to 1 with these chances."""
    kernel = np.zeros((len(chances), 2, 1, 2))
    kernel[:, 0, 0, 1] = chances
    kernel[:, 0, 0, 0] = 1 - np.array(chances)
    kernel[:, 1, 0, 1] = 1.0
    reward = np.zeros((len(chances), 2, 1))
    reward[:, 1, 0] = 3 * np.array(chances)
    return tabular_task(kernel, reward, np.tile([1.0, 0.0], (len(chances), 1)))


def test_distances_over_pairs_states_and_actions() -> None:
    """TV of two coins is the difference of their chances; one of two rows differs."""
    task = rows(0.2, 0.5, 0.9)
    np.testing.assert_allclose(kernel_distance(task), (0.7, (0.3 + 0.4 + 0.7) / 6), rtol=1e-12)
    assert kernel_distance(rows(0.4)) == (0.0, 0.0)


@every_tabular
def test_distances_are_those_of_the_full_kernels(name: str) -> None:
    task = sample(name, kappa=0.8)
    kernel = task.kernel
    pairs = [(0, 1), (0, 2), (1, 2)]
    total = [0.5 * np.abs(kernel[i] - kernel[j]).sum(-1) for i, j in pairs]
    np.testing.assert_allclose(kernel_distance(task), (np.max(total), np.mean(total)), rtol=1e-9)
    assert 0 < kernel_distance(task).mean <= kernel_distance(task).largest <= 1 + 1e-12


@every_tabular
def test_identical_agents_are_at_no_distance(name: str) -> None:
    family: Any = FAMILIES[name]()
    task = sample(name, kappa=0.0)
    assert kernel_distance(task) == (0.0, 0.0)
    theta = np.tile(rng().normal(size=family.states * family.actions), (3, 1))
    gradient = family.closed_form(task, task.reward.shape[1:], theta).gradient
    np.testing.assert_allclose(gradient, gradient[[0, 0, 0]], rtol=0, atol=1e-12)
    cross = cross_evaluation(family, task)
    np.testing.assert_array_equal(cross, np.broadcast_to(cross[:1, :1], cross.shape))


def test_distance_of_mixed_kernels_is_proportional_to_kappa() -> None:
    """P_i - P_j = κ (U_i - U_j), and R_i - R_j likewise."""
    half, full = (kernel_distance(RandomMDP().sample(4, kappa, rng())) for kappa in (0.5, 1.0))
    np.testing.assert_allclose(np.array(full), 2 * np.array(half), rtol=1e-12)
    low, high = (RandomMDP(reward_kappa=k).sample(4, 0.0, rng()).reward for k in (0.2, 0.6))
    np.testing.assert_allclose(high - high[0], 3 * (low - low[0]), rtol=0, atol=1e-12)


def test_orthogonal_kernels_are_at_distance_kappa_from_the_common_one() -> None:
    family = RandomMDP(size=6, sparsity=3, support="orthogonal")
    common = family.sample(1, 0.0, rng())
    for kappa in (0.25, 1.0):
        own = family.sample(1, kappa, rng())
        pair = type(own)(*(np.concatenate(both) for both in zip(common, own, strict=True)))
        np.testing.assert_allclose(kernel_distance(pair), (kappa, kappa), rtol=1e-12)


# OpposedPair: every three steps a way is taken and paid on the second of them.


def cycles(family: OpposedPair) -> float:
    """Σ γ^h over the steps h = 1, 4, 7, … below the horizon."""
    return sum(family.discount**h for h in range(1, family.horizon, 3))


def test_opposed_agents_gain_kappa_alone_and_only_the_safe_way_together() -> None:
    for kappa, alone in ((0.0, 0.25), (0.1, 0.25), (0.6, 0.6), (1.0, 1.0)):
        family = OpposedPair()
        task = family.sample(4, kappa, rng())
        own, common = cycles(family) * alone, cycles(family) * 0.25
        np.testing.assert_allclose(family.optimum(task), own, rtol=1e-12)
        np.testing.assert_allclose(optimality_gap(family, task), own - common, atol=1e-6)


def test_the_best_plan_of_one_kind_is_the_worst_for_the_other() -> None:
    family = OpposedPair()
    signs = np.array([1.0, -1.0, 1.0])
    expected = cycles(family) * np.outer(signs, signs)
    cross = cross_evaluation(family, family.sample(3, 1.0, rng()))
    np.testing.assert_allclose(cross, expected, rtol=1e-12)


def test_the_mean_gradient_of_opposed_agents_has_no_preference_between_the_gambles() -> None:
    """At the uniform policy: it favours only the safe way, while each agent's own gradient gambles.

    ∂J_i/∂θ[fork, a] = D (g_i(a) - mean g_i)/4 with gains g = (±κ, ∓κ, safe, wait); whence
    ζ² = (κ c)² · 2 / 16 for one cycle, c = γ, whatever the safe way pays.
    """
    family = OpposedPair(horizon=2)
    for kappa in (0.3, 1.0):
        task = family.sample(2, kappa, rng())
        gradient = family.closed_form(task, (7, 4), np.zeros((2, 28))).gradient
        zeta = np.mean(np.sum((gradient - gradient.mean(axis=0)) ** 2, axis=-1))
        np.testing.assert_allclose(zeta, (kappa * family.discount) ** 2 / 8, rtol=1e-12)
        gamble, other = rng().permutation(4)[:2]
        mean = gradient.mean(axis=0).reshape(7, 4)[0]
        np.testing.assert_allclose(mean[gamble], mean[other], rtol=1e-12)


def test_the_hardest_pair_is_at_the_largest_distance() -> None:
    assert kernel_distance(OpposedPair().sample(2, 1.0, rng())).largest == 1.0
    for kappa in (0.0, 0.3):
        largest = kernel_distance(OpposedPair().sample(2, kappa, rng())).largest
        np.testing.assert_allclose(largest, kappa, atol=1e-15)


# All families


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.long if n == "taxi" else ()) for n in TABULAR]
)
def test_nobody_does_better_for_an_agent_than_its_own_plan(name: str) -> None:
    family: Any = FAMILIES[name]()
    task = sample(name, kappa=1.0)
    cross = cross_evaluation(family, task)
    np.testing.assert_allclose(cross.diagonal(), family.optimum(task), rtol=1e-12)
    assert (cross <= cross.diagonal() + 1e-9 * np.abs(cross.diagonal())).all()
    assert optimality_gap(family, task) >= -1e-9


def test_goals_of_their_own_cost_a_common_policy_much() -> None:
    """Opposite corners of a corridor: shared, half of the agents walk the wrong way."""
    family = GridWorld(map="G..S..G", vary_goal=True, horizon=6).pinned({"slip": 0.0})
    tasks = [family.sample(1, kappa, rng(seed)) for kappa in (0.0, 1.0) for seed in (1,)]
    pair: Any = type(tasks[0])(*(np.concatenate(both) for both in zip(*tasks, strict=True)))
    gamma, cost = family.discount, family.step_cost
    alone = gamma**2 - cost * (1 + gamma + gamma**2)
    lost = -cost * sum(gamma**h for h in range(6))
    np.testing.assert_allclose(family.optimum(pair), alone, rtol=1e-12)
    np.testing.assert_allclose(
        cross_evaluation(family, pair), [[alone, lost], [lost, alone]], rtol=1e-12
    )
    assert isinstance(family, Tabular)
    assert optimality_gap(family, pair) > 0.2 * (alone - lost)
