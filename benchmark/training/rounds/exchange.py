"""An exchange: what crosses between agents and their server, and what it costs.

Agents read the `Server` that `broadcast` returns and nothing else; the server reads what agents
upload and their messages. The ledger counts the very values that cross.
"""

from typing import Any

import torch
from torch import Tensor

from fedrl.algorithms import Server
from fedrl.benchmark.training.messages.compression import Size
from fedrl.benchmark.training.rounds.lanes import Lanes, Roster
from fedrl.benchmark.training.rounds.lifting import (
    lift,
    mapped,
    overrides,
    picked,
    ready,
    require_like,
)
from fedrl.benchmark.training.rounds.local import Local
from fedrl.benchmark.training.rounds.program import Program
from fedrl.benchmark.training.rounds.sampling import sample
from fedrl.benchmark.training.rounds.sending import at_home, outgoing, size
from fedrl.benchmark.training.rounds.state import State
from fedrl.benchmark.training.rounds.uplink import aggregated, mean_message, vectors_of, weights_of


def broadcast(program: Program, roster: Roster, server: Server) -> Server:
    """Return what is broadcast (G, …): u_r where it is used, and a part of the memory."""
    algorithm, memory = program.algorithm, server.memory
    if overrides(algorithm, "broadcast"):
        memory = lift(algorithm, "broadcast", roster.hyperparameters, memory)
    used = algorithm.uses_global_momentum
    momentum = server.momentum if used else torch.zeros_like(server.momentum)
    return server._replace(momentum=momentum, memory=memory)


def batch_gradients(
    program: Program, state: State, lanes: Lanes, purpose: str, draw: int, episodes: int
) -> tuple[State, Tensor]:
    """Batch gradients (L, d) of the lanes at θ_r, their episodes counted."""
    theta = state.personal.theta(picked(state.server.theta, lanes.federation), lanes.pick)
    known = (state.baseline, state.normaliser, state.critics)
    taken = sample(program, lanes, theta.numpy(), purpose, draw, episodes, *known)
    own = program.gradients.plain(taken.batch.behaviour, taken.batch)
    return state._replace(ledger=taken.charge(state.ledger)), torch.from_numpy(own)


def take_snapshot(
    program: Program, state: State, roster: Roster, draw: int
) -> tuple[State, Tensor]:
    """The aggregate of the participants' batch gradients at θ_r, and those of who steps (L, d)."""
    lanes, steppers = roster.participants, roster.steppers
    none = state.server.theta.new_zeros(len(steppers.rows), state.server.theta.shape[1])
    if not program.algorithm.snapshot:
        return state, none
    episodes = program.config.snapshot_episodes
    state, own = batch_gradients(program, state, lanes, "snapshot", draw, episodes)
    mine = state.personal
    state, sent = outgoing(program, state, lanes, mine.sent(own), "snapshot", draw)
    together = mine.whole(aggregated(program, state, roster, sent, "snapshot", draw))
    state = state._replace(server=state.server._replace(snapshot=together))
    return state, own if steppers is lanes else none


