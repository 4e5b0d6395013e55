"""A round is a function of values: from a state to the state after it."""

from collections.abc import Sequence

import numpy as np
import torch

from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.training.diagnostics import Diagnostics
from fedrl.benchmark.training.rollout import Episodes
from fedrl.benchmark.training.rounds.clock import Job, dispatched, elapsed, known, seconds
from fedrl.benchmark.training.rounds.exchange import (
    batch_gradients,
    broadcast,
    exchange,
    take_snapshot,
)
from fedrl.benchmark.training.rounds.lanes import Roster, rebuild_lanes, with_participants
from fedrl.benchmark.training.rounds.local import begin, local_step
from fedrl.benchmark.training.rounds.program import Program, program_of
from fedrl.benchmark.training.rounds.sending import private, size
from fedrl.benchmark.training.rounds.state import State, initial_state
from fedrl.benchmark.training.rounds.step import Observer
from fedrl.benchmark.training.rounds.uplink import aggregated
from fedrl.envs.family import Array


def start(runs: Sequence[Run], threads: int = 1) -> tuple[Program, State, Roster]:
    """Runs before their first round; they must share `config.program`."""
    program = program_of(runs, threads)
    state = initial_state(program)
    return program, state, rebuild_lanes(program, state)


def round_(
    program: Program, state: State, roster: Roster, observe: Observer | None = None
) -> State:
    """The state after the next round; `observe` is shown every local step."""
    config, number = program.config, state.round
    state = dispatched(program, state, roster)
    roster = with_participants(program, state, roster)
    steps = 1 if program.algorithm.synchronous else config.local_steps
    shrink = config.step_decay**number
    latest: Episodes | None = None
    shown = config.evaluated(number + 1) or config.budget is not None  # which may end with any
    for first in range(number * config.local_steps, (number + 1) * config.local_steps, steps):
        state, snapshot = take_snapshot(program, state, roster, first)
        sent = broadcast(program, roster, known(program, state, roster))
        local = begin(program, state, roster, sent, snapshot)
        lengths: list[Array] = []
        watch = Diagnostics(len(sent.theta), config.weight_cap or float("inf"))
        for draw in range(first, first + steps):
            local, step = local_step(program, roster, local, draw, state.baseline)
            lengths += (played.length for played in step.played)
            latest = step.played[0] if step.played else None
            if shown:
                watch.step(step, local.server.previous)
            if observe is not None:
                observe(step)
        if lengths:
            ledger = state.ledger.played(np.concatenate(lengths, axis=1))
            state = state._replace(ledger=ledger)
        means = (local.agent.theta - local.server.theta) / (local.eta * steps)
        portion = shrink * steps / config.local_steps
        state, sizes = exchange(program, state, roster, local, means, portion, first)
        state = elapsed(program, state, roster, sizes, steps)
        if shown:
            state = state._replace(diagnostics=watch.values(state.server.momentum, means))
    if latest is not None and roster.server_lanes is None:
        baseline = state.baseline.fitted(roster.participants.rows, latest)
        state = state._replace(baseline=baseline)
    return state._replace(round=number + 1)


def first_momentum(program: Program, state: State, roster: Roster) -> State:
    """With u_0: the mean over agents of a batch gradient at θ_0, or 0. Its samples are counted."""
    config = program.config
    if not program.algorithm.uses_global_momentum or config.initial_momentum == "zero":
        return state
    everyone, purpose = roster.all_agents, "initial-momentum"
    roster = roster._replace(participants=everyone)
    episodes = config.initial_episodes
    state, plain = batch_gradients(program, state, everyone, purpose, 0, episodes)
    mine = state.personal
    state, sending = private(program, state, everyone, mine.sent(plain), purpose, 0)
    momentum = aggregated(program, state, roster, sending, purpose, 0)
    one = size(momentum)
    sent = one.times(everyone.each)
    job = Job(episodes / config.episodes, 1, 2 * one.bits)
    took = seconds(program, everyone, job, 0).reshape(-1, everyone.each).max(axis=1)
    return state._replace(
        server=state.server._replace(momentum=mine.whole(momentum)),
        personal=mine.started(plain),
        now=state.now + torch.from_numpy(took),
        ledger=state.ledger.sent(sent, sent),
    )
