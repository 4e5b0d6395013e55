"""Differences between parts of a design, each at its own best setting, within seeds.

Every environment's setting is chosen on one half of the seeds and scored on the other, for both
sides on the same halves: neither side is scored on what it was chosen by.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedrl.benchmark.claims.estimands import fairness
from fedrl.benchmark.claims.estimands.intervals import over_seeds
from fedrl.benchmark.claims.evidence import Evidence, NothingToMeasureError
from fedrl.benchmark.claims.verdict import Measured
from fedrl.reports.statistics import cross_fitting
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table.surfaces.design import Environment, Surface

AXES = ("step_size", "beta")  # whose best value may lie beyond the grid; K, B have natural ends
ASSUMES = (
    "seeds are independent draws; a seed counts once, with the mean over its environments",
    "every seed is scored at the setting that the other half of the seeds chose, both sides alike",
)


@dataclass(frozen=True, eq=False)
class Side:
    """One part of a design: an algorithm at some values of some hyperparameters."""

    name: str
    surface: Surface
    kept: NDArray[np.intp]  # its settings
    fixed: tuple[str, ...]

    def performance(self, environment: int) -> Array:
        """(h, n) of its settings."""
        return self.surface.performance[environment][self.kept]

    def chosen(self, environment: int) -> tuple[Array, NDArray[np.intp]]:
        """(n,) performance at the setting that the other half chose, and that setting."""
        values = self.performance(environment)
        place = best_of_other_half(values)
        return values[place, np.arange(values.shape[1])], self.kept[place]


def best_of_other_half(values: Array) -> NDArray[np.intp]:
    """(n,) the setting with the largest mean over the seeds of the half a seed is not in."""
    place = np.empty(values.shape[1], dtype=np.intp)
    one, two = cross_fitting.halves(values.shape[1])
    for choosing, scoring in ((one, two), (two, one)):
        place[scoring] = int(np.argmax(values[:, choosing].mean(axis=1)))
    return place


def tuned_difference(evidence: Evidence, options: dict[str, Any], level: float) -> Measured:
    """Performance of one side minus the other's, each at its best setting per environment."""
    ours, theirs = _sides(evidence, options)
    places = _environments(ours.surface, options)
    rows: list[Array] = []
    chosen: tuple[list[int], list[int]] = ([], [])
    for place in places:
        found = [side.chosen(place) for side in (ours, theirs)]
        rows.append(found[0][0] - found[1][0])
        for kept, (_, settings) in zip(chosen, found, strict=True):
            kept.extend(settings)
    whole = np.mean(rows, axis=0)
    against = _edges(theirs, chosen[1]), _edges(ours, chosen[0])
    missing = _unscaled([ours.surface.environments[place] for place in places])
    found_ = over_seeds(whole, level, max(len(whole) // 2, 1))
    return Measured(found_, len(whole), against[0], against[1], missing, ASSUMES)


def collapse_difference(evidence: Evidence, options: dict[str, Any], level: float) -> Measured:
    """Share of settings below the random policy, one side minus the other.

    With `contrast = "kappa"` it is that difference at the largest κ minus that at the smallest.
    """
    ours, theirs = _sides(evidence, options)
    environments = ours.surface.environments
    places = _environments(ours.surface, options)
    kappas = [environments[place].kappa for place in places]
    ends = (min(kappas), max(kappas))
    rows = []
    for place, kappa in zip(places, kappas, strict=True):
        worse = [(side.performance(place) < 0).mean(axis=0) for side in (ours, theirs)]
        sign = 1 if options.get("contrast") != "kappa" else (kappa == ends[1]) - (kappa == ends[0])
        rows.append(sign * (worse[0] - worse[1]))
    scale = 2 if options.get("contrast") == "kappa" else 1  # half of the environments at each end
    whole = scale * np.mean(rows, axis=0)
    return Measured(over_seeds(whole, level), len(whole), assumes=ASSUMES[:1])


def _sides(evidence: Evidence, options: Mapping[str, Any]) -> tuple[Side, Side]:
    one, other = (_side(evidence, options[name]) for name in ("ours", "theirs"))
    if one.surface.environments != other.surface.environments:
        raise NothingToMeasureError("the two sides were not run in the same environments")
    return one, other


def _side(evidence: Evidence, told: Mapping[str, Any]) -> Side:
    """{algorithm = "fedsvrpg-m", beta = [0.1, 0.3]}: the settings with one of these values."""
    wanted = dict(told)
    name = str(wanted.pop("algorithm"))
    surfaces = {s.algorithm: s for s in evidence.designed.surfaces}
    if name not in surfaces:
        raise NothingToMeasureError(f"study {evidence.study} has no {name}")
    surface = surfaces[name]
    keep = np.ones(len(surface.settings), dtype=bool)
    for axis, values in wanted.items():
        if axis not in surface.names:
            raise NothingToMeasureError(f"study {evidence.study} does not vary {axis} of {name}")
        keep &= np.isin(surface.values(axis), np.asarray(values, dtype=np.float64))
    if not keep.any():
        raise NothingToMeasureError(f"study {evidence.study} tried none of these values of {name}")
    return Side(name, surface, np.flatnonzero(keep), tuple(wanted))


def _environments(surface: Surface, options: Mapping[str, Any]) -> list[int]:
    """All, or those of a family or κ."""
    found = [
        place
        for place, e in enumerate(surface.environments)
        if options.get("family") in (None, e.family) and options.get("kappa") in (None, e.kappa)
    ]
    if not found:
        raise NothingToMeasureError(f"the study has no {options.get('family')}")
    return found


def _edges(side: Side, chosen: list[int]) -> tuple[str, ...]:
    """η and β that the side was free to choose and mostly chose at an end of what was tried."""
    axes = [a for a in AXES if a in side.surface.names and a not in side.fixed]
    picked = {a: side.surface.values(a)[chosen] for a in axes}
    return fairness.at_an_edge(side.name, picked, {a: side.surface.values(a) for a in axes})


def _unscaled(environments: list[Environment]) -> str:
    away = sorted({e.family for e in environments if not e.normalised})
    return f"{', '.join(away)} has no reference from outside the study" if away else ""
