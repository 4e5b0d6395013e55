"""Intervals when observations come in clusters: a seed gives a time for every N and every ε.

Times of one seed share its environment draw, start and noise, and one run gives all of its ε: the
likelihood counts them as independent, and its plain profile intervals cover anything from 70 to
100 %. The likelihood ratio is therefore rescaled so that its curvature agrees with the spread over
seeds (Rotnitzky & Jewell 1990; Chandler & Bate 2007), measured by the delete-one-seed jackknife,
and compared with t² of G − 1 degrees of freedom instead of χ²₁.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fedrl.reports.statistics import censored_normal as cn
from fedrl.reports.statistics.estimates import Array


def without_each(sample: cn.Sample, cluster: NDArray[Any]) -> list[cn.Sample]:
    """The sample with one cluster's weight set to 0, for every cluster in turn."""
    return [
        sample._replace(weight=np.where(cluster == one, 0.0, sample.weight))
        for one in np.unique(cluster)
    ]


def identified(sample: cn.Sample) -> bool:
    """A maximum exists: the hits that count have rows of full rank and residuals that are not 0."""
    rows = sample.design[sample.hit & (sample.weight > 0)]
    y = sample.y[sample.hit & (sample.weight > 0)]
    columns = sample.design.shape[1]
    if len(rows) <= columns or np.linalg.matrix_rank(rows) < columns:
        return False
    residual = y - rows @ np.linalg.lstsq(rows, y, rcond=None)[0]
    return bool(np.abs(residual).max() > 1e-9 * max(1.0, np.abs(y).max()))


def jackknife_variance(sample: cn.Sample, fit: cn.Fit, cluster: NDArray[Any]) -> Array:
    """(…, p) (G − 1)/G Σ_g (β̂₋g − β̄)², β̂₋g without cluster g.  Efron & Stein 1981."""
    left = np.stack([cn.maximise(s, fit).beta for s in without_each(sample, cluster)])
    return np.asarray((len(left) - 1) / len(left) * np.sum((left - left.mean(axis=0)) ** 2, axis=0))


def scale(sample: cn.Sample, fit: cn.Fit, cluster: NDArray[Any]) -> Array:
    """(…, p) V_jackknife / V_information: how much more β̂ varies than independent times would.

    Every delete-one fit has to be identified.
    """
    return jackknife_variance(sample, fit, cluster) / cn.variance(sample, fit)


def interval(
    sample: cn.Sample,
    fit: cn.Fit,
    column: int,
    cluster: NDArray[Any],
    level: float = 0.95,
    freedom: int | None = None,
    scales: Array | None = None,
) -> tuple[Array, Array]:
    """{b : 2 (ℓ̂ − ℓ_p(b)) ≤ (V_jackknife / V_information) t²_f}, for any number of samples.

    f = G − 1 if no other `freedom` is given. `scales` is `scale` of these, where it is known.
    """
    groups = len(np.unique(cluster))
    factor = (scale(sample, fit, cluster) if scales is None else scales)[..., column]
    quantile = stats.t.ppf((1 + level) / 2, groups - 1 if freedom is None else freedom) ** 2
    # exactly no spread over seeds leaves a point, which a root finder cannot bracket
    return cn.profile_interval(sample, fit, column, np.maximum(factor * quantile, 1e-12))
