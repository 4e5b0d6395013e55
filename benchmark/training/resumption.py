"""Where a run stands between two rounds, and how a batch goes on from there."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from fedrl.benchmark.training.ledger import Ledger
from fedrl.benchmark.training.record import Record, RunState
from fedrl.benchmark.training.rounds.program import Program
from fedrl.benchmark.training.rounds.state import (
    State,
    federations_of,
    initial_state,
    policies,
    without,
)


def state_of(program: Program, state: State, record: Record, position: int) -> RunState:
    """State of a run at the end of this round, finished if it is not active any more."""
    mine, server, theta = slice(0, 0), state.server, record.parameters
    finished = position not in state.active or state.round == program.config.rounds
    if position in state.active:
        place = state.active.index(position)
        mine = federations_of(program, place)
        theta = policies(program, state, place) if finished else server.theta[mine].numpy()
    assert theta is not None
    return RunState(
        round=state.round,
        finished=finished,
        theta=theta,
        previous=server.previous[mine].numpy(),
        momentum=server.momentum[mine].numpy(),
        memory={str(i): leaf[mine].numpy() for i, leaf in enumerate(_remembered(program, state))},
        ledger=np.stack([part[mine] for part in state.ledger]),
        clock=record.clock,
        diverged_round=record.diverged_round,
        rows=record.columns(),
        seconds=np.array(record.seconds),
    )


def resume(program: Program, states: Sequence[RunState | None]) -> tuple[State, list[Record]]:
    """Go on from states that were taken at the end of the same round, or from finished ones."""
    open_rounds = {0 if s is None else s.round for s in states if s is None or not s.finished}
    if len(open_rounds) > 1:
        raise ValueError(f"unfinished runs of one batch are at rounds {sorted(open_rounds)}")
    records = [
        Record(run) if state is None else Record.resumed(run, state)
        for run, state in zip(program.runs, states, strict=True)
    ]
    ended = np.array([state is not None and state.finished for state in states])
    state = without(program, initial_state(program), ended)
    state = state._replace(round=max(open_rounds, default=program.config.rounds))
    going = [part for part in states if part is not None and not part.finished]
    if not going:
        return state, records
    kept = ((s.theta, s.previous, s.momentum, *s.memory.values()) for s in going)
    theta, previous, momentum, *memory = (
        torch.from_numpy(np.concatenate(parts)) for parts in zip(*kept, strict=True)
    )
    server = state.server._replace(theta=theta, previous=previous, momentum=momentum)
    ledger = Ledger(*np.concatenate([part.ledger for part in going], axis=1))
    return _with_remembered(state._replace(server=server, ledger=ledger), memory), records


def _carried(state: State) -> Any:
    """All trees with leading axis G that are carried from round to round beside θ and u."""
    clock = state.now, state.due, state.heard
    kept = state.personal.values, state.optimiser.moments, state.releases, state.uploads, *clock
    return state.server.memory, state.memories, state.owed, *kept


def _remembered(program: Program, state: State) -> list[Tensor]:
    """What is carried from round to round, and agents' statistics, each with leading axis G."""
    kept = [state.baseline.coefficients, state.normaliser.sums]
    kept += [state.critics.states, state.environments.states]
    shape = (len(state.server.theta), program.agents_per_federation)
    per_federation = [torch.from_numpy(part).unflatten(0, shape) for part in kept]
    return [*tree_leaves(_carried(state)), *per_federation]


def _with_remembered(state: State, leaves: Sequence[Tensor]) -> State:
    """The inverse of `_remembered`."""
    *carried, coefficients, sums, critics, states = leaves
    kept = tree_unflatten(carried, tree_flatten(_carried(state))[1])
    memory, memories, owed, personal, moments, releases, uploads, now, due, heard = kept
    return state._replace(
        server=state.server._replace(memory=memory),
        memories=memories,
        owed=owed,
        releases=releases,
        uploads=uploads,
        now=now,
        due=due,
        heard=heard,
        personal=state.personal._replace(values=personal),
        baseline=state.baseline._replace(coefficients=coefficients.flatten(0, 1).numpy()),
        critics=state.critics._replace(states=critics.flatten(0, 1).numpy()),
        environments=state.environments._replace(states=states.flatten(0, 1).numpy()),
        normaliser=state.normaliser._replace(sums=sums.flatten(0, 1).numpy()),
        optimiser=state.optimiser._replace(moments=moments),
    )
