"""Families of finite MDPs, and everything that can be known exactly about them.

All quantities are for the finite-horizon objective the sampled estimators target,
J(π) = E[Σ_{h<T} γ^h R(s_h, a_h)] with a stationary policy π(a|s). Axes: N agents, Z states,
A actions, T steps, d = Z·A entries of the table of logits, row by row.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces

from fedrl.envs.family import Array, ClosedForm, CompiledFamily, Kernel, Reference
from fedrl.envs.finite import exact
from fedrl.envs.finite.common_policy import best_policy
from fedrl.envs.finite.mdp import KERNEL, mixture
from fedrl.envs.finite.mdp import TabularTask as TabularTask
from fedrl.envs.finite.mdp import tabular_task as tabular_task


class Exact(NamedTuple):
    """Exact value of a policy in each of N MDPs."""

    objective: Array  # (N,), J_i(π)
    gradient: Array  # (N, Z, A), ∂J_i/∂π(a|s) with the entries of π taken as independent


class Optima(NamedTuple):
    """The optimum of each of N agents alone, over policies that may depend on the time."""

    objective: Array  # (N,), max J_i
    action: Array  # (N, T, Z), what to do at each step in each state


@dataclass(frozen=True)
class Tabular(CompiledFamily):
    """A family of finite MDPs with exact J, its derivatives and optima."""

    metric: ClassVar[str] = "objective"
    kernel: ClassVar[Kernel] = KERNEL

    @property
    @abstractmethod
    def states(self) -> int: ...

    @property
    @abstractmethod
    def actions(self) -> int: ...

    @property
    def observation_space(self) -> spaces.Discrete:
        return spaces.Discrete(self.states)

    @property
    def action_space(self) -> spaces.Discrete:
        return spaces.Discrete(self.actions)

    def between(self, one: TabularTask, two: TabularTask, share: float) -> TabularTask:
        """An outcome is one of the first MDP with probability 1 - share, else of the second."""
        return mixture(one, two, share)

    def exact(self, task: TabularTask, policy: Array, discount: float | None = None) -> Exact:
        """J_i(π_i) and ∂J_i/∂π_i for policies (N, Z, A); γ = 1 gives the undiscounted return."""
        discount = self.discount if discount is None else discount
        parts = task.successor, task.chance, task.reward, task.start
        return Exact(*exact.evaluate(*parts, policy, discount, self.horizon))

    def optima(self, task: TabularTask) -> Optima:
        """The best of all policies for every agent by itself, time-dependent ones included."""
        parts = task.successor, task.chance, task.reward
        value, action = exact.plan(*parts, self.discount, self.horizon)
        return Optima(np.sum(task.start * value, axis=-1), action)

    def action_values(self, task: TabularTask, policy: Array | None = None) -> Array:
        """Q_i (N, Z, A) of the discounted infinite horizon, of policies (N, Z, A) or the best ones.

        NaN where γ = 1: there it need not exist.
        """
        if self.discount >= 1:
            return np.full(task.reward.shape, np.nan)
        parts = task.successor, task.chance, task.reward
        some = np.zeros_like(task.reward) if policy is None else policy
        return exact.action_values(*parts, some, self.discount, policy is None)  # type: ignore[no-any-return]

    def closed_form(self, task: TabularTask, shape: tuple[int, ...], theta: Array) -> ClosedForm:
        """∂J/∂θ[s,a] = π(a|s) (G(s,a) - Σ_b π(b|s) G(s,b)) for the softmax table, G = ∂J/∂π."""
        policy = softmax(theta.reshape(len(theta), self.states, self.actions).astype(np.float64))
        discounted = self.exact(task, policy)
        mean = np.sum(policy * discounted.gradient, axis=-1, keepdims=True)
        gradient = policy * (discounted.gradient - mean)
        plain = self.exact(task, policy, discount=1.0)
        return ClosedForm(discounted.objective, plain.objective, gradient.reshape(len(theta), -1))

    def optimum(self, task: TabularTask) -> Array:
        """max over all policies, time-dependent ones included, of J_i: (N,). An upper bound."""
        return self.optima(task).objective

    def follow(self, task: TabularTask, action: Array) -> Array:
        """J_i of doing `action` (N, T, Z): (N,)."""
        parts = task.successor, task.chance, task.reward, task.start
        return exact.follow(*parts, action, self.discount)  # type: ignore[no-any-return]

    def reference(self, task: TabularTask) -> Reference:
        value = best_common_policy(self, task)[0]
        return Reference(value, "best known common policy (exact gradient ascent)")


def best_common_policy(family: Tabular, task: TabularTask) -> tuple[float, Array]:
    """Best known max_π (1/N) Σ_i J_i(π) over stationary policies, and a policy (Z, A) attaining it.

    A lower bound on the true maximum, see `fedrl.envs.finite.common_policy`.
    """
    return best_policy(task, family.discount, family.horizon)


def softmax(logits: Array) -> Array:
    """π(a|s) ∝ exp θ[s,a], over the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)  # type: ignore[no-any-return]
