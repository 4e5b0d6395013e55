"""One value of a hyperparameter, or two, over many environments and all other settings.

Seeds are the sample: performance is averaged over environments and settings within a seed.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.surfaces.design import Environment, Space, Surface, amount
from fedrl.reports.table.surfaces.marginals import Axis, axis
from fedrl.reports.table.tables import Data, Row, Table, bounded, text, with_interval

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
        "Mean performance over environments and all settings with that value, 0 the random policy, "
        f"1 the reference; {fm.percent(spec.level)} bootstrap intervals over seeds. A × is a "
        "multiple of the family's value, for λ of plain averaging, ηK.",
        list(_wide_rows(surfaces, space, spec)),
        (
            text("value", "value"),
            *(with_interval(s.printed, s.algorithm, 2) for s in surfaces),
            text("where", "where"),
        ),
        group=("where", "hyperparameter"),
    )


def values_data(surfaces: Sequence[Surface], space: Space, spec: Sensitivity) -> Data:
    """A row per value and algorithm, also for every family, and every N and every κ of one."""
    environments = surfaces[0].environments
    places = [*_conditions(environments), *_by_environment(environments)]
    return Data(
        "sensitivity-values-long",
        "More of every value",
        "Also for every family, number of agents and κ. Mean: as above. Best: the mean over "
        "environments of the best setting with that value, chosen on the seeds that score it, so a "
        "little too good. Below: the share of (environment, setting) pairs whose mean over seeds "
        "is below the random policy's.",
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
                levels = (enumerate(_levels(along, space)) for along in (first, second))
                for (i, one), (j, other) in product(*levels):
                    inside = (first.place == i) & (second.place == j)
                    if inside.any():
                        found = _row(performance, inside, spec)
                        named = {"where": where, "algorithm": surface.algorithm}
                        rows.append(named | {"value": one, "and": other} | found)
    return Data(
        "sensitivity-pairs",
        "Every two values",
        "The columns of the data above, for settings that have both values.",
        rows,
    )


def _conditions(environments: Sequence[Environment]) -> list[Where]:
    """All environments, and those of every combination of further columns that is crossed.

    Only what has one unit is averaged: with several families, normalised performance.
    """
    families = {e.family for e in environments}
    normalised = [i for i, e in enumerate(environments) if e.normalised]
    one_unit = len(normalised) in (0, len(environments)) and (normalised or len(families) == 1)
    kept = list(range(len(environments))) if one_unit else normalised
    name = "all environments" if one_unit else "all environments with a reference"
    further = dict(sorted((environments[i].rest, environments[i].further) for i in kept))
    found = [Where(name, kept)] if kept else []
    if len(further) > 1:
        found += [
            Where(told.removeprefix(", "), [i for i in kept if environments[i].rest == rest])
            for rest, told in further.items()
        ]
    return found


def _by_environment(environments: Sequence[Environment]) -> list[Where]:
    """Families where there are several, then each family's N and κ where they vary."""
    families = sorted({e.family for e in environments})
    found = []
    for family in families:
        own = [i for i, e in enumerate(environments) if e.family == family]
        if len({environments[i].normalised for i in own}) > 1:
            own = [i for i in own if environments[i].normalised]
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


def _wide_rows(
    surfaces: Sequence[Surface], space: Space, spec: Sensitivity
) -> Iterator[dict[str, Any]]:
    """The means of all algorithms side by side; NaN where one lacks the hyperparameter."""
    rows: dict[tuple[str, str, str], dict[str, st.Estimate]] = {}
    for row in _value_rows(surfaces, _conditions(surfaces[0].environments), space, spec):
        key = (row["where"], row["hyperparameter"], row["value"])
        mean = st.Estimate(row["mean"], row["mean_low"], row["mean_high"])
        rows.setdefault(key, {})[row["algorithm"]] = mean
    # conditions as they come, hyperparameters as they first come, values as they come
    wheres = list(dict.fromkeys(where for where, _, _ in rows))
    names = [ANY, *dict.fromkeys(name for s in surfaces for name in s.names)]
    for key in sorted(rows, key=lambda key: (wheres.index(key[0]), names.index(key[1]))):
        where, name, value = key
        means: dict[str, Any] = {}
        for algorithm in (surface.algorithm for surface in surfaces):
            means |= bounded(algorithm, rows[key].get(algorithm, st.UNKNOWN))
        yield {"value": value, "hyperparameter": name} | means | {"where": where}


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
    """The values of an axis in short; a bin by its ends."""
    return [
        space.setting((along.name,), np.array([low]))
        + (f" … {amount(float(high))}" if high > low else "")
        for low, high in zip(along.low, along.high, strict=True)
    ]


def _row(performance: Array, inside: NDArray[np.bool_], spec: Sensitivity) -> dict[str, Any]:
    """Write the row of the settings inside, from performance (E', H, n)."""
    here = performance[:, inside]
    means = here.mean(axis=2)
    return (
        bounded("mean", st.estimate(here.mean(axis=(0, 1)), st.mean, **spec.bootstrap))
        | {"best": float(means.max(axis=1).mean())}
        | {"below": float((means < 0).mean())}
    )
