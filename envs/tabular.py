"""Finite MDPs: sampled transitions, and everything that can be known exactly about them.

All quantities are for the finite-horizon objective the sampled estimators target,
J(π) = E[Σ_{h<T} γ^h R(s_h, a_h)] with a stationary policy π(a|s). Axes: Z states, A actions.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces
from numba import njit
from numba.extending import register_jitable

from envs.family import Array, ClosedForm, CompiledFamily, Kernel, Reference


class TabularTask(NamedTuple):
    """MDPs of N agents; one lane of it has no leading axis."""

    kernel: Array  # (N, Z, A, Z), P(s'|s,a)
    reward: Array  # (N, Z, A), expected reward of taking a in s
    start: Array  # (N, Z), initial-state distribution
    terminal: Array  # (N, Z) bool: absorbing states without reward end the episode


class TabularState(NamedTuple):
    """Where one agent is."""

    cell: int  # index of the state


class Exact(NamedTuple):
    """Exact value of a policy in each of N MDPs."""

    objective: Array  # (N,), J_i(π)
    gradient: Array  # (N, Z, A), ∂J_i/∂π(a|s) with the entries of π taken as independent


def tabular_task(kernel: Array, reward: Array, start: Array) -> TabularTask:
    """A task from P, R and ρ; terminal states are those that only loop to themselves for free."""
    states = np.arange(kernel.shape[-1])
    loops = np.all(kernel[..., states, :, states] == 1, axis=-1)  # advanced axes move to the front
    loops = np.moveaxis(loops, 0, -1)
    return TabularTask(kernel, reward, start, loops & np.all(reward == 0, axis=-1))


@register_jitable
def draw(probabilities: Any, uniform: float) -> int:
    """Inverse-CDF draw; rounding can never select an outcome of probability zero."""
    total = 0.0
    last = 0
    for index in range(len(probabilities)):
        if probabilities[index] > 0.0:
            total += probabilities[index]
            last = index
            if uniform < total:
                return index
    return last


def initial(task: Any, uniform: Any) -> TabularState:
    """s_0 ~ ρ."""
    return TabularState(draw(task.start, uniform[0]))


def observe(task: Any, state: TabularState, out: Any) -> None:
    """The index of the state."""
    out[0] = state.cell


def transition(task: Any, state: TabularState, action: Any, uniform: Any) -> Any:
    """s' ~ P(·|s, a), reward R(s, a)."""
    choice = int(action[0])
    following = draw(task.kernel[state.cell, choice], uniform[0])
    reward = task.reward[state.cell, choice]
    return TabularState(following), reward, task.terminal[following]


KERNEL = Kernel(initial, observe, transition, start_draws=1, step_draws=1)


@dataclass(frozen=True)
class Tabular(CompiledFamily):
    """A family of finite MDPs with exact J, ∂J/∂π and optima."""

    metric: ClassVar[str] = "objective"

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

    @property
    def kernel(self) -> Kernel:
        return KERNEL

    def exact(self, task: TabularTask, policy: Array, discount: float | None = None) -> Exact:
        """J_i(π_i) and ∂J_i/∂π_i for policies (N, Z, A); γ = 1 gives the undiscounted return."""
        discount = self.discount if discount is None else discount
        return Exact(*_exact(task.kernel, task.reward, task.start, policy, discount, self.horizon))

    def closed_form(self, task: TabularTask, shape: tuple[int, ...], theta: Array) -> ClosedForm:
        """∂J/∂θ[s,a] = π(a|s) (G(s,a) - Σ_b π(b|s) G(s,b)) for the softmax table, G = ∂J/∂π."""
        logits = theta.reshape(len(theta), self.states, self.actions).astype(np.float64)
        policy = np.exp(logits - logits.max(axis=-1, keepdims=True))
        policy /= policy.sum(axis=-1, keepdims=True)
        discounted = self.exact(task, policy)
        slope = discounted.gradient
        gradient = policy * (slope - np.sum(policy * slope, axis=-1, keepdims=True))
        plain = self.exact(task, policy, discount=1.0)
        return ClosedForm(discounted.objective, plain.objective, gradient.reshape(len(theta), -1))

    def optimum(self, task: TabularTask) -> Array:
        """max over all policies, time-dependent ones included, of J_i: (N,). An upper bound."""
        value = np.zeros(task.start.shape)
        for _ in range(self.horizon):
            value = np.max(self._lookahead(task, value), axis=-1)
        return np.sum(task.start * value, axis=-1)

    def reference(self, task: TabularTask) -> Reference:
        value = best_common_policy(self, task)[0]
        return Reference(value, "best known common policy (exact gradient ascent)")

    def _lookahead(self, task: TabularTask, value: Array) -> Array:
        """Q_i(s, a) = R_i + γ P_i V_i: (N, Z, A)."""
        return task.reward + self.discount * np.einsum("nsax,nx->nsa", task.kernel, value)


