"""The average of runs over training with its band, the same numbers on paper and on the page."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table.measures import Measure, along
from fedrl.reports.table.runs import Family, Run, on_grid
from fedrl.reports.table.specification import Specification


class Average(NamedTuple):
    """Interquartile mean over seeds along one axis, (G,) each; one run has no band."""

    x: Array
    y: Array
    low: Array | None
    high: Array | None


def average(
    family: Family,
    runs: Sequence[Run],
    measure: Measure,
    axis: str,
    spec: Specification,
    points: int,
) -> Average | None:
    """None without a value. The band is a bootstrap interval for scores, the range for the rest.

    A line of more than `points` points is thinned to that many.
    """
    curves = [curve for curve in (along(family, r, measure, axis) for r in runs) if len(curve[0])]
    if not curves:
        return None
    grid, values = on_grid(curves, points)
    middle = measure.back(st.interquartile_mean(values))
    if len(curves) == 1:
        return Average(grid, middle, None, None)
    if measure.resampled:
        low, high = _band(values.tobytes(), values.shape, spec)
    else:
        low, high = values.min(axis=0), values.max(axis=0)
    return Average(grid, middle, measure.back(low), measure.back(high))


@lru_cache(maxsize=1024)
def _band(values: bytes, shape: tuple[int, ...], spec: Specification) -> tuple[Array, Array]:
    """Axes that are multiples of each other give equal values, which are resampled once."""
    sample = np.frombuffer(values).reshape(shape)
    return st.stratified_interval([sample], st.interquartile_mean, **spec.bootstrap)
