"""The virtual clock: how long rounds take, and which agent arrives next.

Durations are drawn from streams of their own and depend on no parameter, so the order of events is
a function of the seed and of what is sent.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fedrl.algorithms import Server
from fedrl.algorithms.estimators.lifting import power
from fedrl.benchmark.config.communication import Clock as Times
from fedrl.benchmark.training.messages.compression import Size
from fedrl.benchmark.training.rounds.lanes import Lanes, Roster
from fedrl.benchmark.training.rounds.lifting import mapped, overrides, picked, ready
from fedrl.benchmark.training.rounds.program import Program
from fedrl.benchmark.training.rounds.sending import at_home, size
from fedrl.benchmark.training.rounds.state import State
from fedrl.envs.family import Array

STEADY = Times()


class Job(NamedTuple):
    """What an agent does between two meetings with its server."""

    work: float  # gradients of B episodes
    exchanges: int
    bits: int  # up and down


def seconds(program: Program, lanes: Lanes, job: Job, draw: int) -> Array:
    """How long the job takes each of the lanes: (L,)."""
    times = program.config.clock or STEADY
    computing = times.compute * pace(program, times.pace, lanes, "clock-compute", draw)
    network = pace(program, times.network, lanes, "clock-network", draw)
    line = times.latency * job.exchanges
    line += 0.0 if times.bandwidth is None else job.bits / times.bandwidth
    return job.work * computing + line * network


def pace(program: Program, kind: str, lanes: Lanes, purpose: str, draw: int) -> Array:
    """Factors (L,): 1, √i, or (α-1)/α U^(-1/α), a Pareto number of mean 1."""
    if kind == "constant":
        return np.ones(len(lanes.agent))
    if kind == "sqrt":
        return np.sqrt(lanes.agent + 1.0)  # type: ignore[no-any-return]
    index = (program.config.clock or STEADY).index
    uniform = lanes.stream(program, purpose, draw).uniform(1)[:, 0]
    return (index - 1) / index * power(1 - uniform, -1 / index)  # type: ignore[no-any-return]


def elapsed(program: Program, state: State, roster: Roster, sizes: Size, steps: int) -> State:
    """The state after an exchange in which every participant sent and received `sizes`.

    Synchronous rounds end with the slowest participant. An asynchronous one ends when its agent
    arrives, which then begins its next job.
    """
    lanes, algorithm = roster.participants, program.algorithm
    config, number = program.config, state.round
    snapshots = config.snapshot_episodes / config.episodes * algorithm.snapshot
    mine = steps * algorithm.batches * (roster.server_lanes is None)
    exchanges = (1 + algorithm.snapshot) * algorithm.federated
    job = Job(mine + snapshots, exchanges, sizes.bits)
    if overrides(algorithm, "ready"):
        return _gathered(program, state, roster, job)
    if algorithm.asynchronous:
        now = state.due.flatten()[lanes.pick]
        later = now + torch.from_numpy(seconds(program, lanes, job, number + 1))
        told = picked(state.server, lanes.federation)
        heard = mapped(lambda old, new: at_home(old, lanes.pick, new), state.heard, told)
        return state._replace(now=now, due=at_home(state.due, lanes.pick, later), heard=heard)
    took = seconds(program, lanes, job, number).reshape(-1, lanes.each).max(axis=1)
    if roster.server_lanes is not None:
        took = took + steps * algorithm.batches * (config.clock or Times()).compute
    return state._replace(now=state.now + torch.from_numpy(took))


def _gathered(program: Program, state: State, roster: Roster, job: Job) -> State:
    """After an arrival: its agent goes on at once, or all exchange, wait for the last, and begin.

    An exchange takes time only when there is one.
    """
    lanes, everyone, draw = roster.participants, roster.all_agents, state.round + 1
    go = ready(program.algorithm, roster.hyperparameters, state.server.memory)
    assert go is not None
    alone, shape = job._replace(exchanges=0, bits=0), state.due.shape
    now = state.due.flatten()[lanes.pick]
    due = now + torch.from_numpy(seconds(program, lanes, alone, draw))
    due = at_home(state.due, lanes.pick, due)
    line = seconds(program, everyone, job._replace(work=0.0), draw).reshape(shape).max(axis=1)
    later = now + torch.from_numpy(line)
    work = torch.from_numpy(seconds(program, everyone, alone, draw)).reshape(shape)

    def told(old: Tensor, new: Tensor) -> Tensor:
        mask = go.reshape(-1, *[1] * (old.dim() - 1))
        return torch.where(mask, new.unsqueeze(1), old)

    return state._replace(
        now=torch.where(go, later, now),
        due=torch.where(go.unsqueeze(1), later.unsqueeze(1) + work, due),
        heard=mapped(told, state.heard, state.server),
    )


def dispatched(program: Program, state: State, roster: Roster) -> State:
    """An asynchronous run before its first round: all agents have begun a job at θ_0.

    At its end they send their direction only, and receive θ.
    """
    if not program.algorithm.asynchronous or state.round > 0:
        return state
    gathers = overrides(program.algorithm, "ready")
    work = program.config.local_steps * program.algorithm.batches
    theta = state.personal.sent(state.server.theta)
    sizes = size(theta, program.config.compression) + size(theta)
    first = Job(work, 0, 0) if gathers else Job(work, 1, sizes.bits)
    took = seconds(program, roster.all_agents, first, 0)
    return state._replace(due=torch.from_numpy(took).reshape(state.due.shape))


def known(program: Program, state: State, roster: Roster) -> Server:
    """What the server was when those who step were last told (G, …): now, unless they are late."""
    if not program.algorithm.asynchronous:
        return state.server
    late: Server = mapped(lambda leaf: leaf.flatten(0, 1)[roster.participants.pick], state.heard)
    return late
