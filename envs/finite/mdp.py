"""A finite MDP as arrays, and its dynamics for the engine.

Only successors that can happen are stored: a row of P may have a thousand entries, of which three
are positive. Axes: N agents, Z states, A actions, K successors at most.
"""

from typing import Any, NamedTuple

import numpy as np
from numba.extending import register_jitable

from fedrl.envs.family import Array, Kernel
from fedrl.envs.finite.memory import fetch
from fedrl.envs.validation import require


class TabularTask(NamedTuple):
    """MDPs of N agents; one lane of it has no leading axis.

    Unused places of a row have chance zero. A state may appear twice if it is paid differently.
    """

    successor: Array  # (N, Z, A, K) int32, s' of each outcome of (s, a)
    chance: Array  # (N, Z, A, K), its probability
    payoff: Array  # (N, Z, A, K), what is paid on the way to it; (N, Z, A, 1) if the same for all
    reward: Array  # (N, Z, A), R(s, a), the mean of the payoffs
    start: Array  # (N, Z), initial-state distribution
    terminal: Array  # (N, Z) bool: absorbing states without reward end the episode

    @property
    def kernel(self) -> Array:
        """P(s'|s,a) in full: (N, Z, A, Z); of one lane (Z, A, Z)."""
        kernel = np.zeros((*self.reward.shape, self.start.shape[-1]))
        places = np.indices(self.chance.shape, sparse=True)[:-1]
        np.add.at(kernel, (*places, self.successor), self.chance)
        return kernel


def tabular_task(
    kernel: Array, reward: Array, start: Array, successors: int | None = None
) -> TabularTask:
    """A task from P (N, Z, A, Z), R (N, Z, A) and ρ (N, Z).

    `successors` is K. A family should state it if it is below the number of states: tasks of one
    family must have the same K, whatever κ, so that they can run in one batch.
    """
    successor, chance = packed(kernel, successors)
    return from_outcomes(successor, chance, reward[..., None], reward, start)


def from_outcomes(
    successor: Array, chance: Array, payoff: Array, reward: Array, start: Array
) -> TabularTask:
    """A task from its outcomes; terminal states are those that only loop to themselves for free."""
    states = np.arange(start.shape[-1])[:, None, None]
    stays = np.all((successor == states) | (chance == 0), axis=(-1, -2))
    free = np.all((payoff == 0) | (chance == 0), axis=(-1, -2)) & np.all(reward == 0, axis=-1)
    return TabularTask(successor.astype(np.int32), chance, payoff, reward, start, stays & free)


def packed(kernel: Array, successors: int | None = None) -> tuple[Array, Array]:
    """s' and P (..., K) of the positive entries of the rows of P (..., Z), in their order."""
    states = kernel.shape[-1]
    width = states if successors is None else min(successors, states)
    rows = kernel.reshape(-1, states)
    row, state = np.nonzero(rows > 0)
    counts = np.bincount(row, minlength=len(rows))
    largest = int(counts.max(initial=0))
    require(largest <= width, "successors", successors, f"at least {largest}, as many as a row has")
    place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    successor = np.zeros((len(rows), width), np.int32)
    chance = np.zeros((len(rows), width))
    successor[row, place] = state
    chance[row, place] = rows[row, state]
    shape = (*kernel.shape[:-1], width)
    return successor.reshape(shape), chance.reshape(shape)


def mean_task(task: TabularTask) -> TabularTask:
    """The one MDP (N = 1) with the mean P, R and ρ of the agents."""
    agents = len(task.start)

    def joined(outcomes: Array) -> Array:
        """(N, Z, A, K) -> (1, Z, A, N·K)."""
        moved = np.moveaxis(outcomes, 0, 2)
        return moved.reshape(1, *moved.shape[:2], -1)

    return from_outcomes(
        joined(task.successor),
        joined(task.chance) / agents,
        joined(np.broadcast_to(task.payoff, task.chance.shape)),
        task.reward.mean(axis=0, keepdims=True),
        task.start.mean(axis=0, keepdims=True),
    )


def mixture(one: TabularTask, two: TabularTask, share: float) -> TabularTask:
    """Agents whose outcomes are those of `two` with probability `share`, else those of `one`.

    A state is terminal where it is terminal in both.
    """
    payoffs = [np.broadcast_to(task.payoff, task.chance.shape) for task in (one, two)]
    return from_outcomes(
        np.concatenate([one.successor, two.successor], axis=-1),
        np.concatenate([(1 - share) * one.chance, share * two.chance], axis=-1),
        np.concatenate(payoffs, axis=-1),
        one.reward + share * (two.reward - one.reward),
        one.start + share * (two.start - one.start),
    )


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


class TabularState(NamedTuple):
    """Where one agent is."""

    cell: int  # index of the state


def initial(task: Any, uniform: Any) -> TabularState:
    """s_0 ~ ρ."""
    return TabularState(draw(task.start, uniform[0]))


def observe(task: Any, state: TabularState, out: Any) -> None:
    """The index of the state."""
    fetch(task.chance[state.cell])
    fetch(task.successor[state.cell])
    fetch(task.payoff[state.cell])
    out[0] = state.cell


def transition(task: Any, state: TabularState, action: Any, uniform: Any) -> Any:
    """s' ~ P(·|s, a), and what is paid on the way there."""
    choice = int(action[0])
    outcome = draw(task.chance[state.cell, choice], uniform[0])
    following: Any = np.int64(task.successor[state.cell, choice, outcome])  # numba: as in `initial`
    payoff = task.payoff[state.cell, choice]
    reward = payoff[min(outcome, len(payoff) - 1)]
    return TabularState(following), reward, task.terminal[following]


KERNEL = Kernel(initial, observe, transition, start_draws=1, step_draws=1)
