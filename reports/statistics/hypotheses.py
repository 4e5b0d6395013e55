"""Tests between algorithms within seeds, and what many tests at once cost."""

import numpy as np
from numpy.typing import ArrayLike

from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics.estimates import Array, Estimate

FEWEST = 6  # pairs below which no sign flip can be rarer than 1 in 20: 2 / 2⁵ > 0.05


def told_apart(value: Estimate, nothing: float, pairs: int) -> bool:
    """True where the interval of an effect within pairs lies above `nothing`, of enough pairs."""
    return bool(pairs >= FEWEST and value.low > nothing)


def sign_flip(differences: ArrayLike, *, seed: int, most: int = 14, draws: int = 20_000) -> float:
    """Two-sided p of H₀: within a pair either side could have had either value.

    The share of the 2ⁿ ways to flip the signs of the n differences whose |sum| is at least the one
    seen: exact up to `most` pairs, else (1 + count) / (1 + draws) of random flips. Censored runs
    take part by min(T, B). 1 without differences. Fisher 1935, section 21.
    """
    d = np.asarray(differences, dtype=np.float64)
    d = d[d != 0]  # flipping nothing changes nothing
    if not len(d):
        return 1.0
    if len(d) <= most:
        bits = np.arange(2 ** len(d))[:, None] >> np.arange(len(d)) & 1
    else:
        bits = np.random.default_rng(seed).integers(0, 2, size=(draws, len(d)))
    reached = np.abs((2 * bits - 1) @ d) >= abs(d.sum()) - 1e-9 * np.abs(d).sum()
    if len(d) <= most:
        return float(np.mean(reached))
    return float((1 + np.sum(reached)) / (1 + draws))


def holm(p: ArrayLike) -> Array:
    """Adjusted p: p̃₍ᵢ₎ = max_{j ≤ i} min(1, (m − j + 1) p₍ⱼ₎), in the order given.  Holm 1979.

    Below α they keep the chance of any false rejection below α, whatever depends on what.

    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.minimum(1.0, values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.maximum.accumulate(stepped)
    return adjusted


def ratio_of_means(
    ours: ArrayLike, theirs: ArrayLike, *, seed: int, resamples: int = 2000, level: float = 0.95
) -> Estimate:
    """mean(x) / mean(y) over pairs that share a seed, with bootstrap interval over the pairs.

    With x, y = min(T, B) at a common budget it is the ratio of restricted means.
    """
    pairs = np.stack([np.asarray(side, dtype=np.float64) for side in (ours, theirs)], axis=1)
    return st.estimate(pairs, _quotient, seed=seed, resamples=resamples, level=level)


def _quotient(sample: Array, axis: int) -> Array:
    means = np.mean(sample, axis=axis)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(means[..., 0] / means[..., 1])
