"""Steps of lanes whose physics a simulator advances, one call from one event to the next.

A group is rows that are stepped together: a lane's own, where compiled code can call the physics
itself, so that its model and its policy stay in the processor's cache; else all rows, step by step.

Axes: L lanes, E rows of a lane, R = L·E, T steps, x state, o observation, a action.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from fedrl.algorithms.estimators.compilation import compiled
from fedrl.algorithms.estimators.kernels import body_and_head, source_digest
from fedrl.algorithms.estimators.policy import Policy
from fedrl.benchmark.training.noise import fill_uniform, uniform_lanes
from fedrl.envs.family import Array, Simulator

Stream = tuple[Array, Array, int]  # `rollout.Stream`


class Steps(NamedTuple):
    """What is written while rows are played."""

    observation: Array  # (R, T, o)
    action: Array  # (R, T, a)
    reward: Array  # (R, T)
    log_prob: Array  # (R, T)


class Player(NamedTuple):
    """Plays rows of `state` (R, x), in place, but for those that are `resting` (R,)."""

    groups: list[slice]
    # (group, state, resting, first step, step to stop before) -> step it stopped before, which is
    # one after a termination, and who terminated (E,)
    play: Callable[[slice, Array, Array, int, int], tuple[int, Array]]


def player(
    simulator: Simulator, policy: Policy, theta: Array, stream: Stream, out: Steps
) -> Player:
    """For lanes under theta (L, d), which read the numbers of `stream`."""
    rows = len(out.reward)
    copies = rows // len(theta) if rows else 1
    native = simulator.native
    if native is not None:
        run = compiled_steps(native.observe, native.advance, type(policy).__name__)
        groups = [slice(first, first + copies) for first in range(0, rows, copies)]
        keys, agents, draw = stream

        def lane_by_lane(
            group: slice, state: Array, resting: Array, first: int, until: int
        ) -> tuple[int, Array]:
            lane, ended = group.start // copies, np.zeros(copies, bool)
            which = (theta[lane], keys[lane], agents[lane], draw, group.start)
            own = (state[group], resting[group], ended, first, until)
            parts = (part[group] for part in out)
            return run(policy.widths, policy.draws, native.data, *which, *own, *parts), ended

        return Player(groups, lane_by_lane)
    act = compiled_action(type(policy).__name__)
    uniform = np.empty((rows, policy.draws))
    own = np.empty((rows, simulator.step_draws))
    blocks = (policy.draws + 1) // 2 + (simulator.step_draws + 1) // 2

    def all_rows(
        group: slice, state: Array, resting: Array, t: int, until: int
    ) -> tuple[int, Array]:
        observation = simulator.observe(state).astype(theta.dtype, copy=False)
        uniform_lanes(uniform, *stream, copies, t * blocks)
        uniform_lanes(own, *stream, copies, t * blocks + (policy.draws + 1) // 2)
        action = np.empty((rows, policy.action_size), theta.dtype)
        log_prob = np.empty(rows, theta.dtype)
        act(policy.widths, theta, observation, uniform, copies, action, log_prob)
        state[:], reward, terminated = simulator.step(state, action.astype(np.float64), own)
        out.observation[:, t], out.action[:, t] = observation, action
        out.reward[:, t], out.log_prob[:, t] = reward, log_prob
        return t + 1, terminated

    return Player([slice(0, rows)] if rows else [], all_rows)


@cache
def compiled_action(policy: str) -> Callable[..., None]:
    """Actions of R = L·B rows: lane l's B rows act together, under theta[l]."""
    body, head = body_and_head(policy)
    forward, ready, act = body.forward, head.ready, head.act
    version = source_digest(forward, act)

    @compiled
    def choose(shape, theta, observation, uniform, episodes, action, log_prob):  # type: ignore[no-untyped-def]
        _ = version
        p = np.empty((episodes, shape[-1]), theta.dtype)
        total, near = np.empty(episodes), np.empty(episodes)
        for lane in range(len(theta)):
            first = lane * episodes
            _, z = forward(shape, theta[lane], observation[first : first + episodes])
            ready(z, p, total, near)
            for b in range(episodes):
                row = first + b
                log_prob[row] = act(
                    theta[lane], z[b], uniform[row], action[row], p[b], total[b], near[b]
                )

    return choose  # type: ignore[no-any-return]


@cache
def compiled_steps(
    observe: Callable[..., None], advance: Callable[..., Any], policy: str
) -> Callable[..., int]:
    """Steps of one lane's E rows under theta (d,), until one terminates: the step after the last.

    `first_row` is the first row's place in the simulator.
    """
    body, head = body_and_head(policy)
    forward, ready, act = body.forward, head.ready, head.act
    version = source_digest(forward, act, observe, fill_uniform)

    @compiled
    def steps(  # type: ignore[no-untyped-def]
        shape, draws, data, theta, key, agent, draw, first_row, state, resting, ended, first, until,
        observation, action, reward, log_prob,
    ):  # fmt: skip
        _ = version  # a closed-over value is part of the key of the compilation cache
        rows, size = state.shape[0], observation.shape[2]
        x, seen = np.empty((rows, size), theta.dtype), np.empty(size)
        uniform, total, near = np.empty(draws), np.empty(rows), np.empty(rows)
        p = np.empty((rows, shape[-1]), theta.dtype)
        for t in range(first, until):
            for row in range(rows):
                observe(data, state[row], seen)
                for j in range(size):
                    x[row, j] = seen[j]
                    observation[row, t, j] = x[row, j]
            _, z = forward(shape, theta, x)
            ready(z, p, total, near)
            stopping = False
            for row in range(rows):
                taken = action[row, t]
                fill_uniform(uniform, draws, key, agent, draw, row, t * ((draws + 1) // 2))
                log_prob[row, t] = act(theta, z[row], uniform, taken, p[row], total[row], near[row])
                if not resting[row]:
                    gain, over = advance(data, first_row + row, state[row], taken)
                    reward[row, t], ended[row] = gain, over
                    stopping |= over
            if stopping:
                return t + 1
        return until

    return steps  # type: ignore[no-any-return]
