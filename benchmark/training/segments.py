"""Truncated segments: environments that go on where the local step before has left them.

An agent takes n steps in each of its E environments per local step. Estimators are given the pieces
of episodes within a segment: the first may have begun before it, and what the segment or the time
limit cuts has not terminated, so that its `final` observation has a value.

Axes: L lanes, E environments, n steps, R = L·E rows, x state, o observation, a action.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fedrl.algorithms.estimators.compilation import compiled
from fedrl.algorithms.estimators.policy import Policy
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.training.noise import START, fill_uniform
from fedrl.benchmark.training.playing import Steps, player
from fedrl.benchmark.training.rollout import Episodes, Sampler, Stream
from fedrl.envs.family import Array, SimulatedFamily, Simulator, Task


class Environments(NamedTuple):
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

    def played(
        self, sampler: Sampler, rows: Array, theta: Array, stream: Stream
    ) -> tuple[Environments, Episodes]:
        """The environments of the lanes at `rows` after their segments under theta, and these."""
        family, copies = sampler.family, self.states.shape[1]
        assert isinstance(family, SimulatedFamily)
        own = self.states[rows].reshape(len(rows) * copies, -1)
        simulator, policy = sampler.simulator(copies), sampler.policy
        played, after = segment(simulator, policy, theta, stream, own, self.steps, family.horizon)
        states = self.states.copy()
        states[rows] = after.reshape(len(rows), copies, -1)
        return self._replace(states=states), pieces(played, len(rows))


class Segment(NamedTuple):
    """n steps of R rows, whichever episode they are of."""

    steps: Steps  # (R, n, …) each
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
) -> tuple[Segment, Array]:
    """`steps` steps of all rows from `environments` (R, x + 1) under theta (L, d)."""
    theta = np.ascontiguousarray(theta[:, : policy.size])
    rows, copies = len(environments), len(environments) // len(theta)
    state, age = environments[:, :-1].copy(), environments[:, -1].copy()
    awake = np.zeros(rows, bool)
    simulator.rest(awake)
    start = np.zeros((rows, simulator.start_draws))
    size = simulator.observe(state).shape[1]

    def begin(over: Array, at: int) -> None:
        """New episodes for the rows that are `over` (R,) bool, before step `at`."""
        _start_numbers(start, over, *stream, copies, at)
        state[over], age[over] = simulator.start(start)[over], 0

    out = Segment(
        Steps(
            np.empty((rows, steps, size), theta.dtype),
            np.empty((rows, steps, policy.action_size), theta.dtype),
            np.empty((rows, steps), theta.dtype),
            np.empty((rows, steps), theta.dtype),
        ),
        np.zeros((rows, steps, size), theta.dtype),
        np.zeros((rows, steps), bool),
        np.zeros((rows, steps), bool),
    )
    groups, play = player(simulator, policy, theta, stream, out.steps)
    for group in groups:
        over = np.zeros(rows, bool)
        over[group] = age[group] >= horizon
        t = 0
        while t < steps:
            if over.any():
                begin(over, t)
            until = min(steps, t + int(horizon - age[group].max()))
            before, (t, terminated) = t, play(group, state, awake, t, until)
            age[group] += t - before
            over[group] = terminated | (age[group] >= horizon)
            out.terminated[group, t - 1] = terminated
            out.last[group, t - 1] = over[group] | (t == steps)
            cut = np.zeros(rows, bool)
            cut[group] = out.last[group, t - 1] & ~terminated
            if cut.any():
                out.following[cut, t - 1] = simulator.observe(state)[cut]
        age[over] = horizon
    return out, np.concatenate([state, age[:, None]], axis=1)


def pieces(played: Segment, lanes: int) -> Episodes:
    """The pieces of every lane as episodes, padded with empty ones: (L, P, T, …)."""
    rows, count = played.last.shape
    row, end = np.nonzero(played.last)  # row after row
    begin = np.where(np.diff(row, prepend=-1) > 0, 0, np.roll(end, 1) + 1)
    length, lane = end - begin + 1, row // (rows // lanes)
    first = np.searchsorted(lane, np.arange(lanes))
    place = np.arange(len(lane)) - first[lane]
    shape = (lanes, place.max() + 1)
    step = np.arange(length.max())
    taken = step < length[:, None]  # (pieces, T)
    of = (row[:, None], np.minimum(begin[:, None] + step, count - 1))

    def per_piece(values: Array) -> Array:
        out = np.zeros((*shape, *values.shape[1:]), values.dtype)
        out[lane, place] = values
        return out

    def padded(values: Array) -> Array:
        shown = taken.reshape(*taken.shape, *(1,) * (values.ndim - 2))
        return per_piece(np.where(shown, values[of], 0))

    ends = (length.astype(np.int64), played.following[row, end], played.terminated[row, end])
    return Episodes(*map(padded, played.steps), *map(per_piece, ends))


@compiled
def _start_numbers(out, over, keys, agents, draw, copies, at):  # type: ignore[no-untyped-def]
    """The numbers with which episodes start before step `at`: those of episode at·E + e."""
    for row in range(len(out)):
        if over[row]:
            lane, episode = row // copies, at * copies + row % copies
            fill_uniform(out[row], out.shape[1], keys[lane], agents[lane], draw, episode, START)