def exchange(
    program: Program,
    state: State,
    roster: Roster,
    local: Local,
    means: Tensor,
    portion: float,
    draw: int,
) -> tuple[State, Size]:
    """u_{r+1} = Σ_i w_i (θ_{r,K}^i - θ_r) / (ηK), θ_{r+1} = θ_r + λ u_{r+1}.

    Of u_{r+1} the algorithm and the server optimiser may make another direction. `means` (L, d) are
    the mean local directions; `portion` is the factor of λ, which is stated for a whole round;
    `draw` is the first local step since the exchange before. What each agent sent and received is
    returned too.
    """
    algorithm, server = program.algorithm, state.server
    memories, message = _finished(program, state, roster, local, means)
    mine, lanes, uploads = state.personal, roster.participants, state.uploads
    sent: Any = mine.sent(means)
    spoke: Tensor | None = None  # all
    if roster.server_lanes is not None:
        sent, momentum, up, update = (), means, Size(0, 0), Size(0, 0)
    else:
        if overrides(algorithm, "upload"):
            sent = lift(
                algorithm, "upload", local.hyperparameters, local.server, local.agent, means
            )
        compression = program.config.compression
        update, up = size(sent, compression), size(message, compression)
        if len(uploads.moves):
            assert program.config.lazy is not None
            uploads, sent, spoke = uploads.heard(program.config.lazy, sent)
        state, sent = outgoing(program, state, lanes, sent, "update", draw)
        state, message = outgoing(program, state, lanes, message, "message", draw)
        vectors = vectors_of(program, state, roster, local, sent)
        momentum = mine.whole(aggregated(program, state, roster, vectors, "update", state.round))
        if mine.some:
            own_step = picked(roster.server_step * portion, lanes.federation)
            mine = mine.stepped(means, own_step, lanes.pick)
    average = mean_message(program, roster, message, state.round)
    memory = server.memory
    if overrides(algorithm, "absorb"):
        share = torch.full_like(momentum[:, 0], lanes.each / program.agents_per_federation)
        arguments = (roster.hyperparameters, server, momentum, average, share)
        memory = lift(algorithm, "absorb", *arguments)
        require_like(f"{type(algorithm).__name__}.absorb", memory, server.memory)
    step = momentum
    if overrides(algorithm, "advance"):
        knowing = server._replace(memory=memory)
        step = lift(algorithm, "advance", roster.hyperparameters, knowing, momentum)
    optimiser, step = state.optimiser.step(step)
    uploads = uploads.moved(step)
    theta = server.theta + (roster.server_step * portion) * step
    following = Server(theta, server.theta, momentum, server.snapshot, memory)
    gathered = ready(algorithm, roster.hyperparameters, memory)
    if gathered is not None:
        go = gathered.unsqueeze(-1)
        following = following._replace(
            theta=torch.where(go, theta, server.theta),
            previous=torch.where(go, server.theta, server.previous),
        )
        moments = torch.where(go, optimiser.moments, state.optimiser.moments)
        optimiser = optimiser._replace(moments=moments)
    normaliser, critics = local.normaliser, local.critics
    if normaliser.floats or critics.floats:
        weights = weights_of(program, lanes)
        normaliser = normaliser.exchanged(lanes.rows, weights)
        critics = critics.exchanged(lanes.rows, weights)
    state = state._replace(
        server=following,
        memories=memories,
        personal=mine,
        uploads=uploads,
        optimiser=optimiser,
        normaliser=normaliser,
        critics=critics,
        environments=local.environments,
    )
    return with_cost(program, roster, state, update, spoke, up, size(local.server.memory))


def with_cost(
    program: Program,
    roster: Roster,
    state: State,
    update: Size,
    spoke: Tensor | None,
    up: Size,
    memory: Size,
) -> tuple[State, Size]:
    """The state with an exchange counted, and what each participant sent and received.

    Of the participants those who `spoke` (L,), all if it is None, sent their `update`; everybody
    sent `up` beside it and their snapshot.
    """
    algorithm, theta = program.algorithm, state.personal.sent(state.server.theta)
    if not algorithm.federated:
        return state, Size(0, 0)
    floats, critics = state.normaliser.floats, state.critics
    beside = Size(critics.floats, 8 * critics.states.itemsize * critics.floats)
    statistics = Size(floats, 64 * floats) + beside
    vectors = 1 + algorithm.uses_global_momentum
    vectors += algorithm.snapshot and roster.server_lanes is None
    compression = program.config.compression
    up += size(theta if algorithm.snapshot else (), compression) + statistics
    down = size(theta).times(vectors) + memory + statistics
    each: Any = roster.participants.each
    gathered = ready(algorithm, roster.hyperparameters, state.server.memory)
    if gathered is not None:  # all agents send and are told, or nobody
        each = program.agents_per_federation * gathered.numpy()
    sent = update.times(each)
    if spoke is not None:
        sent = update.times(spoke.reshape(-1, each).sum(dim=1).numpy())
        update = update.times(spoke.long().numpy())
    ledger = state.ledger.sent(up.times(each) + sent, down.times(each))
    return state._replace(ledger=ledger), up + down + update


def _finished(
    program: Program, state: State, roster: Roster, local: Local, means: Tensor
) -> tuple[Any, Any]:
    """All agents' memories after the round, and the messages of who stepped (L, …)."""
    algorithm, kept, message = program.algorithm, local.agent.memory, ()
    if overrides(algorithm, "finish"):
        arguments = (local.hyperparameters, local.server, local.agent, means)
        kept, message = lift(algorithm, "finish", *arguments)
    if all(isinstance(part, tuple) and not part for part in (kept, state.memories)):
        return kept, message
    require_like(f"{type(algorithm).__name__}.finish", kept, state.memories)
    rows = roster.steppers.pick
    return mapped(lambda old, new: at_home(old, rows, new), state.memories, kept), message
