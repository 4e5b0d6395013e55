"""Tests between algorithms on censored hitting times, and what many tests at once cost."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics.estimates import Array, Estimate
from fedrl.reports.statistics.survival import Observed


def log_rank(one: Observed, other: Observed) -> float:
    """p of H₀: equal hazards.  χ²₁ = (Σ (d₁ − d n₁/n))² / Σ d n₁ n₂ (n − d) / (n² (n − 1)).

    Sums over the distinct hitting times, d hits among n at risk. 1 when nothing hit: the runs do
    not differ. Mantel 1966. It takes runs for independent, so shared seeds make it conservative.
    """
    times = np.unique(np.concatenate([one.time[one.hit], other.time[other.hit]]))
    n1, n2 = ((seen.time[None, :] >= times[:, None]).sum(axis=1) for seen in (one, other))
    d1, d2 = (
        ((seen.time[None, :] == times[:, None]) & seen.hit[None, :]).sum(axis=1)
        for seen in (one, other)
    )
    n, d = n1 + n2, d1 + d2
    excess = float(np.sum(d1 - d * n1 / np.maximum(n, 1)))
    variance = float(np.sum(d * n1 * n2 * (n - d) / (n**2.0 * np.maximum(n - 1, 1))))
    return float(special.chdtrc(1, excess**2 / variance)) if variance > 0 else 1.0


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
    options = {"seed": seed, "resamples": resamples, "level": level}
    low, high = st.stratified_interval([pairs], _quotient, **options)  # type: ignore[arg-type]
    return Estimate(*(float(np.ravel(v)[0]) for v in (_quotient(pairs, 0), low, high)))


def _quotient(sample: Array, axis: int) -> Array:
    means = np.mean(sample, axis=axis)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(means[..., 0] / means[..., 1])


def differences(ours: Sequence[float], theirs: Sequence[float]) -> Array:
    """x − y within pairs on common random numbers; two infinite times are a tie, 0."""
    x, y = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(x == y, 0.0, x - y))
