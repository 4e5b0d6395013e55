"""Sampling: B episodes of every lane under the lane's own parameters.

A lane is one agent of one run. What a lane samples depends on its task, its parameters and its
stream of random numbers only. Axes: L lanes, B episodes, T steps, o observation, a action.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from fedrl.algorithms.estimators.compilation import compiled, jitable
from fedrl.algorithms.estimators.kernels import body_and_head, source_digest
from fedrl.algorithms.estimators.networks.borrowed import borrowed, put, taken
from fedrl.algorithms.estimators.networks.columns import SLOTS, put_alone
from fedrl.algorithms.estimators.policy import Policy
from fedrl.benchmark.training.noise import START, fill_rows, fill_uniform, uniform_lanes
from fedrl.benchmark.training.playing import Steps, player
from fedrl.envs.family import (
    Array,
    CompiledFamily,
    Family,
    Kernel,
    SimulatedFamily,
    Simulator,
    Task,
)


class Stream(NamedTuple):
    """Which random numbers the lanes read."""

    keys: Array  # (L,) uint64, key of the lane's run and purpose
    agents: Array  # (L,) int64, the lane's agent within its run
    draw: int  # which draw of that stream, for example the local step

    def uniform(self, size: int) -> Array:
        """The first numbers on [0, 1) of every lane: (L, size)."""
        out = np.empty((len(self.keys), size))
        uniform_lanes(out, *self, 1, 0)
        return out


class Episodes(NamedTuple):
    """Episodes of L lanes; entries past an episode's length are undefined."""

    observation: Array  # (L, B, T, o)
    action: Array  # (L, B, T, a)
    reward: Array  # (L, B, T)
    log_prob: Array  # (L, B, T)
    length: Array  # (L, B) int64
    final: Array  # (L, B, o), observed after the last step; 0 if the episode terminated there
    terminated: Array  # (L, B) bool

    def returns(self, discount: float) -> Array:
        """Σ_h γ^h R_h of every episode: (L, B)."""
        total = np.zeros(self.length.shape)
        _returns(self.reward, self.length, discount, total)
        return total


class Sampler:
    """Rolls policies out in the MDPs of `task`, whose leading axis is the lane."""

    def __init__(self, family: Family, policy: Policy, task: Task, threads: int = 1) -> None:
        self.family, self.policy, self.task, self.threads = family, policy, task, threads
        self._width = (family.observation_space.shape or (1,))[0]  # spaces are built when asked for
        self._simulators: dict[int, Simulator] = {}

    def of(self, task: Task) -> Sampler:
        """The same with another task."""
        other = copy(self)
        other.task, other._simulators = task, {}
        return other

    def sample(self, theta: Array, stream: Stream, episodes: int) -> Episodes:
        """`episodes` episodes per lane under theta (L, d), which begins with the policy's own."""
        theta = np.ascontiguousarray(theta[:, : self.policy.size])
        shape = (len(theta), episodes, self.family.horizon)
        out = Episodes(
            np.empty((*shape, self._width), theta.dtype),
            np.empty((*shape, self.policy.action_size), theta.dtype),
            np.empty(shape, theta.dtype),
            np.empty(shape, theta.dtype),
            np.empty(shape[:2], np.int64),
            np.zeros((*shape[:2], self._width), theta.dtype),
            np.zeros(shape[:2], np.bool_),
        )
        if isinstance(self.family, CompiledFamily):
            kernel = self.family.kernel
            task: Any = type(self.task)
            run = compiled_rollout(kernel, task, type(self.policy).__name__)
            run(self.policy.widths, self.policy.draws, self.task, theta, *stream, *out)
        elif isinstance(self.family, SimulatedFamily):
            simulated_rollout(self.simulator(episodes), self.policy, theta, stream, out)
        else:
            raise TypeError(
                f"{type(self.family).__name__} is neither a CompiledFamily nor a SimulatedFamily"
            )
        return out

    def simulator(self, episodes: int) -> Simulator:
        """Physics of `episodes` lanes of each MDP of a `SimulatedFamily`, made once."""
        if episodes not in self._simulators:
            family: Any = self.family
            self._simulators[episodes] = family.simulator(self.task, episodes, self.threads)
        return self._simulators[episodes]


