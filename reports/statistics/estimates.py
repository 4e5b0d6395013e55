"""Statistics of scores. Pure functions of arrays; the first axis of a sample is the seed."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Array = NDArray[np.float64]
BLOCK = 2**18  # numbers that are drawn together: they stay in the processor's cache
Statistic = Callable[[Array, int], Any]  # (sample, axis) → statistic along that axis


class Estimate(NamedTuple):
    """A statistic and its interval, NaN bounds when there is none."""

    value: float
    low: float
    high: float


UNKNOWN = Estimate(float("nan"), float("nan"), float("nan"))


def interquartile_mean(sample: ArrayLike, axis: int = 0) -> Any:
    """Mean of what is left after dropping ⌊n/4⌋ values at each end; the mean for n < 4.

    NaN with a NaN. Agarwal et al. 2021, Deep RL at the edge of the statistical precipice, 4.3.

    >>> float(interquartile_mean([0.0, 1.0, 2.0, 100.0]))
    1.5
    """
    # Sorted, a sum has one order on every processor; a partition leaves its parts in any order.
    values = np.moveaxis(np.asarray(sample, dtype=np.float64), axis, -1).copy(order="C")
    values.sort(axis=-1)  # NaN comes last
    cut = values.shape[-1] // 4
    kept = values[..., cut : values.shape[-1] - cut].mean(-1)
    return np.where(np.isnan(values[..., -1]), np.nan, kept)[()]


def mean(sample: ArrayLike, axis: int = 0) -> Any:
    """Σ x / n."""
    return np.mean(np.asarray(sample, dtype=np.float64), axis=axis)


def resampled(
    strata: Sequence[ArrayLike], statistic: Statistic, *, seed: int, resamples: int = 2000
) -> Any:
    """(resamples, …) the statistic after redrawing seeds with replacement inside each stratum.

    Strata have shapes (n_s, …) with equal trailing axes and are pooled after the draw. The
    generator starts anew from `seed`, so equal sizes meet equal resamples: differences between
    algorithms are taken over common draws.
    Efron 1979; stratified as in Agarwal et al. 2021, appendix A.
    """
    samples = [np.asarray(stratum, dtype=np.float64) for stratum in strata]
    generator = np.random.default_rng(seed)
    drawn = [generator.integers(0, len(x), size=(resamples, len(x))) for x in samples]
    step = max(1, BLOCK // sum(x.size for x in samples))
    blocks = [slice(start, start + step) for start in range(0, resamples, step)]
    return np.concatenate(
        [
            statistic(
                np.concatenate([x[d[at]] for x, d in zip(samples, drawn, strict=True)], axis=1), 1
            )
            for at in blocks
        ]
    )


def tail(sizes: Sequence[int], level: float = 0.95) -> float:
    """Φ(−√(n / d) t), t the (1 + level)/2 quantile of t with d = n − S degrees of freedom.

    The probability to cut off at either end of a bootstrap distribution of S strata with n seeds
    in all. It is smaller than (1 − level)/2, because resamples spread too little by √(d/n) and a
    normal quantile takes their spread for known: with it an interval for a mean of few normal
    values is the t interval. The expanded percentile interval of Hesterberg 2015, section 5.3.

    >>> round(tail([10]), 4), round(tail([10_000]), 4)
    (0.0086, 0.025)
    """
    total = sum(sizes)
    freedom = total - len(sizes)
    if freedom < 1:
        return (1 - level) / 2
    t = special.stdtrit(freedom, (1 + level) / 2)
    return float(special.ndtr(-np.sqrt(total / freedom) * t))


def expanded(replicates: ArrayLike, sizes: Sequence[int], level: float = 0.95) -> tuple[Any, Any]:
    """Bounds of the expanded percentile interval from replicates along the first axis."""
    cut = tail(sizes, level)
    with np.errstate(invalid="ignore"):  # between infinite replicates, as ratios can be: NaN
        low, high = np.quantile(np.asarray(replicates), [cut, 1 - cut], axis=0)
    return low, high


def stratified_interval(
    strata: Sequence[ArrayLike],
    statistic: Statistic,
    *,
    seed: int,
    resamples: int = 2000,
    level: float = 0.95,
) -> tuple[Any, Any]:
    """Expanded percentile bootstrap over seeds within strata; NaN when none has two seeds.

    >>> low, high = stratified_interval([[1.0, 2.0, 3.0, 4.0]], mean, seed=0)
    >>> bool(low < 2.5 < high)
    True
    """
    samples = [np.asarray(stratum, dtype=np.float64) for stratum in strata]
    if all(len(sample) < 2 for sample in samples):
        nothing = np.full(np.shape(statistic(samples[0], 0)), np.nan)[()]
        return nothing, nothing
    replicates = resampled(samples, statistic, seed=seed, resamples=resamples)
    sizes = [len(sample) for sample in samples if len(sample) > 1]  # one seed does not vary
    return expanded(replicates, sizes, level)


def estimate(
    sample: ArrayLike, statistic: Statistic, *, seed: int, resamples: int, level: float
) -> Estimate:
    """The statistic of one stratum with its bootstrap interval."""
    values = np.asarray(sample, dtype=np.float64)
    low, high = stratified_interval(
        [values], statistic, seed=seed, resamples=resamples, level=level
    )
    return Estimate(float(statistic(values, 0)), float(low), float(high))


def wilson(successes: float, trials: int, level: float = 0.95) -> tuple[float, float]:
    """(p̂ + z²/2n ± z √(p̂(1 − p̂)/n + z²/4n²)) / (1 + z²/n).  Wilson 1927.

    >>> low, high = wilson(8, 10)
    >>> round(low, 3), round(high, 3)
    (0.49, 0.943)
    """
    if trials == 0:
        return float("nan"), float("nan")
    z = float(special.ndtri((1 + level) / 2))
    share, shrink = successes / trials, 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / shrink
    half = z * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2)) / shrink
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def area_under_curve(steps: ArrayLike, score: ArrayLike, budget: float) -> float:
    """(1 / (B − x₀)) ∫ score dx from the first point x₀ to B: a mean score, in units of the score.

    Piecewise linear between evaluation points, constant after the last one. One point: its score.

    >>> area_under_curve([0, 100], [0.0, 1.0], budget=100)
    0.5
    >>> area_under_curve([0, 100], [0.0, 1.0], budget=200)
    0.75
    """
    x, y = np.asarray(steps, dtype=np.float64), np.asarray(score, dtype=np.float64)
    if budget <= x[0]:
        return float(y[0])
    inside = x < budget
    ends = np.append(x[inside], budget)
    heights = np.append(y[inside], np.interp(budget, x, y))
    return float(np.trapezoid(heights, ends) / (budget - x[0]))


def held_at_the_end(score: ArrayLike, random: float, window: int = 3, lost: float = 0.1) -> bool:
    """Mean of the last w points ≥ best − lost · (best − random), best = largest mean of w in a row.

    A run that never gained on the random policy holds only if its end is its best. With fewer
    than w points the window is all of them.

    >>> held_at_the_end([0.0, 1.0, 1.0, 1.0], random=0.0)
    True
    >>> held_at_the_end([0.0, 1.0, 1.0, 1.0, 0.2], random=0.0)
    False
    """
    y = np.asarray(score, dtype=np.float64)
    means = np.convolve(y, np.ones(min(window, len(y))) / min(window, len(y)), mode="valid")
    gain = max(means.max() - random, 0.0) if np.isfinite(random) else 0.0
    rounding = 1e-12 * max(1.0, float(np.abs(y).max()))
    return bool(means[-1] >= means.max() - lost * gain - rounding)


def probability_of_improvement(scores: ArrayLike, baseline: ArrayLike) -> float:
    """P(X > Y) + ½ P(X = Y) over pairs that share a seed.  Agarwal et al. 2021, section 4.3.

    >>> probability_of_improvement([1.0, 2.0, 3.0], [0.0, 2.0, 4.0])
    0.5
    """
    x, y = np.asarray(scores, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    return float(np.mean((x > y) + 0.5 * (x == y)))
