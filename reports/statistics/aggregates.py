"""Scores and hitting times over several environments: one number or curve per algorithm.

Scores are (n, E), seeds × environments, normalised so that 0 is random and 1 the reference.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from fedrl.reports.statistics.estimates import Array


def shortfall(scores: ArrayLike, goal: float = 1.0) -> Array:
    """max(γ − x, 0) of every run: by how much it misses the goal γ; beyond it nothing is gained."""
    return np.maximum(goal - np.asarray(scores, dtype=np.float64), 0.0)


def optimality_gap(scores: ArrayLike, goal: float = 1.0) -> float:
    """Mean of max(γ − x, 0).  Agarwal et al. 2021, section 4.3.

    >>> optimality_gap([0.5, 1.0, 1.5])
    0.16666666666666666
    """
    return float(np.mean(shortfall(scores, goal)))


def performance_profile(scores: ArrayLike, thresholds: ArrayLike) -> Array:
    """(τ,) share of (seed, environment) with x > τ.  Agarwal et al. 2021, section 4.2.

    >>> performance_profile([[0.2], [0.8]], [0.0, 0.5, 1.0]).tolist()
    [1.0, 0.5, 0.0]
    """
    x = np.asarray(scores, dtype=np.float64).ravel()
    return np.asarray(np.mean(x[None, :] > np.asarray(thresholds)[:, None], axis=1))


def solved(times: ArrayLike, reference: ArrayLike, multiples: ArrayLike) -> NDArray[np.bool_]:
    """(m, …) whether T ≤ m T_ref; T = ∞ is never solved.

    T_ref is broadcast against T, say the best median over algorithms per (environment, ε). Where
    it is ∞ no algorithm is told from another, and that problem counts as unsolved.
    """
    t = np.asarray(times, dtype=np.float64)
    r = np.broadcast_to(np.asarray(reference, dtype=np.float64), t.shape)
    m = np.asarray(multiples, dtype=np.float64).reshape(-1, *([1] * t.ndim))
    with np.errstate(invalid="ignore"):  # 0 · ∞
        return np.asarray(np.isfinite(t) & np.isfinite(r) & (t <= m * r))


def ranks(scores: ArrayLike) -> Array:
    """(A, problems) rank of each algorithm in each problem, 1 the best, ties their average.

    `scores` are (A, problems), larger is better; for times pass −T, where two −∞ are a tie.
    """
    x = -np.asarray(scores, dtype=np.float64)
    return np.asarray(stats.rankdata(x, axis=0, method="average"))