@njit(cache=True, nogil=True)
def _exact(kernel, reward, start, policy, discount, horizon):  # type: ignore[no-untyped-def]
    """Value recursion backwards, occupancy forwards, agent by agent.

    V_h = r_π + γ P_π V_{h+1},  d_{h+1} = P_π^T d_h,
    ∂J/∂π(a|s) = Σ_h γ^h d_h(s) [R(s,a) + γ Σ_x P(x|s,a) V_{h+1}(x)].
    """
    agents, states, actions = reward.shape
    objective = np.zeros(agents)
    gradient = np.zeros((agents, states, actions))
    for i in range(agents):
        mean_reward = np.zeros(states)
        mean_kernel = np.zeros((states, states))
        for s in range(states):
            for a in range(actions):
                mean_reward[s] += policy[i, s, a] * reward[i, s, a]
                for x in range(states):
                    mean_kernel[s, x] += policy[i, s, a] * kernel[i, s, a, x]
        value = np.zeros((horizon + 1, states))
        for h in range(horizon - 1, -1, -1):
            for s in range(states):
                total = 0.0
                for x in range(states):
                    total += mean_kernel[s, x] * value[h + 1, x]
                value[h, s] = mean_reward[s] + discount * total
        for s in range(states):
            objective[i] += start[i, s] * value[0, s]

        occupancy = start[i].copy()  # γ^h d_h
        visits = np.zeros(states)  # Σ_h γ^h d_h(s)
        outer = np.zeros((states, states))  # Σ_h γ^{h+1} d_h(s) V_{h+1}(x)
        for h in range(horizon):
            following = np.zeros(states)
            for s in range(states):
                mass = occupancy[s]
                if mass == 0.0:
                    continue
                visits[s] += mass
                for x in range(states):
                    outer[s, x] += discount * mass * value[h + 1, x]
                    following[x] += discount * mass * mean_kernel[s, x]
            occupancy = following
        for s in range(states):
            for a in range(actions):
                total = visits[s] * reward[i, s, a]
                for x in range(states):
                    total += kernel[i, s, a, x] * outer[s, x]
                gradient[i, s, a] = total
    return objective, gradient


def best_common_policy(family: Tabular, task: TabularTask) -> tuple[float, Array]:
    """Best known max_π (1/N) Σ_i J_i(π) over stationary policies, and a policy (Z, A) attaining it.

    The problem is not concave. Exponentiated-gradient ascent with an adaptive step starts from the
    uniform policy, from the optimal policy of the average MDP and from that of every agent (up to
    eight of them); the best end point is returned. It is a lower bound on the true maximum.
    """
    parts = tuple(np.ascontiguousarray(part).tobytes() for part in task[:3])
    return _best_common_policy(family, task.reward.shape, parts)


@lru_cache(maxsize=256)
def _best_common_policy(
    family: Tabular, shape: tuple[int, ...], parts: tuple[bytes, ...]
) -> tuple[float, Array]:
    kernel, reward, start = (np.frombuffer(part) for part in parts)
    kernel = kernel.reshape(*shape, shape[1])
    task = tabular_task(kernel, reward.reshape(shape), start.reshape(shape[:2]))
    average = tabular_task(*(np.mean(part, axis=0, keepdims=True) for part in task[:3]))
    starts = [np.full(shape[1:], 1 / shape[2])]
    for mdps in (average, task):
        value = np.zeros(mdps.start.shape)
        for _ in range(family.horizon):
            lookahead = family._lookahead(mdps, value)
            value = np.max(lookahead, axis=-1)
        greedy = np.eye(shape[2])[np.argmax(lookahead, axis=-1)]
        starts.extend(0.9 * policy + 0.1 / shape[2] for policy in greedy[:8])
    ends = [_ascend(family, task, policy) for policy in starts]
    return max(ends, key=lambda end: end[0])


def _ascend(family: Tabular, task: TabularTask, policy: Array) -> tuple[float, Array]:
    """π ← π exp(α ∂J/∂π) / Z with α doubled after a gain and halved after a loss."""

    def evaluate(policy: Array) -> tuple[float, Array]:
        lifted = np.broadcast_to(policy, task.reward.shape)
        exact = family.exact(task, np.ascontiguousarray(lifted))
        return float(np.mean(exact.objective)), np.mean(exact.gradient, axis=0)

    value, gradient = evaluate(policy)
    step = 1.0
    for _ in range(200):
        logits = np.log(np.maximum(policy, 1e-300)) + step * gradient
        trial = np.exp(logits - logits.max(axis=-1, keepdims=True))
        trial /= trial.sum(axis=-1, keepdims=True)
        trial_value, trial_gradient = evaluate(trial)
        if trial_value < value:
            step /= 2
            continue
        gain = trial_value - value
        policy, value, gradient = trial, trial_value, trial_gradient
        step *= 2
        if gain <= 1e-9 * max(1.0, abs(value)):
            break
    return value, policy
