"""Compressors of vectors and what their messages cost. Axes: L lanes, d entries.

A vector is compressed from uniform numbers of its own, so that expectations are sums over them.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from fedrl.benchmark.config.communication import (
    QSGD,
    AnyCompression,
    FixedPoint,
    RandomK,
    Sign,
    TopK,
)
from fedrl.envs.family import Array


class Size(NamedTuple):
    """How much is sent."""

    numbers: int  # an index as one
    bits: int

    def __add__(self, other: "Size") -> "Size":  # type: ignore[override]
        return Size(self.numbers + other.numbers, self.bits + other.bits)

    def times(self, count: Any) -> "Size":
        """The size of `count` such messages; of several counts (G,), as many sizes."""
        return Size(count * self.numbers, count * self.bits)


def compressed(kind: AnyCompression, vectors: Array, uniform: Array) -> Array:
    """C(v) of vectors (L, d), from numbers on [0, 1) of the same shape.

    A vector that is not finite is sent as it is: its run has diverged, and shall be seen to. So is
    one whose message would not be shorter.
    """
    size, width = vectors.shape[1], 8 * vectors.dtype.itemsize
    if size_of(kind, size, width).bits == size * width:
        return vectors
    with np.errstate(all="ignore"):
        found = _compressed(kind, vectors, uniform)
    finite = np.isfinite(vectors).all(axis=1, keepdims=True)
    return np.where(finite, found, vectors).astype(vectors.dtype, copy=False)


def _compressed(kind: AnyCompression, vectors: Array, uniform: Array) -> Array:
    size = vectors.shape[1]
    if isinstance(kind, TopK):
        return _kept(vectors, -np.abs(vectors), kind.kept(size))
    if isinstance(kind, RandomK):
        kept = kind.kept(size)
        scale = 1.0 if kind.error_feedback else size / kept
        return scale * _kept(vectors, uniform, kept)
    if isinstance(kind, Sign):
        scale = np.mean(np.abs(vectors), axis=1, keepdims=True)
        return np.where(vectors < 0, -scale, scale)
    if isinstance(kind, FixedPoint):
        exact = np.clip(vectors, -kind.bound, kind.bound) / kind.spacing
        level = np.floor(exact)
        return (level + (uniform < exact - level)) * kind.spacing
    length = np.sqrt(np.sum(np.square(vectors), axis=1, keepdims=True))
    exact = kind.levels * np.abs(vectors) / np.where(length > 0, length, 1)
    level = np.floor(exact)
    level += uniform < exact - level
    shrink = 1 + variance(kind, size) if kind.error_feedback else 1.0
    return length * np.sign(vectors) * level / kind.levels / shrink


def _kept(vectors: Array, rank: Array, kept: int) -> Array:
    """The entries of the `kept` smallest ranks, 0 elsewhere; of equal ranks the first."""
    places = np.argsort(rank, axis=1, kind="stable")[:, :kept]
    found = np.zeros_like(vectors)
    np.put_along_axis(found, places, np.take_along_axis(vectors, places, axis=1), axis=1)
    return found


def variance(kind: QSGD | RandomK, size: int) -> float:
    """ω with E‖C(v) - v‖² ≤ ω ‖v‖² of the unbiased form, for d = `size`."""
    if isinstance(kind, RandomK):
        return size / kind.kept(size) - 1
    return min(size / kind.levels**2, math.sqrt(size) / kind.levels)


def size_of(kind: AnyCompression | None, size: int, width: int) -> Size:
    """What sending a vector of d = `size` entries of `width` bits costs: all of them, or less.

    Top-k: k entries with ⌈log₂ d⌉ bits for the place of each. Random-k: k entries. QSGD: ‖v‖ and
    ⌈log₂(2s + 1)⌉ bits for each entry. Sign: a number and d bits. Fixed point: its bits.
    """
    short = whole = Size(size, size * width)
    if isinstance(kind, TopK):
        kept = kind.kept(size)
        short = Size(2 * kept, kept * (width + _bits(size)))
    elif isinstance(kind, RandomK):
        kept = kind.kept(size)
        short = Size(kept, kept * width)
    elif isinstance(kind, QSGD):
        short = Size(1 + size, width + size * _bits(2 * kind.levels + 1))
    elif isinstance(kind, Sign):
        short = Size(1 + size, width + size)
    elif isinstance(kind, FixedPoint):
        short = Size(size, size * kind.bits)
    return short if short.bits < whole.bits else whole


def _bits(values: int) -> int:
    """⌈log₂ values⌉: what tells one of `values` from the others."""
    return (values - 1).bit_length()