@cache
def compiled_rollout(kernel: Kernel, task: type, policy: str) -> Callable[..., None]:
    """One compiled function that runs whole episodes, real steps only.

    SLOTS episodes are played beside each other, each with the lane and the parameters of its own; a
    slot whose episode has ended takes the next one. An episode's numbers are its own all the same.
    """
    parts: list[Any] = [jitable(part) for part in kernel[:3]]
    initial, observe, transition = parts
    start_draws, step_draws = kernel.start_draws, kernel.step_draws
    body, head = body_and_head(policy)
    load, outputs, ready, act = body.load, body.outputs, head.ready_abreast, head.act
    lane_of = lane_accessor(task)
    version = source_digest(kernel.transition, task, outputs, act, fill_uniform)

    def rollout(  # type: ignore[no-untyped-def]
        shape, policy_draws, tasks, theta, keys, agents, draw,
        observation, action, reward, log_prob, length, final, ended,
    ):  # fmt: skip
        _ = version  # a closed-over value is part of the key of the compilation cache
        lanes, episodes, horizon = reward.shape
        if lanes * episodes == 0:
            return
        theta, observation, action = borrowed(theta), borrowed(observation), borrowed(action)
        draws = policy_draws + step_draws
        blocks = (draws + 1) // 2
        widest = 0
        for width in shape:
            widest = max(widest, width)
        # Few arrays, cut into parts: numba compiles what allocates anew for every type of array.
        doubles = np.zeros((max(start_draws, draws) + 3, SLOTS))
        total, near, numbers = doubles[:1], doubles[1:2], doubles[2:]
        size, seen, out = theta.shape[1], observation.shape[3], shape[-1]
        units = np.zeros((size + seen + 2 * (widest + out), SLOTS), theta.dtype)
        columns, x = units[:size], units[size : size + seen]
        z, p = units[size + seen : size + seen + out], units[size + seen + out :][:out]
        scratch = units[size + seen + 2 * out :]
        places, signed = np.zeros((7, SLOTS), np.int64), keys.view(np.int64)
        lane_at, episode_at, key_at, agent_at = places[0], places[1], places[2], places[3]
        draw_at, word_at, time_at = places[4], places[5], places[6]
        for s in range(SLOTS):
            draw_at[s], time_at[s] = draw, -1  # nothing is played
        task = lane_of(tasks, 0)
        state = initial(task, borrowed(numbers)[:, 0])
        if horizon < 0:  # never: it tells the compiler that both make states of one type
            state, _, _ = transition(task, state, action[0, 0, 0], borrowed(numbers)[:, 0])
        # From Python 3.12 on its variable is the function's, where `_` has values of other types.
        states = [state for slot in range(SLOTS)]
        begun = 0
        while True:
            playing = 0
            uniform, z_at, p_at = borrowed(numbers), borrowed(z), borrowed(p)
            for s in range(SLOTS):
                if time_at[s] < 0:
                    if begun == lanes * episodes:
                        continue
                    lane_at[s], episode_at[s], time_at[s] = begun // episodes, begun % episodes, 0
                    begun += 1
                    lane, b = lane_at[s], episode_at[s]
                    load(theta[lane], columns, s)
                    length[lane, b] = horizon
                    key_at[s], agent_at[s] = signed[lane], agents[lane]
                    start = uniform[:, s]
                    fill_uniform(start, start_draws, keys[lane], agents[lane], draw, b, START)
                    put(states, s, initial(lane_of(tasks, lane), start))
                playing += 1
                word_at[s] = time_at[s] * blocks
                sight = observation[lane_at[s], episode_at[s], time_at[s]]
                observe(lane_of(tasks, lane_at[s]), taken(states, s), sight)
                for i in range(seen):
                    put_alone(x, i, s, sight[i])
            if playing == 0:
                break
            outputs(
                borrowed(shape), theta, borrowed(lane_at), borrowed(columns), borrowed(x),
                borrowed(scratch), z_at,
            )  # fmt: skip
            ready(z_at, p_at, borrowed(total), borrowed(near))
            for pair in range(blocks):
                fill_rows(uniform, pair, key_at, agent_at, draw_at, episode_at, word_at)
            for s in range(SLOTS):
                lane, b, t = lane_at[s], episode_at[s], time_at[s]
                if t < 0:
                    continue
                task = lane_of(tasks, lane)
                chosen = action[lane, b, t]
                likelihood = act(
                    theta[lane],
                    z_at[:, s],
                    uniform[:, s],
                    chosen,
                    p_at[:, s],
                    total[0, s],
                    near[0, s],
                )
                log_prob[lane, b, t] = likelihood
                own = uniform[policy_draws:, s]
                state, gain, terminated = transition(task, taken(states, s), chosen, own)
                put(states, s, state)
                reward[lane, b, t] = gain
                time_at[s] = t + 1
                if terminated:
                    length[lane, b] = t + 1
                    ended[lane, b] = True
                    time_at[s] = -1
                elif t + 1 == horizon:
                    observe(task, state, final[lane, b])
                    time_at[s] = -1

    # The index of what is compiled names the types of tasks: each has a file of its own, so that
    # one of a package that is gone is read by nobody else.
    rollout.__qualname__ += f".{task.__module__}.{task.__qualname__}"
    return compiled(rollout)  # type: ignore[no-any-return]


