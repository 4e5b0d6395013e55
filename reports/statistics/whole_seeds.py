"""Intervals of what several settings give together: seeds are redrawn whole.

A seed's streams are named by its index alone: it draws the same environment, start and noise at
every κ and N, and its generators start alike in every family. Its runs therefore move together,
and redrawing them setting by setting takes correlated runs for independent ones: intervals come
out too short. Here a redrawn seed brings all of its runs along. Where settings happen to be
independent this is valid too, only a little wider.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics.estimates import Array, Estimate, Statistic


def clusters(seeds: Sequence[Sequence[int]]) -> list[NDArray[np.intp]]:
    """Seeds that entered the same strata, as (g, k) places of their k runs in the pooled sample.

    `seeds` names those of every stratum, in the order of its runs. Redrawing inside one such group
    keeps the size of every stratum.
    """
    places: dict[int, list[tuple[int, int]]] = {}
    start = 0
    for stratum, names in enumerate(seeds):
        for place, name in enumerate(names, start):
            places.setdefault(name, []).append((stratum, place))
        start += len(names)
    groups: dict[tuple[int, ...], list[list[int]]] = {}
    for _, own in sorted(places.items()):
        entered = tuple(stratum for stratum, _ in own)
        groups.setdefault(entered, []).append([place for _, place in own])
    return [np.array(rows, dtype=np.intp) for rows in groups.values()]


def interval(
    seeds: Sequence[Sequence[int]],
    strata: Sequence[ArrayLike],
    statistic: Statistic,
    *,
    seed: int,
    resamples: int = 2000,
    level: float = 0.95,
) -> tuple[Any, Any]:
    """Expanded percentile bootstrap of a statistic of the pooled runs; NaN without two seeds alike.

    Strata have shapes (n_s, …). A cluster bootstrap, Davison & Hinkley 1997, section 3.8; widened
    by the number of seeds as `estimates.tail` says.
    """
    pooled = np.concatenate([np.asarray(stratum, dtype=np.float64) for stratum in strata])
    groups = clusters(seeds)
    sizes = [len(group) for group in groups if len(group) > 1]  # one seed does not vary
    if not sizes:
        nothing = np.full(np.shape(statistic(pooled, 0)), np.nan)[()]
        return nothing, nothing
    generator = np.random.default_rng(seed)
    drawn = [
        group[generator.integers(0, len(group), size=(resamples, len(group)))] for group in groups
    ]
    places = np.concatenate([d.reshape(resamples, -1) for d in drawn], axis=1)
    return st.expanded(statistic(pooled[places], 1), sizes, level)


def mean_interval(
    seeds: Sequence[Sequence[int]], strata: Sequence[ArrayLike], **options: Any
) -> tuple[Any, Any]:
    """`interval` of the mean. It needs only the sum of every seed: whole curves can be redrawn."""
    pooled = np.concatenate([np.asarray(stratum, dtype=np.float64) for stratum in strata])
    groups = clusters(seeds)
    share = sum(map(len, groups)) / len(pooled)  # so that the mean of the sums is that of the runs
    return st.stratified_interval(
        [share * pooled[group].sum(axis=1) for group in groups], st.mean, **options
    )


def interquartile(
    seeds: Sequence[Sequence[int]], strata: Sequence[ArrayLike], **options: Any
) -> Estimate:
    """Interquartile mean of the pooled runs and its interval."""
    low, high = interval(seeds, strata, st.interquartile_mean, **options)
    value = st.interquartile_mean(np.concatenate(strata))
    return Estimate(float(value), float(low), float(high))


def mean(seeds: Sequence[Sequence[int]], strata: Sequence[ArrayLike], **options: Any) -> Estimate:
    """Mean of the pooled runs and its interval; NaN without runs."""
    if not strata:
        return st.UNKNOWN
    low, high = mean_interval(seeds, strata, **options)
    return Estimate(float(np.mean(np.concatenate(strata))), float(low), float(high))


def difference(seeds: Sequence[Sequence[int]], pairs: Sequence[Array], **options: Any) -> Estimate:
    """IQM(x) − IQM(y) of pairs (n_s, 2) that share a seed and a setting, and its interval."""

    def apart(sample: Array, axis: int) -> Any:
        middles = st.interquartile_mean(sample, axis)
        return middles[..., 0] - middles[..., 1]

    low, high = interval(seeds, pairs, apart, **options)
    return Estimate(float(apart(np.concatenate(pairs), 0)), float(low), float(high))
