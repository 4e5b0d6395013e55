"""Aggregation of one vector of each of n agents: their mean, or a robust rule.

Axes: G federations, n agents, d entries. Rules are written for one federation; sums run over agents
in order.
"""

from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from fedrl.algorithms.estimators.compilation import compiled
from fedrl.benchmark.config.communication import (
    AnyAggregator,
    Krum,
    Median,
    MinimumDiameter,
    TrimmedMean,
)
from fedrl.envs.family import Array

STEPS, CLOSE, SMOOTH = 1000, 1e-12, 1e-12  # of Weiszfeld's iteration; relative to the spread


def averaged(messages: Tensor, weights: Tensor) -> Tensor:
    """Σ_i w_i m_i of messages (G, n, …), weights (G, n): (G, …), all federations at once.

    The bits are those of `algorithm.weighted_mean`, which says what it is.
    """
    groups, agents, *shape = messages.shape
    values = messages.to(torch.result_type(messages, weights)).reshape(groups, agents, -1)
    out = values.new_empty(groups, values.shape[-1])
    _add_up(np.ascontiguousarray(values.numpy()), weights.numpy(), out.numpy())
    return out.reshape(groups, *shape)


@compiled
def _add_up(messages, weights, out):  # type: ignore[no-untyped-def]
    for group in range(len(messages)):
        for entry in range(out.shape[1]):
            out[group, entry] = weights[group, 0] * messages[group, 0, entry]
        for agent in range(1, messages.shape[1]):
            for entry in range(out.shape[1]):
                out[group, entry] += weights[group, agent] * messages[group, agent, entry]


def aggregate(rule: AnyAggregator, messages: Array) -> Array:
    """What a server makes of messages (n, d): (d,)."""
    if isinstance(rule, Median):
        return np.median(messages, axis=0).astype(messages.dtype, copy=False)
    if isinstance(rule, TrimmedMean):
        rank = np.argsort(np.argsort(messages, axis=0, kind="stable"), axis=0, kind="stable")
        kept = (rank >= rule.byzantine) & (rank < len(messages) - rule.byzantine)
        return mean(np.where(kept, messages, 0), len(messages) - 2 * rule.byzantine)
    if isinstance(rule, Krum):
        return messages[krum(messages, rule.byzantine)]
    if isinstance(rule, MinimumDiameter):
        subset = list(minimum_diameter(messages, rule.byzantine))
        return mean(messages[subset], len(subset))
    return geometric_median(messages)


def mean(messages: Array, count: int) -> Array:
    """Σ_i m_i / count, agent after agent, as the mean that is replaced."""
    total = np.zeros_like(messages[0])
    for message in messages:
        total = total + message * messages.dtype.type(1 / count)
    return total


def distances(messages: Array) -> Array:
    """‖m_i - m_j‖² of messages (n, d): (n, n)."""
    wide = messages.astype(np.float64)
    return np.stack([np.sum(np.square(wide - one), axis=1) for one in wide])


def krum(messages: Array, byzantine: int) -> int:
    """Which message Krum selects; of equal ones the first."""
    square = distances(messages)
    np.fill_diagonal(square, np.inf)
    near = np.sort(square, axis=1)[:, : len(messages) - byzantine - 2]
    return int(np.argmin(np.sum(near, axis=1)))


def minimum_diameter(messages: Array, byzantine: int) -> tuple[int, ...]:
    """The n - f agents whose largest distance is least; of equal ones the first."""
    square = distances(messages)
    agents = range(len(messages))
    return min(
        combinations(agents, len(messages) - byzantine),
        key=lambda chosen: square[np.ix_(chosen, chosen)].max(),
    )


def geometric_median(messages: Array) -> Array:
    """z ← Σ_i m_i/‖z - m_i‖ / Σ_i 1/‖z - m_i‖ from the mean, until it stands still."""
    wide = messages.astype(np.float64)
    centre = wide.mean(axis=0)
    spread = float(np.sqrt(np.square(wide - centre).sum(axis=1)).max())
    if not np.isfinite(spread) or spread == 0:
        return centre.astype(messages.dtype)
    for _ in range(STEPS):
        length = np.sqrt(np.sum(np.square(wide - centre), axis=1))
        weight = 1 / np.maximum(length, SMOOTH * spread)
        following = np.sum(weight[:, None] * wide, axis=0) / np.sum(weight)
        moved = float(np.sqrt(np.sum(np.square(following - centre))))
        centre = following
        if moved <= CLOSE * spread:
            break
    return centre.astype(messages.dtype)