def simulated_rollout(
    simulator: Simulator, policy: Policy, theta: Array, stream: Stream, out: Episodes
) -> None:
    """An episode that has terminated is not written to any more."""
    lanes, episodes, horizon = out.reward.shape
    rows = lanes * episodes
    start = np.empty((rows, simulator.start_draws))
    uniform_lanes(start, *stream, episodes, START)
    simulator.rest(~np.ones(rows, bool))
    state = simulator.start(start).copy()  # it is played in place
    running = np.ones(rows, bool)
    length = np.full(rows, horizon)
    parts = (out.observation, out.action, out.reward, out.log_prob)
    steps = Steps(*(part.reshape(rows, *part.shape[2:]) for part in parts))
    groups, play = player(simulator, policy, theta, stream, steps)
    for group in groups:
        t = 0
        while t < horizon and running[group].any():
            t, terminated = play(group, state, ~running, t, horizon)
            ended = running[group] & terminated
            if ended.any():
                length[group][ended] = t
                running[group] &= ~ended
                simulator.rest(~running)
    out.length[:] = length.reshape(lanes, episodes)
    out.terminated[:] = ~running.reshape(lanes, episodes)
    if running.any():
        final = simulator.observe(state).astype(theta.dtype, copy=False)
        out.final[~out.terminated] = final[running]


@cache
def lane_accessor(task: type) -> Callable[..., Any]:
    """A compiled (tasks, lane) -> task of that lane, for a NamedTuple of arrays."""
    # numba cannot loop over a tuple whose entries have different types: write the loop out.
    fields = ", ".join(f"borrowed(tasks.{name})[lane]" for name in task._fields)  # type: ignore[attr-defined]
    scope = {"Task": task, "borrowed": borrowed}
    exec(f"def lane_of(tasks, lane):\n    return Task({fields})", scope)
    return jitable(scope["lane_of"])  # type: ignore[no-any-return]


@compiled
def _returns(reward, length, discount, total):  # type: ignore[no-untyped-def]
    for lane in range(reward.shape[0]):
        for b in range(reward.shape[1]):
            power = 1.0
            for t in range(length[lane, b]):
                total[lane, b] += power * reward[lane, b, t]
                power *= discount
