"""One value of a hyperparameter, or two, over many environments and all other settings.

Seeds are the sample: performance is averaged over environments and settings within a seed.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reports import formatting as fm
from reports import statistics as st
from reports.design import Environment, Space, Surface
from reports.marginals import Axis, axis
from reports.specification import Sensitivity
from reports.statistics import Array
from reports.tables import Data, Row, Table, bounded, numeric, text, with_interval

ANY = "any"


class Where(NamedTuple):
    """Some of the environments."""

    name: str
    places: list[int]  # among the environments of a surface


def values_table(surfaces: Sequence[Surface], space: Space, spec: Sensitivity) -> Table:
    """A row per value, after one over all settings; the same for every condition crossed."""
    return Table(
        "sensitivity-values",
        "Every value, all environments",
        "Performance over environments and all settings with that value (0 the random policy, 1 "
        "the reference): its mean; the mean over environments of the best setting with that value, "
        "chosen on the seeds that score it, so a little too good; and the share of (environment, "
        f"setting) pairs whose mean over seeds is below the random policy's. {_intervals(spec)}",
        list(_value_rows(surfaces, _conditions(surfaces[0].environments), space, spec)),
        (
            text("where", "where"),
            text("algorithm", "algorithm"),
            text("value", "value"),
            with_interval("mean", "mean"),
            numeric("best", "best"),
            text("below random", "below"),
        ),
        group=("where", "algorithm"),
    )


def values_by_environment(
    surfaces: Sequence[Surface], space: Space, spec: Sensitivity
) -> Data | None:
    """The same rows for every family, and for every N and every κ of a family."""
    places = _by_environment(surfaces[0].environments)
    if not places:
        return None
    return Data(
        "sensitivity-values-by-environment",
        "Every value, by family, number of agents and heterogeneity",
        "The columns of the table above; over κ for one N, and over N for one κ.",
        list(_value_rows(surfaces, places, space, spec)),
    )


def pairs_data(surfaces: Sequence[Surface], space: Space, spec: Sensitivity) -> Data:
    """Two hyperparameters at a time."""
    rows: list[Row] = []
    for where, places in _conditions(surfaces[0].environments):
        for surface in surfaces:
            performance = surface.performance[places]
            axes = [axis(surface, name, spec) for name in surface.names]
            for first, second in combinations(axes, 2):
                for i, one in enumerate(_levels(first, space)):
                    for j, other in enumerate(_levels(second, space)):
                        inside = (first.place == i) & (second.place == j)
                        if inside.any():
                            found = _row(performance, inside, spec)
                            named = {"where": where, "algorithm": surface.algorithm}
                            rows.append(named | {"value": one, "and": other} | found)
    return Data(
        "sensitivity-pairs",
        "Every two values",
        "The columns of the first table for settings that have both values.",
        rows,
    )


def _conditions(environments: Sequence[Environment]) -> list[Where]:
    """All environments, and those of every combination of further columns that is crossed."""
    everywhere = Where("all environments", list(range(len(environments))))
    further = sorted({e.rest for e in environments})
    if len(further) < 2:
        return [everywhere]
    named = [(", ".join(f"{name} = {value}" for name, value in rest), rest) for rest in further]
    return [
        everywhere,
        *(
            Where(name, [i for i, e in enumerate(environments) if e.rest == rest])
            for name, rest in named
        ),
    ]


def _by_environment(environments: Sequence[Environment]) -> list[Where]:
    """Families where there are several, then each family's N and κ where they vary."""
    families = sorted({e.family for e in environments})
    found = []
    for family in families:
        own = [i for i, e in enumerate(environments) if e.family == family]
        if len(families) > 1:
            found.append(Where(family, own))
        for sign, field in (("N", "agents"), ("κ", "kappa")):
            levels = sorted({getattr(environments[i], field) for i in own})
            if len(levels) > 1:
                found += [
                    Where(
                        f"{family}, {sign} = {fm.number(level)}",
                        [i for i in own if getattr(environments[i], field) == level],
                    )
                    for level in levels
                ]
    return found


def _value_rows(
    surfaces: Sequence[Surface], places: Sequence[Where], space: Space, spec: Sensitivity
) -> Iterator[Row]:
    for where, kept in places:
        for surface in surfaces:
            performance = surface.performance[kept]  # (E', H, n)
            named = {"where": where, "algorithm": surface.algorithm}
            every = np.ones(len(surface.settings), dtype=bool)
            anything = {"hyperparameter": ANY, "value": ANY}
            yield named | anything | _row(performance, every, spec)
            for name in surface.names:
                along = axis(surface, name, spec)
                for level, value in enumerate(_levels(along, space)):
                    told = {"hyperparameter": name, "value": value}
                    yield named | told | _row(performance, along.place == level, spec)


def _levels(along: Axis, space: Space) -> list[str]:
    """The values of an axis in words; a bin by its ends."""
    return [
        space.told(along.name, float(low)) + (f" … {fm.number(float(high))}" if high > low else "")
        for low, high in zip(along.low, along.high, strict=True)
    ]


def _row(performance: Array, inside: NDArray[np.bool_], spec: Sensitivity) -> dict[str, Any]:
    """Of the settings inside, (E', H, n)."""
    here = performance[:, inside]
    means = here.mean(axis=2)
    below = float((means < 0).mean())
    found = st.estimate(here.mean(axis=(0, 1)), st.mean, **spec.bootstrap)
    return (
        bounded("mean", found)
        | {"best": float(means.max(axis=1).mean())}
        | {"share_below": below, "below": f"{100 * np.round(below, 3):g}{fm.THIN}%"}
    )


def _intervals(spec: Sensitivity) -> str:
    return f"{fm.percent(spec.level)} bootstrap intervals over seeds of the mean."
