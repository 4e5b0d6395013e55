"""Laws of finite MDPs: the compact form, exact derivatives, optima and thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from test_families import FAMILIES, TABULAR, TINY, few_starts, rng, row, sample, trajectories
from torch import Tensor
from torch.func import grad, jvp

from fedrl.algorithms.estimators.exact import ExactGradients, Model
from fedrl.algorithms.estimators.policy import TabularSoftmax
from fedrl.benchmark.config.seeds import Seed
from fedrl.envs.family import Array
from fedrl.envs.finite.common_policy import ascend
from fedrl.envs.finite.frozen_lake import FrozenLake
from fedrl.envs.finite.gridworld import GridWorld
from fedrl.envs.finite.mdp import TabularState, draw, mean_task, packed
from fedrl.envs.finite.random_mdp import RandomMDP
from fedrl.envs.finite.tabular import (
    Tabular,
    TabularTask,
    best_common_policy,
    softmax,
    tabular_task,
)

every_tabular = pytest.mark.parametrize("name", TABULAR)


# The compact form


def random_kernel(states: int = 6, zeros: float = 0.5) -> Array:
    """(2, Z, 3, Z) with zeros, at least one entry of each row positive."""
    generator = rng()
    rows = generator.random((2, states, 3, states)) * (
        generator.random((2, states, 3, states)) > zeros
    )
    rows[..., 0] += rows.sum(-1) == 0
    return rows / rows.sum(-1, keepdims=True)


def test_the_compact_form_is_the_kernel() -> None:
    kernel = random_kernel()
    reward, start = rng().random((2, 6, 3)), np.full((2, 6), 1 / 6)
    most = int((kernel > 0).sum(-1).max())
    for successors in (None, most, most + 2, 100):
        task = tabular_task(kernel, reward, start, successors)
        np.testing.assert_array_equal(task.kernel, kernel)
        assert task.chance.shape[-1] == min(successors or 6, 6)
        for agent in range(2):
            np.testing.assert_array_equal(row(task, agent).kernel, kernel[agent])
    with pytest.raises(ValueError, match=f"successors is {most - 1}; it must be at least {most}"):
        tabular_task(kernel, reward, start, most - 1)


@every_tabular
def test_the_same_uniform_number_gives_the_successor_of_the_full_row(name: str) -> None:
    """The cumulative sums are those of the row of P with its zeros, in the order of the states."""
    task = sample(name)
    generator = rng(1)
    for _ in range(300):
        agent, s = int(generator.integers(3)), int(generator.integers(task.start.shape[1]))
        a = int(generator.integers(task.reward.shape[2]))
        uniform = float(generator.random())
        lane = row(task, agent)
        step = FAMILIES[name]().kernel.transition(lane, TabularState(s), [a], [uniform])  # type: ignore[attr-defined]
        assert step[0].cell == draw(task.kernel[agent, s, a], uniform)
        assert step[2] == task.terminal[agent, step[0].cell]


@every_tabular
def test_payoffs_average_to_the_reward(name: str) -> None:
    task = sample(name)
    mean = np.sum(task.chance * task.payoff, axis=-1)
    np.testing.assert_allclose(mean, task.reward, rtol=1e-12, atol=1e-12)


@every_tabular
def test_successors_are_as_many_at_every_level(name: str) -> None:
    """So that runs of different κ and seeds can be joined in one batch."""
    shapes = {
        FAMILIES[name]().sample(agents, kappa, rng(agents)).chance.shape[1:]
        for agents in (1, 4)
        for kappa in (0.0, 0.3, 1.0)
    }
    assert len(shapes) == 1


def test_packing_keeps_the_order_and_drops_zeros() -> None:
    successor, chance = packed(np.array([[0.0, 0.25, 0.0, 0.75], [1.0, 0.0, 0.0, 0.0]]), 3)
    np.testing.assert_array_equal(successor, [[1, 3, 0], [0, 0, 0]])
    np.testing.assert_array_equal(chance, [[0.25, 0.75, 0.0], [1.0, 0.0, 0.0]])


def test_the_mean_task_has_the_mean_kernel() -> None:
    task = tabular_task(random_kernel(), rng().random((2, 6, 3)), rng(1).dirichlet(np.ones(6), 2))
    mean = mean_task(task)
    for one, all_ in ((mean.kernel, task.kernel), (mean.reward, task.reward)):
        np.testing.assert_allclose(one[0], all_.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(mean.start[0], task.start.mean(axis=0), rtol=1e-12)


# Derivatives in the logits


def logits(family: Tabular, agents: int, seed: int = 4) -> Array:
    return rng(seed).normal(size=(agents, family.states * family.actions))


def curvatures(family: Tabular, task: Any, theta: Array, vector: Array) -> Array:
    """∇²J_i(θ_i) v_i of every agent: (N, d)."""
    exact = ExactGradients(
        TabularSoftmax(family.states, family.actions), family.discount, family.horizon
    )
    models = zip(task.kernel, task.reward, task.start, theta, strict=True)
    found = [
        exact.curvature(Model(*map(torch.from_numpy, model)), torch.from_numpy(along)).numpy()
        for model, along in zip(models, vector, strict=True)
    ]
    return np.stack(found)


@every_tabular
def test_derivatives_are_sums_over_all_trajectories(name: str) -> None:
    """J, ∇J and ∇²J v of Σ_τ p_θ(τ) Σ_h γ^h R_h: with ℓ = log p_θ and G the return,

    ∇J = Σ p G ∇ℓ and ∇²J v = Σ p G [∇ℓ (∇ℓ·v) + ∇²ℓ v].
    """
    family: Any = TINY[name]
    task = few_starts(family.sample(2, 0.7, rng()))
    theta, vector = logits(family, 2), logits(family, 2, seed=6)
    exact = family.closed_form(task, task.reward.shape[1:], theta)
    bends = curvatures(family, task, theta, vector)
    for i in range(2):
        policy = softmax(theta[i].reshape(task.reward.shape[1:]))
        along = vector[i].reshape(policy.shape)
        drift = along - np.sum(policy * along, axis=-1, keepdims=True)  # ∂ log π along v
        objective, gradient, curvature = 0.0, np.zeros_like(policy), np.zeros_like(policy)
        for s, a, chance in trajectories(row(task, i)):
            gain = sum(family.discount**h * task.reward[i, s[h], a[h]] for h in range(3))
            weight = chance * np.prod(policy[s, a]) * gain
            if weight == 0:
                continue
            objective += weight
            toward = sum(drift[s[h], a[h]] for h in range(3))
            for h in range(3):
                score = np.eye(policy.shape[1])[a[h]] - policy[s[h]]
                gradient[s[h]] += weight * score
                curvature[s[h]] += weight * (score * toward - policy[s[h]] * drift[s[h]])
        scale = 1e-12 * max(1.0, abs(objective))
        np.testing.assert_allclose(exact.objective[i], objective, rtol=0, atol=scale)
        np.testing.assert_allclose(exact.gradient[i], gradient.ravel(), rtol=0, atol=scale)
        np.testing.assert_allclose(bends[i], curvature.ravel(), rtol=0, atol=scale)


def objective(family: Tabular, task: Any, theta: Tensor) -> Tensor:
    """J of one agent by plain value recursion on the full kernel, for automatic differentiation."""
    reward = torch.from_numpy(task.reward)
    policy = theta.reshape(reward.shape).softmax(-1)
    moves = torch.einsum("sa,sax->sx", policy, torch.from_numpy(task.kernel))
    value = torch.zeros(len(reward), dtype=torch.float64)
    for _ in range(family.horizon):
        value = (policy * reward).sum(-1) + family.discount * moves @ value
    return torch.from_numpy(task.start) @ value


@every_tabular
def test_derivatives_are_those_of_automatic_differentiation(name: str) -> None:
    family: Any = FAMILIES[name](horizon=20)
    task = family.sample(2, 0.7, rng())
    theta, vector = logits(family, 2), logits(family, 2, seed=6)
    exact = family.closed_form(task, task.reward.shape[1:], theta)
    bends = curvatures(family, task, theta, vector)
    for i in range(2):
        lane = row(task, i)

        def value(parameters: Tensor, lane: Any = lane) -> Tensor:
            return objective(family, lane, parameters)

        point, along = torch.from_numpy(theta[i]), torch.from_numpy(vector[i])
        gradient, curvature = jvp(grad(value), (point,), (along,))
        scale = 1e-12 * max(1.0, float(curvature.abs().max()))
        np.testing.assert_allclose(exact.objective[i], value(point), rtol=1e-12)
        np.testing.assert_allclose(exact.gradient[i], gradient, rtol=0, atol=scale)
        np.testing.assert_allclose(bends[i], curvature, rtol=0, atol=scale)


@every_tabular
def test_an_agents_values_do_not_depend_on_the_others(name: str) -> None:
    """Bit for bit."""
    family: Any = FAMILIES[name]()
    task, theta = sample(name), logits(family, 3)
    shape = task.reward.shape[1:]
    together = family.closed_form(task, shape, theta)
    for i in range(3):
        one = TabularTask(*(field[i : i + 1] for field in task))
        alone = family.closed_form(one, shape, theta[i : i + 1])
        for field, both in zip(alone, together, strict=True):
            np.testing.assert_array_equal(field[0], both[i])


# Optima


@every_tabular
def test_following_the_optimal_plan_attains_the_optimum(name: str) -> None:
    family: Any = FAMILIES[name]()
    task = sample(name)
    best = family.optima(task)
    np.testing.assert_allclose(family.follow(task, best.action), best.objective, rtol=1e-12)


@every_tabular
def test_following_one_action_for_ever_is_the_stationary_policy(name: str) -> None:
    family: Any = FAMILIES[name]()
    task = sample(name)
    choice = rng().integers(family.actions, size=(3, 1, family.states))
    plan = np.repeat(choice, family.horizon, axis=1)
    policy = np.eye(family.actions)[choice[:, 0]]
    expected = family.exact(task, policy).objective
    np.testing.assert_allclose(family.follow(task, plan), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "kappa"),
    [
        pytest.param(n, kappa, marks=pytest.mark.long if n == "taxi" else ())
        for n in TABULAR
        for kappa in (0.0, 1.0)
    ],
)
def test_thresholds_are_in_order(name: str, kappa: float) -> None:
    family: Any = FAMILIES[name]()
    task = sample(name, kappa=kappa)
    uniform = np.full(task.reward.shape, 1 / family.actions)
    random, (common, _) = family.exact(task, uniform).objective, best_common_policy(family, task)
    assert random.mean() < common <= family.optimum(task).mean() + 1e-12
    assert family.reference(task).value == common


def test_the_reference_is_not_that_of_an_unlucky_start() -> None:
    """Two agents in conflict, where every optimal policy leads to a poor common one, 7.5603."""
    family = RandomMDP(sparsity=1, reward_kappa=1.0)
    task = family.sample(2, 1.0, Seed("test", 10).generator("environment"))
    assert best_common_policy(family, task)[0] >= 7.8364


@pytest.mark.parametrize(
    "family", [GridWorld(vary_goal=True), FrozenLake(slippery=False)], ids=["grid", "lake"]
)
def test_no_other_random_restart_beats_the_reference(family: Tabular) -> None:
    generator = np.random.default_rng(1)
    for number in range(3):
        task = family.sample(2, 1.0, Seed("test", number).generator("environment"))
        random = generator.integers(family.actions, size=(8, family.states))
        starts = (np.eye(family.actions)[random] + 1 / family.actions) / 2
        ends = [ascend(task, start, family.discount, family.horizon)[0] for start in starts]
        assert best_common_policy(family, task)[0] >= max(ends) - 1e-3


# RandomMDP


@pytest.mark.parametrize("kappa", [0.0, 0.5, 1.0])
def test_sparse_kernels_have_as_many_successors_as_stated(kappa: float) -> None:
    task = RandomMDP(size=12, choices=3, sparsity=3).sample(6, kappa, rng())
    counts = (task.kernel > 0).sum(-1)
    assert task.chance.shape[-1] == 6
    if kappa == 0.5:
        assert counts.min() >= 3
        assert counts.max() == 6  # two supports of three
    else:
        assert (counts == 3).all()


def test_orthogonal_kernels_share_no_successor_with_the_common_one() -> None:
    family = RandomMDP(size=6, choices=3, sparsity=2, support="orthogonal")
    common, half, own = (family.sample(4, kappa, rng()).kernel for kappa in (0.0, 0.5, 1.0))
    assert ((common > 0) == (own == 0)).all()
    np.testing.assert_allclose(half, (common + own) / 2, rtol=1e-12)
    assert not np.array_equal(own[0], own[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sparsity": 0}, "sparsity is 0; it must be from 1 to the number of states, 5"),
        ({"sparsity": 6}, "sparsity is 6; it must be from 1"),
        ({"support": "orthogonal"}, "sparsity is None; it must be from 1 to 4"),
        ({"support": "orthogonal", "sparsity": 5}, "sparsity is 5; it must be from 1 to 4"),
        ({"support": "ortogonal"}, "did you mean 'orthogonal'"),
    ],
)
def test_impossible_sparsity_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RandomMDP(**options)
