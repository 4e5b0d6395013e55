"""The federated loop: any algorithm, any family, a batch of runs at once."""

import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch

from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.training.record import Record, RunResult, RunState
from fedrl.benchmark.training.resumption import resume, state_of
from fedrl.benchmark.training.rounds.lanes import Roster, drifted, rebuild_lanes
from fedrl.benchmark.training.rounds.program import Program, program_of
from fedrl.benchmark.training.rounds.round import first_momentum, round_
from fedrl.benchmark.training.rounds.state import State, policies, spent, without
from fedrl.benchmark.training.scoring import constants, score
from fedrl.envs.family import Array

SAVE_EVERY = 5.0  # s of work between two states of a run


@torch.no_grad()
@np.errstate(all="ignore")  # a diverging run overflows on its way to being recorded: no warning
def train(
    runs: Sequence[Run],
    threads: int = 1,
    on_round: Callable[[int, int], None] | None = None,
    states: Sequence[RunState | None] | None = None,
    on_state: Callable[[Run, RunState], None] | None = None,
) -> list[RunResult]:
    """Train all runs, which must share `config.program`; results come in the order of `runs`.

    A run ends after `config.rounds` rounds, or with the round that spends `config.budget`.
    `on_round(done, total)` is called after every round. A run whose parameters or scores become
    non-finite is recorded as diverged in that round and leaves the batch; the others go on.

    `on_state(run, state)` is called for the runs of the batch every few seconds of work. Training
    goes on from such `states`, None for a run that has not begun; unfinished ones must be at the
    same round. The results are the same bits as without an interruption.
    """
    program, config = program_of(runs, threads), runs[0].config
    state, records = resume(program, states or [None] * len(program.runs))
    fixed = [constants(program, position) for position in range(len(program.runs))]
    roster = rebuild_lanes(program, state)
    saved = started = time.perf_counter()
    if state.round == 0:
        before = state.active
        lost = score(program, state, roster, records, np.full(len(before), True))
        state, roster = _leave(program, state, roster, records, lost, diverged=True)
        _save(program, state, records, set(before) - set(state.active), on_state)
        started = time.perf_counter()
        state = first_momentum(program, state, roster)
    while state.active and state.round < config.rounds:
        before = state.active
        state = round_(program, state, roster)
        if drifted(program, state.round) != drifted(program, state.round - 1):
            roster = rebuild_lanes(program, state)
        for position in before:
            records[position].clock += (time.perf_counter() - started) / len(before)
        finite = torch.isfinite(state.server.theta).reshape(len(before), -1)
        own = torch.isfinite(state.personal.values).reshape(len(before), -1)
        lost = ~(finite.all(-1) & own.all(-1)).numpy()
        state, roster = _leave(program, state, roster, records, lost, diverged=True)
        due = config.evaluated(state.round) | (spent(program, state) >= 1)
        if due.any():
            lost = score(program, state, roster, records, due)
            state, roster = _leave(program, state, roster, records, lost, diverged=True)
        state, roster = _leave(program, state, roster, records, spent(program, state) >= 1)
        everyone = time.perf_counter() - saved >= SAVE_EVERY
        # A run that leaves is saved at once: it is not lost either.
        saving = before if everyone else set(before) - set(state.active)
        _save(program, state, records, saving, on_state)
        saved = time.perf_counter() if everyone else saved
        if on_round is not None:
            share = max(state.round / config.rounds, min(spent(program, state), default=1.0))
            on_round(min(round(share * config.rounds), config.rounds), config.rounds)
        started = time.perf_counter()
    _retire(program, state, records, range(len(state.active)))
    return [record.result(values) for record, values in zip(records, fixed, strict=True)]


def _leave(
    program: Program,
    state: State,
    roster: Roster,
    records: Sequence[Record],
    gone: Array,
    *,
    diverged: bool = False,
) -> tuple[State, Roster]:
    """Without the active runs that are `gone` (bool), which have diverged or spent their budget."""
    if not gone.any():
        return state, roster
    for place in np.flatnonzero(gone) if diverged else ():
        records[state.active[place]].diverged_round = state.round
    _retire(program, state, records, np.flatnonzero(gone))
    state = without(program, state, gone)
    return state, rebuild_lanes(program, state)


def _retire(
    program: Program, state: State, records: Sequence[Record], places: Iterable[int]
) -> None:
    """Keep the policies of the active runs at these places: they will not move any more."""
    for place in places:
        records[state.active[place]].parameters = policies(program, state, place)


def _save(
    program: Program,
    state: State,
    records: Sequence[Record],
    positions: Iterable[int],
    on_state: Callable[[Run, RunState], None] | None,
) -> None:
    """Tell `on_state` where the runs at these positions stand."""
    if on_state is None:
        return
    for position in sorted(positions):
        on_state(program.runs[position], state_of(program, state, records[position], position))
