"""An exchange: what crosses between agents and their server, and what it costs.

Agents read the `Server` that `broadcast` returns and nothing else; the server reads what agents
upload and their messages. The ledger counts the very values that cross.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import tree_leaves, tree_map

from fedrl.algorithms import Server
from fedrl.benchmark.training.rounds.lanes import Lanes, Roster
from fedrl.benchmark.training.rounds.lifting import lift, overrides, require_like
from fedrl.benchmark.training.rounds.local import Local
from fedrl.benchmark.training.rounds.program import Program
from fedrl.benchmark.training.rounds.sampling import sample
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
    theta = state.server.theta[lanes.federations]
    known = (state.baseline, state.normaliser)
    taken = sample(program, lanes, theta, purpose, draw, episodes, *known)
    own = vmap(program.gradients.plain)(taken.batch.behaviour, taken.batch)
    return state._replace(ledger=taken.charge(state.ledger)), own


def take_snapshot(
    program: Program, state: State, roster: Roster, draw: int
) -> tuple[State, Tensor]:
    """The aggregate of the participants' batch gradients at θ_r, and those of who steps (L, d)."""
    lanes, steppers = roster.participants, roster.steppers
    none = torch.zeros_like(state.server.theta[steppers.federations])
    if not program.algorithm.snapshot:
        return state, none
    state, own = batch_gradients(
        program, state, lanes, "snapshot", draw, program.config.snapshot_episodes
    )
    together = aggregated(program, state, roster, own, "snapshot", draw)
    state = state._replace(server=state.server._replace(snapshot=together))
    return state, own if steppers is lanes else none


def exchange(
    program: Program, state: State, roster: Roster, local: Local, means: Tensor, portion: float
) -> State:
    """u_{r+1} = Σ_i w_i (θ_{r,K}^i - θ_r) / (ηK), θ_{r+1} = θ_r + λ u_{r+1}.

    Of u_{r+1} the algorithm and the server optimiser may make another direction. `means` (L, d) are
    the mean local directions; `portion` is the factor of λ, which is stated for a whole round.
    """
    algorithm, server = program.algorithm, state.server
    memories, message = _finished(program, state, roster, local, means)
    sent: Any = means
    if roster.server_lanes is not None:
        sent, momentum = (), means
    else:
        if overrides(algorithm, "upload"):
            sent = lift(
                algorithm, "upload", local.hyperparameters, local.server, local.agent, means
            )
        vectors = vectors_of(program, state, roster, local, sent)
        momentum = aggregated(program, state, roster, vectors, "update", state.round)
    average = mean_message(program, roster, message, state.round)
    memory = server.memory
    if overrides(algorithm, "absorb"):
        count = roster.participants.each / program.agents_per_federation
        share = torch.full_like(momentum[:, 0], count)
        arguments = (roster.hyperparameters, server, momentum, average, share)
        memory = lift(algorithm, "absorb", *arguments)
        require_like(f"{type(algorithm).__name__}.absorb", memory, server.memory)
    step = momentum
    if overrides(algorithm, "advance"):
        knowing = server._replace(memory=memory)
        step = lift(algorithm, "advance", roster.hyperparameters, knowing, momentum)
    optimiser, step = state.optimiser.step(step)
    theta = server.theta + (roster.server_step * portion) * step
    following = Server(theta, server.theta, momentum, server.snapshot, memory)
    up = _floats(sent) + _floats(() if roster.server_lanes is not None else message)
    weights = weights_of(program, roster.participants)
    normaliser = local.normaliser.exchanged(roster.participants.rows, weights)
    state = state._replace(server=following, memories=memories, normaliser=normaliser)
    state = state._replace(optimiser=optimiser, environments=local.environments)
    return with_cost(program, roster, state, up, _floats(local.server.memory))


def with_cost(program: Program, roster: Roster, state: State, up: int, memory: int) -> State:
    """The state with an exchange counted: `up` numbers of each agent beside its snapshot."""
    algorithm, d = program.algorithm, state.server.theta.shape[-1]
    if not algorithm.federated:
        return state
    up += d * algorithm.snapshot + state.normaliser.floats
    down = d * (1 + algorithm.uses_global_momentum) + memory + state.normaliser.floats
    down += d * (algorithm.snapshot and roster.server_lanes is None)
    each = roster.participants.each
    return state._replace(ledger=state.ledger.sent(up * each, down * each))


def _finished(
    program: Program, state: State, roster: Roster, local: Local, means: Tensor
) -> tuple[Any, Any]:
    """All agents' memories after the round, and the messages of who stepped (L, …)."""
    algorithm, kept, message = program.algorithm, local.agent.memory, ()
    if overrides(algorithm, "finish"):
        arguments = (local.hyperparameters, local.server, local.agent, means)
        kept, message = lift(algorithm, "finish", *arguments)
    require_like(f"{type(algorithm).__name__}.finish", kept, state.memories)
    pick = roster.steppers.pick

    def home(of_all: Tensor, new: Tensor) -> Tensor:
        rows = of_all.flatten(0, 1).clone()
        rows[pick] = new
        return rows.reshape(of_all.shape)

    return tree_map(home, state.memories, kept), message


def _floats(values: Any) -> int:
    """How many numbers the values of one lane are."""
    return sum(int(np.prod(leaf.shape[1:])) for leaf in tree_leaves(values))
