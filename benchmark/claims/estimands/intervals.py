"""Intervals of what whole seeds give, at any level."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from fedrl.reports.statistics.estimates import Estimate


def over_seeds(values: ArrayLike, level: float, freedom: int | None = None) -> Estimate:
    """Mean of one number per seed, x̄ ± t_f s/√n; f = n − 1 unless given.

    A seed's number is the mean over all of its settings, so that runs that share a draw are one.
    This is what the expanded percentile bootstrap of reports tends to, without a largest resample:
    simultaneous intervals of many parts need quantiles far out.

    >>> over_seeds([1.0, 2.0, 3.0], 0.95).value
    2.0
    """
    x = np.asarray(values, dtype=np.float64)
    if len(x) < 2:
        return Estimate(float(x.mean()) if len(x) else np.nan, np.nan, np.nan)
    quantile = stats.t.ppf((1 + level) / 2, len(x) - 1 if freedom is None else freedom)
    half = quantile * x.std(ddof=1) / np.sqrt(len(x))
    return Estimate(float(x.mean()), float(x.mean() - half), float(x.mean() + half))


def apart(one: Estimate, other: Estimate) -> Estimate:
    """one − other from their intervals: the distances of the bounds, square-and-add.

    Valid for independent estimates, and wide where they share seeds and move together.
    Zou & Donner, Statistics in Medicine 2008.
    """
    value = one.value - other.value
    low = np.hypot(one.value - one.low, other.high - other.value)
    high = np.hypot(one.high - one.value, other.value - other.low)
    return Estimate(value, float(value - low), float(value + high))


def spanned(values: ArrayLike) -> Estimate:
    """Median, smallest and largest: numbers without chance, of which every one has to comply."""
    x = np.asarray(values, dtype=np.float64)
    return Estimate(float(np.median(x)), float(x.min()), float(x.max()))
