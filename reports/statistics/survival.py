"""Sample complexity: hitting times that may be censored. A censored run is never dropped.

T = ∞ stands for "never"; a run of budget B shows min(T, B) and whether T ≤ B.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fedrl.reports.statistics.estimates import Array


class Observed(NamedTuple):
    """The hitting times of n runs, as far as their budgets show them."""

    time: Array  # (n,) min(T, B), environment steps per agent
    hit: NDArray[np.bool_]  # (n,) T ≤ B

    @property
    def hits(self) -> int:
        return int(np.sum(self.hit))


def target(reference: float, random: float, epsilon: float) -> float:
    """τ_ε = J_ref − ε (J_ref − J_random).

    >>> target(reference=1.0, random=0.2, epsilon=0.25)
    0.8
    """
    return reference - epsilon * (reference - random)


def decades_below(initial: float, count: int) -> tuple[float, ...]:
    """The `count` largest powers of ten that are < `initial`, falling."""
    if not (np.isfinite(initial) and initial > 0):
        return ()
    top = int(np.ceil(np.log10(initial))) - 1
    return tuple(float(f"1e{top - i}") for i in range(count))


def half_decades_below(initial: float, count: int) -> tuple[float, ...]:
    """The values 1 and 3 times a power of ten < `initial`, falling, down to `decades_below`'s last.

    Two targets a decade: a fit of an exponent in ε has something to lean on where one or two
    decades are all that runs reach.
    """
    tens = decades_below(initial, count)
    both = {float(f"{factor}e{round(np.log10(ten))}") for ten in tens for factor in (1, 3)}
    return tuple(sorted((value for value in both if value < initial), reverse=True))


def hitting_index(
    score: ArrayLike, threshold: float, window: int = 3, diverged: bool = False
) -> int | None:
    """First i with score_j ≥ τ for all j = i … min(i + w, P) − 1, or None.

    At the end of a curve the window is what is left of it: a run that comes above τ at its last
    point has hit there. `confirmed` tells such hits from those that were seen w times. A diverged
    run delivers no policy, so it counts as never having hit even if it once did.
    """
    if diverged:
        return None
    above = np.asarray(score, dtype=np.float64) >= threshold  # NaN is below
    sustained = above.copy()
    for later in range(1, min(window, len(above))):
        sustained[:-later] &= above[later:]
    first = int(sustained.argmax())
    return first if sustained[first] else None


def confirmed(index: int | None, points: int, window: int = 3) -> bool:
    """True when a hit at `index` of a curve of `points` was followed for the whole window."""
    return index is not None and index + window <= points


def hitting_time(
    steps: ArrayLike, score: ArrayLike, threshold: float, window: int = 3, diverged: bool = False
) -> float:
    """T(τ) = steps at the sustained hit; ∞ when there is none, or when the run diverged.

    >>> steps, score = [0, 10, 20, 30, 40], [0.0, 0.9, 0.1, 0.9, 0.9]
    >>> hitting_time(steps, score, threshold=0.5, window=2)
    30.0
    >>> hitting_time(steps, score, threshold=0.95)
    inf
    """
    index = hitting_index(score, threshold, window, diverged)
    return float("inf") if index is None else float(np.asarray(steps, dtype=np.float64)[index])


def observed(times: ArrayLike, budgets: ArrayLike) -> Observed:
    """(min(T, B), T ≤ B) for every run; none is left out.

    >>> observed([5.0, float("inf")], [10.0, 10.0]).time.tolist()
    [5.0, 10.0]
    """
    t, b = np.asarray(times, dtype=np.float64), np.asarray(budgets, dtype=np.float64)
    return Observed(np.minimum(t, b), t <= b)


def kaplan_meier(seen: Observed) -> tuple[Array, Array]:
    """S(t) = Π_{t_i ≤ t} (1 − d_i / n_i) at the distinct hitting times.  Kaplan & Meier 1958.

    d_i runs hit at t_i, n_i were at risk (neither hit nor censored before t_i).

    >>> never = float("inf")
    >>> times, surviving = kaplan_meier(observed([5, 8, never, never], [10, 10, 10, 6]))
    >>> times.tolist(), surviving.tolist()
    ([5.0, 8.0], [0.75, 0.375])
    """
    times = np.unique(seen.time[seen.hit])
    at_risk = (seen.time[None, :] >= times[:, None]).sum(axis=1)
    hits = ((seen.time[None, :] == times[:, None]) & seen.hit[None, :]).sum(axis=1)
    return times, np.cumprod(1 - hits / at_risk)


def median_time(seen: Observed, budget: float = np.inf) -> float:
    """inf {t ≤ B : S(t) ≤ ½}, S of Kaplan–Meier; ∞ when there is none.

    B is the common budget. Beyond it few runs are at risk, and one late hit of the longest run
    would take S to 0.
    """
    times, surviving = kaplan_meier(seen)
    below = times[(surviving <= 0.5 + 1e-12) & (times <= budget)]
    return float(below[0]) if len(below) else float("inf")


def restricted(seen: Observed, budget: float) -> Array:
    """min(T, B) of every run, at a common budget B that no run was censored before.

    Its mean is the restricted mean survival time RMST(B) = ∫₀ᴮ S(t) dt.  Royston & Parmar 2013.

    >>> float(restricted(observed([5.0, float("inf")], [10.0, 10.0]), budget=10.0).mean())
    7.5
    """
    if np.any(~seen.hit & (seen.time < budget)):
        raise ValueError(f"a run was censored before the common budget {budget:g}; lower it")
    return np.minimum(seen.time, budget)


def expected_running_time(seen: Observed) -> float:
    """ERT = Σ min(T, B) / #hits; ∞ when nothing hit.  Hansen et al. 2009, COCO, eq. 1.

    >>> expected_running_time(observed([5.0, float("inf")], [10.0, 10.0]))
    15.0
    """
    return float(seen.time.sum() / seen.hits) if seen.hits else float("inf")
