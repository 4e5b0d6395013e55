"""Laws of finite MDPs: kernels are distributions, exact values are values."""

from typing import Any

import numpy as np

from fedrl.benchmark.conformance.draws import draw, generator
from fedrl.benchmark.conformance.verdict import hold
from fedrl.envs.family import Array
from fedrl.envs.finite.tabular import Tabular, TabularTask, best_common_policy

Kind = type[Tabular]


def policies(task: TabularTask, seed: int = 3) -> Array:
    """One random policy per agent: (N, Z, A)."""
    return generator(seed).dirichlet(np.ones(task.reward.shape[2]), task.reward.shape[:2])


def transition_rows_are_distributions(kind: Kind) -> None:
    """P(·|s,a) and ρ are non-negative and sum to 1."""
    for kappa in (0.0, 0.5, 1.0):
        task = draw(kind(), kappa=kappa)
        for name, part in (("P(·|s,a)", task.kernel), ("ρ", task.start)):
            hold((part >= 0).all(), f"at κ = {kappa} {name} has a negative probability")
            whole = np.allclose(part.sum(axis=-1), 1.0, rtol=1e-12, atol=0)
            hold(whole, f"at κ = {kappa} {name} does not sum to 1")


def terminal_states_absorb_without_reward(kind: Kind) -> None:
    """Where an episode ends, exact values must see no further reward."""
    task = draw(kind())
    for agent, state in np.argwhere(task.terminal):
        stays = (task.kernel[agent, state, :, state] == 1).all()
        free = (task.reward[agent, state] == 0).all()
        hold(stays and free, f"terminal state {state} of agent {agent} must loop for reward 0")


def nothing_beats_the_optimum(kind: Kind) -> None:
    """Neither the best common policy, nor the uniform one, nor twenty random ones."""
    family: Any = kind()
    task = draw(family)
    best, common = best_common_policy(family, task)
    optimum = family.optimum(task)
    lifted = np.ascontiguousarray(np.broadcast_to(common, task.reward.shape))
    value = family.exact(task, lifted).objective.mean()
    hold(np.isclose(value, best, rtol=1e-12), "the best common policy has another value")
    hold(np.allclose(common.sum(axis=-1), 1.0, rtol=1e-12), "the best common policy is not one")
    hold(best <= optimum.mean() + 1e-12, "the best common policy beats the agents' optima")
    hold(family.reference(task).value == best, "the reference is not the best common policy")
    uniform = np.full(task.reward.shape, 1 / task.reward.shape[2])
    hold(family.exact(task, uniform).objective.mean() <= best, "the uniform policy beats the best")
    for policy in (uniform, lifted, *(policies(task, seed) for seed in range(20))):
        beaten = family.exact(task, policy).objective > optimum + 1e-12
        hold(not beaten.any(), "a policy beats the optimum of an agent")


def the_exact_gradient_is_the_derivative(kind: Kind) -> None:
    """Central differences of J along ten random changes of π, its entries independent."""
    family: Any = kind(horizon=12)
    task = draw(family, 1)
    policy, numbers = policies(task), generator(4)
    gradient = family.exact(task, policy).gradient
    for _ in range(10):
        step = 1e-5 * numbers.standard_normal(policy.shape)
        up, down = (family.exact(task, policy + sign * step).objective[0] for sign in (1, -1))
        expected = np.sum(gradient * step)
        scale = 1e-6 * np.sum(np.abs(gradient * step)) + 1e-12
        hold(abs((up - down) / 2 - expected) <= scale, "∂J/∂π is not the derivative of J")


LAWS = (
    transition_rows_are_distributions,
    terminal_states_absorb_without_reward,
    nothing_beats_the_optimum,
    the_exact_gradient_is_the_derivative,
)
