"""From uploads to the server's values: attacked, weighted and aggregated."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from fedrl.benchmark.config.communication import MinimumDiameter, TrimmedMean
from fedrl.benchmark.training.messages.aggregation import aggregate, averaged
from fedrl.benchmark.training.messages.attacks import byzantine, corrupted, normal
from fedrl.benchmark.training.rounds.lanes import Lanes, Roster
from fedrl.benchmark.training.rounds.lifting import leaves, lift, mapped, overrides, picked
from fedrl.benchmark.training.rounds.local import Local
from fedrl.benchmark.training.rounds.program import Program
from fedrl.benchmark.training.rounds.state import State


def received(program: Program, lanes: Lanes, sent: Tensor, purpose: str, draw: int) -> Tensor:
    """Return the values the server receives, from the lanes' values (L, …)."""
    attack = program.config.attack
    if attack is None:
        return sent
    vectors = sent.reshape(len(sent), -1)
    stream = lanes.stream(program, f"attack-{purpose}", draw)
    noise = torch.from_numpy(normal(stream, vectors.shape[1]).astype(program.dtype))
    lying = byzantine(attack, lanes.agent, program.config.agents)
    return corrupted(attack, vectors, lying, noise, lanes.each).reshape(sent.shape)


def weights_of(program: Program, lanes: Lanes) -> Tensor:
    """Weights of the lanes' contributions (G, n): w_i / Σ_j w_j, if all agents are among them.

    Of n agents of N drawn without regard to unequal weights, w_i N/n, so that over the draws the
    aggregate is that of all agents; to divide by Σ_j w_j would favour agents of small weight.
    """
    config = program.config
    weights = config.shares[lanes.agent].astype(program.dtype)
    together = torch.from_numpy(weights).reshape(-1, lanes.each)
    if lanes.each < program.agents_per_federation and np.ptp(config.shares) > 0:
        return together * (program.agents_per_federation / lanes.each)
    return together / together.sum(-1, keepdim=True)


def aggregated(
    program: Program, state: State, roster: Roster, sent: Tensor, purpose: str, draw: int
) -> Tensor:
    """Aggregate one vector (L, d) of every participant to (G, d)."""
    together = received(program, roster.participants, sent, purpose, draw)
    each = roster.participants.each
    together = together.reshape(len(together) // each, each, sent.shape[-1])
    if replaced(program):
        return robust(program, together)
    weights, algorithm = weights_of(program, roster.participants), program.algorithm
    if not overrides(algorithm, "combine") and not overrides(algorithm, "aggregate"):
        return averaged(together, weights)
    arguments = (roster.hyperparameters, state.server, together, weights)
    found: Tensor = lift(algorithm, "combine", *arguments)
    return found


def replaced(program: Program) -> bool:
    """Whether a robust rule takes the place of the mean; without Byzantine agents a mean is one."""
    rule = program.config.aggregator
    plain = isinstance(rule, TrimmedMean | MinimumDiameter) and rule.byzantine == 0
    return rule is not None and not plain and program.algorithm.federated


def robust(program: Program, messages: Tensor) -> Tensor:
    """The robust aggregate of messages (G, n, …): (G, …)."""
    rule = program.config.aggregator
    assert rule is not None
    groups, agents, *shape = messages.shape
    flat = messages.reshape(groups, agents, -1).numpy()
    found = np.stack([aggregate(rule, group) for group in flat]) if groups else flat[:, 0]
    return torch.from_numpy(found).reshape(groups, *shape)


def mean_message(program: Program, roster: Roster, message: Any, number: int) -> Any:
    """The mean (G, …) of the participants' messages (L, …)."""
    lanes = roster.participants
    if roster.server_lanes is not None or not leaves(message):
        return message
    weights = weights_of(program, lanes)

    def mean(leaf: Tensor) -> Tensor:
        heard = received(program, lanes, leaf, "message", number)
        heard = heard.reshape(-1, lanes.each, *leaf.shape[1:])
        return robust(program, heard) if replaced(program) else averaged(heard, weights)

    return mapped(mean, message)


def vectors_of(program: Program, state: State, roster: Roster, local: Local, sent: Any) -> Tensor:
    """The directions (L, d) that the server reconstructs from uploads (L, …)."""
    algorithm, pick = program.algorithm, roster.participants.federation
    if overrides(algorithm, "receive"):
        whole = picked(state.server, pick)
        sent = lift(algorithm, "receive", local.hyperparameters, whole, sent)
    d = len(state.personal.shared)
    if not isinstance(sent, Tensor) or sent.shape[1:] != (d,):
        name, kind = type(algorithm).__name__, type(sent).__name__
        raise ValueError(f"{name}.receive must make a direction ({d},) of an upload, not a {kind}")
    return sent
