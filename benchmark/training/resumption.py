"""Where a run stands between two rounds, and how a batch goes on from there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from fedrl.benchmark.training.batch import Batch
from fedrl.benchmark.training.ledger import Ledger
from fedrl.benchmark.training.record import Record, RunState


def state_of(batch: Batch, position: int) -> RunState:
    """State of a run at the end of this round, finished if it has left the batch."""
    record, mine = batch.records[position], slice(0, 0)
    if position in batch.active:
        place = batch.active.index(position)
        mine = slice(place * batch.split, (place + 1) * batch.split)
    return RunState(
        round=batch.round,
        finished=position not in batch.active or batch.round == batch.config.rounds,
        theta=batch.finals.get(position, batch.server.theta[mine].numpy()),
        previous=batch.server.previous[mine].numpy(),
        momentum=batch.server.momentum[mine].numpy(),
        memory={str(i): leaf[mine].numpy() for i, leaf in enumerate(_remembered(batch))},
        ledger=np.stack([part[mine] for part in batch.ledger]),
        clock=record.clock,
        diverged_round=record.diverged_round,
        rows=record.columns(),
        seconds=np.array(record.seconds),
    )


def resume(batch: Batch, states: Sequence[RunState | None]) -> None:
    """Go on from states that were taken at the end of the same round, or from finished ones."""
    open_rounds = {0 if s is None else s.round for s in states if s is None or not s.finished}
    if len(open_rounds) > 1:
        raise ValueError(f"unfinished runs of one batch are at rounds {sorted(open_rounds)}")
    batch.round = max(open_rounds, default=batch.config.rounds)
    batch.records = [
        Record(run) if state is None else Record.resumed(run, state)
        for run, state in zip(batch.runs, states, strict=True)
    ]
    batch.leave(np.array([state is not None and state.finished for state in states]))
    ended = [(p, state) for p, state in enumerate(states) if state and state.finished]
    batch.finals = {position: state.theta for position, state in ended}
    going = [state for state in states if state is not None and not state.finished]
    if going:
        theta, previous, momentum, *memory = (
            torch.from_numpy(np.concatenate(parts))
            for parts in zip(
                *((s.theta, s.previous, s.momentum, *s.memory.values()) for s in going),
                strict=True,
            )
        )
        batch.server = batch.server._replace(theta=theta, previous=previous, momentum=momentum)
        _restore(batch, memory)
        batch.ledger = Ledger(*np.concatenate([state.ledger for state in going], axis=1))


def _remembered(batch: Batch) -> list[Tensor]:
    """All that is carried from round to round beside θ and u, each with leading axis G."""
    coefficients = torch.from_numpy(batch.baseline.coefficients)
    per_federation = coefficients.unflatten(0, (len(batch.server.theta), batch.agents))
    return [*tree_leaves(batch.server.memory), *tree_leaves(batch.memory), per_federation]


def _restore(batch: Batch, leaves: Sequence[Tensor]) -> None:
    """The inverse of `_remembered`."""
    server, shape = tree_flatten(batch.server.memory)
    agents, form = tree_flatten(batch.memory)
    batch.server = batch.server._replace(memory=tree_unflatten(leaves[: len(server)], shape))
    batch.memory = tree_unflatten(leaves[len(server) : len(server) + len(agents)], form)
    batch.baseline = batch.baseline.holding(leaves[-1].flatten(0, 1).numpy())
