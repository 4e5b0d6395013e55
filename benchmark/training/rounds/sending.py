"""What leaves an agent for its server: with noise, compressed, the rest remembered, and sized."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from fedrl.benchmark.config.communication import AnyCompression
from fedrl.benchmark.training.messages.attacks import normal
from fedrl.benchmark.training.messages.compression import Size, compressed, size_of
from fedrl.benchmark.training.messages.privacy import noised
from fedrl.benchmark.training.rounds.lanes import Lanes
from fedrl.benchmark.training.rounds.lifting import leaves
from fedrl.benchmark.training.rounds.program import Program
from fedrl.benchmark.training.rounds.state import State


def outgoing(
    program: Program, state: State, lanes: Lanes, values: Any, kind: str, draw: int
) -> tuple[State, Any]:
    """Values of the lanes, leaves (L, …), as they are sent; and what agents still owe of them."""
    compression = program.config.compression
    if not program.algorithm.federated:  # nothing is sent
        return state, values
    state, values = private(program, state, lanes, values, kind, draw)
    if compression is None:
        return state, values
    parts, form = tree_flatten(values)
    owed = tree_leaves(state.owed.get(kind, ())) or [None] * len(parts)
    sent, left = [], []
    for place, (leaf, debt) in enumerate(zip(parts, owed, strict=True)):
        if not leaf.is_floating_point():
            sent.append(leaf)
            left.append(debt)
            continue
        wanted = leaf if debt is None else leaf + debt.flatten(0, 1)[lanes.pick]
        vectors = wanted.reshape(len(wanted), -1).numpy()
        stream = lanes.stream(program, f"compression-{kind}-{place}", draw)
        found = compressed(compression, vectors, stream.uniform(vectors.shape[1]))
        sent.append(torch.from_numpy(found).reshape(leaf.shape))
        left.append(debt if debt is None else at_home(debt, lanes.pick, wanted - sent[-1]))
    if kind in state.owed:
        kept = tree_unflatten(left, tree_flatten(state.owed[kind])[1])
        state = state._replace(owed=state.owed | {kind: kept})
    return state, tree_unflatten(sent, form)


def private(
    program: Program, state: State, lanes: Lanes, values: Any, kind: str, draw: int
) -> tuple[State, Any]:
    """The values clipped and with noise, if they shall be; every tensor of them is a release."""
    privacy = program.config.privacy
    if privacy is None:
        return state, values
    parts, form = tree_flatten(values)
    if not parts:
        return state, values
    sent = []
    for place, leaf in enumerate(parts):
        vectors = leaf.reshape(len(leaf), -1).numpy()
        stream = lanes.stream(program, f"privacy-{kind}-{place}", draw)
        found = noised(privacy, vectors, normal(stream, vectors.shape[1]), lanes.each)
        sent.append(torch.from_numpy(found).reshape(leaf.shape))
    before = state.releases.flatten()[lanes.pick]
    releases = at_home(state.releases, lanes.pick, before + len(parts))
    return state._replace(releases=releases), tree_unflatten(sent, form)


def at_home(of_all: Tensor, rows: Tensor, new: Tensor) -> Tensor:
    """Values of all agents (G, n, …) with those at `rows` (L,) replaced by `new` (L, …)."""
    flat = of_all.flatten(0, 1).clone()
    flat[rows] = new
    return flat.reshape(of_all.shape)


def size(values: Any, compression: AnyCompression | None = None) -> Size:
    """What one lane sends or receives of these values, leaves (L, …)."""
    total = Size(0, 0)
    for leaf in leaves(values):
        kind = compression if leaf.is_floating_point() else None
        total += size_of(kind, math.prod(leaf.shape[1:]), 8 * leaf.element_size())
    return total
