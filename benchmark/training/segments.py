"""Truncated segments: environments that go on where the local step before has left them.

An agent takes n steps in each of its E environments per local step. Estimators are given the pieces
of episodes within a segment: the first may have begun before it, and what the segment or the time
limit cuts has not terminated, so that its `final` observation has a value.

Axes: L lanes, E environments, n steps, R = L·E rows, x state, o observation, a action.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from fedrl.algorithms.estimators.policy import Policy
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.training.noise import START, fill_uniform, uniform_lanes
from fedrl.benchmark.training.rollout import Episodes, Sampler, Stream, compiled_action
from fedrl.envs.family import Array, SimulatedFamily, Simulator, Task


@dataclass(frozen=True)
class Environments:
    """The environments of all agents, between two local steps."""

    steps: int  # n, 0 where whole episodes are sampled
    states: Array  # (G·N, E, x + 1): a state, and the steps its episode has taken

    @classmethod
    def of(cls, config: Config, family: Any, task: Task, lanes: int) -> Environments:
        """Before the first step: all episodes have taken as many steps as they may."""
        if config.segment is None:
            return cls(0, np.zeros((lanes, config.episodes, 0)))
        simulator = family.simulator(task, 1)
        width = simulator.start(np.zeros((config.agents, simulator.start_draws))).shape[1]
        states = np.zeros((lanes, config.episodes, width + 1))
        states[..., -1] = family.horizon
        return cls(config.segment, states)

    def holding(self, states: Array) -> Environments:
        return replace(self, states=states)

    def played(
        self, sampler: Sampler, rows: Array, theta: Array, stream: Stream
    ) -> tuple[Environments, Episodes]:
        """The environments of the lanes at `rows` after their segments under theta, and these."""
        family, copies = sampler.family, self.states.shape[1]
        assert isinstance(family, SimulatedFamily)
        own = self.states[rows].reshape(len(rows) * copies, -1)
        steps, after = segment(
            sampler.simulator(copies),
            sampler.policy,
            theta,
            stream,
            own,
            self.steps,
            family.horizon,
        )
        states = self.states.copy()
        states[rows] = after.reshape(len(rows), copies, -1)
        return self.holding(states), pieces(steps, len(rows))


class Steps(NamedTuple):
    """n steps of R rows, whichever episode they are of."""

    observation: Array  # (R, n, o)
    action: Array  # (R, n, a)
    reward: Array  # (R, n)
    log_prob: Array  # (R, n)
    following: Array  # (R, n, o), observed after the step; only where a piece is cut
    last: Array  # (R, n) bool, the piece ends with this step
    terminated: Array  # (R, n) bool


def segment(
    simulator: Simulator,
    policy: Policy,
    theta: Array,
    stream: Stream,
    environments: Array,
    steps: int,
    horizon: int,
) -> tuple[Steps, Array]:
    """`steps` steps of all rows from `environments` (R, x + 1) under theta (L, d)."""
    theta = np.ascontiguousarray(theta[:, : policy.size])
    rows, copies = len(environments), len(environments) // len(theta)
    act = compiled_action(type(policy).__name__)
    state, age = environments[:, :-1].copy(), environments[:, -1].copy()
    simulator.rest(np.zeros(rows, bool))
    start = np.zeros((rows, simulator.start_draws))
    uniform = np.empty((rows, policy.draws))
    own = np.empty((rows, simulator.step_draws))
    blocks = (policy.draws + 1) // 2 + (simulator.step_draws + 1) // 2
    size = simulator.observe(state).shape[1]

    def begin(over: Array, at: int) -> None:
        """New episodes for the rows that are `over` (R,) bool, before step `at`."""
        _start_numbers(start, over, *stream, copies, at)
        state[over], age[over] = simulator.start(start)[over], 0

    out = Steps(
        np.empty((rows, steps, size), theta.dtype),
        np.empty((rows, steps, policy.action_size), theta.dtype),
        np.empty((rows, steps), theta.dtype),
        np.empty((rows, steps), theta.dtype),
        np.zeros((rows, steps, size), theta.dtype),
        np.zeros((rows, steps), bool),
        np.zeros((rows, steps), bool),
    )
    over = age >= horizon
    for t in range(steps):
        if over.any():
            begin(over, t)
        observation = simulator.observe(state).astype(theta.dtype, copy=False)
        uniform_lanes(uniform, *stream, copies, t * blocks)
        uniform_lanes(own, *stream, copies, t * blocks + (policy.draws + 1) // 2)
        action = np.empty((rows, policy.action_size), theta.dtype)
        log_prob = np.empty(rows, theta.dtype)
        act(policy.shape, theta, observation, uniform, copies, action, log_prob)
        state, reward, terminated = simulator.step(state, action.astype(np.float64), own)
        age += 1
        over = terminated | (age >= horizon)
        out.observation[:, t], out.action[:, t] = observation, action
        out.reward[:, t], out.log_prob[:, t] = reward, log_prob
        out.terminated[:, t] = terminated
        out.last[:, t] = over | (t == steps - 1)
        cut = out.last[:, t] & ~terminated
        if cut.any():
            out.following[cut, t] = simulator.observe(state)[cut]
    age[over] = horizon
    return out, np.concatenate([state, age[:, None]], axis=1)


def pieces(steps: Steps, lanes: int) -> Episodes:
    """The pieces of every lane as episodes, padded with empty ones: (L, P, T, …)."""
    rows, count = steps.last.shape
    row, end = np.nonzero(steps.last)  # row after row
    begin = np.where(np.diff(row, prepend=-1) > 0, 0, np.roll(end, 1) + 1)
    length, lane = end - begin + 1, row // (rows // lanes)
    first = np.searchsorted(lane, np.arange(lanes))
    place = np.arange(len(lane)) - first[lane]
    shape = (lanes, place.max() + 1)
    step = np.arange(length.max())
    taken = step < length[:, None]  # (pieces, T)
    of = (row[:, None], np.minimum(begin[:, None] + step, count - 1))

    def padded(values: Array) -> Array:
        out = np.zeros((*shape, len(step), *values.shape[2:]), values.dtype)
        shown = taken.reshape(*taken.shape, *(1,) * (values.ndim - 2))
        out[lane, place] = np.where(shown, values[of], 0)
        return out

    def per_piece(values: Array) -> Array:
        out = np.zeros((*shape, *values.shape[1:]), values.dtype)
        out[lane, place] = values
        return out

    four = (steps.observation, steps.action, steps.reward, steps.log_prob)
    ends = (length.astype(np.int64), steps.following[row, end], steps.terminated[row, end])
    return Episodes(*map(padded, four), *map(per_piece, ends))


@njit(cache=True, nogil=True)
def _start_numbers(out, over, keys, agents, draw, copies, at):  # type: ignore[no-untyped-def]
    """The numbers with which episodes start before step `at`: those of episode at·E + e."""
    for row in range(len(out)):
        if over[row]:
            lane, episode = row // copies, at * copies + row % copies
            fill_uniform(out[row], out.shape[1], keys[lane], agents[lane], draw, episode, START)
