"""Exact gradients and planning: automatic differentiation, fixed points, independence of lanes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_estimators import ACTIONS, DISCOUNT, FAMILY, HORIZON, STATES, TASK, Enumeration, tight
from torch import Tensor
from torch.func import grad, jvp, vmap

from fedrl.algorithms.estimators.exact import ExactGradients, Model
from fedrl.algorithms.estimators.policy import TabularSoftmax
from fedrl.algorithms.estimators.tabular import TabularDirect, TabularGreedy
from fedrl.envs import FAMILIES
from fedrl.envs.finite.random_mdp import RandomMDP

SOFTMAX, DIRECT = TabularSoftmax(STATES, ACTIONS), TabularDirect(STATES, ACTIONS)
GREEDY = TabularGreedy(STATES, ACTIONS)


def normal(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def model(task, lane: int, behaviour: Tensor) -> Model:
    return Model(*(part[lane] for part in arrays(task)), behaviour)


def arrays(task) -> list[Tensor]:
    """Kernel, reward and start of all agents."""
    parts = (task.kernel, task.reward, task.start)
    return [torch.from_numpy(np.ascontiguousarray(part)) for part in parts]


def objective(table, model: Model, discount: float, horizon: int, entropy: float = 0.0):
    """J by dynamic programming in torch; `table` turns θ (d,) into π (Z, A)."""
    states = torch.arange(len(model.start))
    loops = (model.kernel[states, :, states] == 1).all(-1) & (model.reward == 0).all(-1)
    charge = entropy * (~loops).double().unsqueeze(-1)

    def value(theta: Tensor) -> Tensor:
        policy = table(theta.reshape(model.reward.shape))
        reward = model.reward - (charge * policy.log() if entropy else 0.0)
        ahead = torch.zeros_like(model.start)
        for _ in range(horizon):
            ahead = (policy * (reward + discount * model.kernel @ ahead)).sum(-1)
        return model.start @ ahead

    return value


CASES = [
    (SOFTMAX, lambda table: table.softmax(-1), normal(SOFTMAX.size)),
    (DIRECT, lambda table: table, normal(STATES, ACTIONS).softmax(-1).flatten()),
]


@pytest.mark.parametrize(("policy", "table", "theta"), CASES, ids=["softmax", "direct"])
@pytest.mark.parametrize("entropy", [0.0, 0.3])
def test_first_and_second_derivatives_are_automatic_differentiation(policy, table, theta, entropy):
    here = model(TASK, 0, theta)
    exact = ExactGradients(policy, DISCOUNT, HORIZON, entropy)
    value = objective(table, here, DISCOUNT, HORIZON, entropy)
    vector = normal(policy.size, seed=1)
    torch.testing.assert_close(exact.plain(theta, here), grad(value)(theta), **tight)
    torch.testing.assert_close(exact.weighted(theta, here), grad(value)(theta), **tight)
    hessian = jvp(grad(value), (theta,), (vector,))[1]
    torch.testing.assert_close(exact.curvature(here, vector), hessian, **tight)


@pytest.mark.parametrize("entropy", [0.0, 0.3])
def test_ended_episodes_are_worth_nothing_more(entropy):
    """On the gridworld, whose goal ends the episode."""
    family = FAMILIES["gridworld"](horizon=12)
    task = family.sample(1, 0.5, np.random.default_rng(0))
    assert task.terminal.any()
    policy = TabularSoftmax(family.states, family.actions)
    theta, vector = normal(policy.size), normal(policy.size, seed=1)
    here = model(task, 0, theta)
    exact = ExactGradients(policy, family.discount, family.horizon, entropy)
    value = objective(
        lambda table: table.softmax(-1), here, family.discount, family.horizon, entropy
    )
    close = {"rtol": 0, "atol": 1e-11}
    torch.testing.assert_close(exact.plain(theta, here), grad(value)(theta), **close)
    hessian = jvp(grad(value), (theta,), (vector,))[1]
    torch.testing.assert_close(exact.curvature(here, vector), hessian, **close)


def test_the_gradient_in_the_policy_is_the_families():
    theta = CASES[1][2]
    exact = ExactGradients(DIRECT, DISCOUNT, HORIZON)
    known = FAMILY.exact(TASK, theta.reshape(1, STATES, ACTIONS).numpy()).gradient
    np.testing.assert_allclose(exact.plain(theta, model(TASK, 0, theta)), known.ravel(), atol=1e-12)


def test_the_fisher_product_is_the_expectation_of_the_sampled_one():
    from fedrl.algorithms import CompiledGradients

    every = Enumeration(SOFTMAX)
    theta, vector = normal(SOFTMAX.size), normal(SOFTMAX.size, seed=1)
    sampled = CompiledGradients(SOFTMAX, DISCOUNT).fisher
    values = vmap(sampled, (None, 0, None))(theta, every.batches(theta), vector)
    exact = ExactGradients(SOFTMAX, DISCOUNT, HORIZON)
    torch.testing.assert_close(
        exact.fisher(theta, model(TASK, 0, theta), vector),
        every.expectation(theta, values),
        **tight,
    )


def test_the_fisher_product_counts_only_steps_taken():
    """State 0 goes to 1 or to 2 and the episode ends there: only the row of state 0 matters."""
    kernel = torch.zeros(3, 2, 3, dtype=torch.float64)
    kernel[0, 0, 1] = kernel[0, 1, 2] = kernel[1, :, 1] = kernel[2, :, 2] = 1
    reward = torch.tensor([[0.0, 1], [0, 0], [0, 0]], dtype=torch.float64)
    theta, vector = normal(6), normal(6, seed=1)
    here = Model(kernel, reward, torch.eye(3, dtype=torch.float64)[0], theta)
    exact = ExactGradients(TabularSoftmax(3, 2), 0.9, 5).fisher(theta, here, vector)
    pi, v = theta[:2].softmax(-1), vector[:2]
    torch.testing.assert_close(exact[:2], pi * (v - pi @ v), **tight)
    assert not exact[2:].any()


@pytest.mark.parametrize(("policy", "table", "theta"), CASES, ids=["softmax", "direct"])
def test_action_values_solve_bellmans_equation_and_advantages_have_mean_zero(policy, table, theta):
    here = model(TASK, 0, theta)
    exact = ExactGradients(policy, DISCOUNT, HORIZON)
    pi = table(theta.reshape(STATES, ACTIONS))
    q = exact.action_value(theta, here).reshape(STATES, ACTIONS)
    value = (pi * q).sum(-1)
    torch.testing.assert_close(q, here.reward + DISCOUNT * here.kernel @ value, **tight)
    advantage = exact.advantage(theta, here).reshape(STATES, ACTIONS)
    torch.testing.assert_close(advantage, q - value.unsqueeze(-1), **tight)
    assert (pi * advantage).sum(-1).abs().max() < 1e-12


def test_backups_contract_to_the_value_of_their_own_greedy_policy():
    here = model(TASK, 0, torch.zeros(SOFTMAX.size, dtype=torch.float64))
    exact = ExactGradients(GREEDY, DISCOUNT, HORIZON)
    one, two = normal(SOFTMAX.size), normal(SOFTMAX.size, seed=1)
    gap = (exact.backup(one, here) - exact.backup(two, here)).abs().max()
    assert gap <= DISCOUNT * (one - two).abs().max()
    q = one
    for _ in range(400):
        q = exact.backup(q, here)
    torch.testing.assert_close(exact.action_value(q, here), q, **tight)


def test_an_infinite_horizon_needs_a_discount():
    here = model(TASK, 0, CASES[0][2])
    with pytest.raises(ValueError, match=r"discount is 1\.0"):
        ExactGradients(SOFTMAX, 1.0, HORIZON).advantage(CASES[0][2], here)


def test_a_greedy_policy_has_no_gradient():
    here = model(TASK, 0, CASES[0][2])
    with pytest.raises(TypeError, match="no derivative"):
        ExactGradients(GREEDY, DISCOUNT, HORIZON).plain(CASES[0][2], here)


def test_a_lane_does_not_depend_on_the_others_bit_for_bit():
    family = RandomMDP(size=7, choices=3, horizon=15)
    task = family.sample(6, 0.8, np.random.default_rng(1))
    policy = TabularSoftmax(7, 3)
    theta, vector = normal(6, policy.size), normal(6, policy.size, seed=1)
    models = Model(*arrays(task), theta)
    exact = ExactGradients(policy, 0.95, 15, 0.1)

    def all_of(lift, point, batch, along) -> list[Tensor]:
        return [
            lift(exact.plain)(point, batch),
            lift(exact.curvature)(batch, along),
            lift(exact.fisher)(point, batch, along),
            lift(exact.action_value)(point, batch),
            lift(exact.advantage)(point, batch),
            lift(exact.backup)(point, batch),
        ]

    together = all_of(vmap, theta, models, vector)
    nested = all_of(
        lambda f: vmap(vmap(f)),
        theta.reshape(2, 3, -1),
        Model(*(part.reshape(2, 3, *part.shape[1:]) for part in models)),
        vector.reshape(2, 3, -1),
    )
    for lane in range(6):
        alone = all_of(
            lambda f: f, theta[lane], Model(*(part[lane] for part in models)), vector[lane]
        )
        for many, grid, one in zip(together, nested, alone, strict=True):
            assert torch.equal(many[lane], one)
            assert torch.equal(grid[lane // 3, lane % 3], one)
