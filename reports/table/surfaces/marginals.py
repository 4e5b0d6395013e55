"""One or two hyperparameters at a time: the best over the others, the mean over the others."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.surfaces.design import Surface


class Axis(NamedTuple):
    """The values of one hyperparameter, or bins of them where there are many."""

    name: str
    low: Array  # (L,) smallest value in each
    high: Array  # (L,) largest
    centre: Array  # (L,) where it is drawn
    place: NDArray[np.intp]  # (H,) which one a setting belongs to

    @property
    def binned(self) -> bool:
        return bool((self.high > self.low).any())


class Response(NamedTuple):
    """Performance along one axis in one environment, (L,) each."""

    best: list[st.Estimate]  # of the best setting at that value
    mean: list[st.Estimate]  # over the settings at that value
    diverged: Array  # share of the runs at that value


def axis(surface: Surface, name: str, spec: Sensitivity) -> Axis:
    """Every value, or bins of equally many settings."""
    values = surface.values(name)
    levels = np.unique(values)
    if len(levels) <= spec.most_levels:
        place = np.searchsorted(levels, values)
        return Axis(name, levels, levels, levels, place)
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    # Equal values fall into one bin: that of the first
    first = np.array([ranks[values == v].min() for v in values])
    raw = first * spec.bins // len(values)
    _, place = np.unique(raw, return_inverse=True)
    bins = [values[place == b] for b in range(int(place.max()) + 1)]
    low, high, centre = (np.array([of(b) for b in bins]) for of in (np.min, np.max, np.median))
    return Axis(name, low, high, centre, place)


def best_over_rest(surface: Surface, along: Axis) -> Array:
    """(E, L): max over the settings with that value of the mean over seeds."""
    means = surface.means
    levels = range(len(along.low))
    return np.stack([means[:, along.place == level].max(axis=1) for level in levels], axis=1)


def response(surface: Surface, environment: int, along: Axis, spec: Sensitivity) -> Response:
    """With intervals over seeds; the best setting is chosen once, on all of them."""
    performance = surface.performance[environment]
    best, mean, lost = [], [], []
    for level in range(len(along.low)):
        here = performance[along.place == level]  # (settings, n)
        top = here[int(np.argmax(here.mean(axis=1)))]
        best.append(_over_seeds(top, spec))
        mean.append(_over_seeds(here.mean(axis=0), spec))
        lost.append(float(surface.diverged[environment][along.place == level].mean()))
    return Response(best, mean, np.array(lost))


def _over_seeds(values: Array, spec: Sensitivity) -> st.Estimate:
    return st.estimate(values, st.mean, **spec.bootstrap)


def crossed(surface: Surface, environment: int, x: Axis, y: Axis) -> tuple[Array, Array]:
    """(Ly, Lx): the best over the rest, and the share of diverged runs; NaN where no setting is."""
    means, lost = surface.means[environment], surface.diverged[environment].mean(axis=1)
    shape = (len(y.low), len(x.low))
    value, share = np.full(shape, np.nan), np.full(shape, np.nan)
    for i, j in np.ndindex(shape):
        inside = (y.place == i) & (x.place == j)
        if inside.any():
            value[i, j], share[i, j] = means[inside].max(), lost[inside].mean()
    return value, share


def kept_share(surface: Surface, along: Axis) -> Array:
    """(E', L): best over the rest, as a share of the best anywhere.

    Only environments where something is better than the random policy: of nothing no share is
    meant.
    """
    best = best_over_rest(surface, along)
    top = best.max(axis=1)
    return np.asarray(best[top > 0] / top[top > 0, None])
