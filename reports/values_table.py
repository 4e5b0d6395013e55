"""One value of a hyperparameter over all environments and all other settings.

Seeds are the sample: performance is averaged over environments and settings within a seed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from reports import formatting as fm
from reports import statistics as st
from reports.design import Environment, Space, Surface
from reports.marginals import axis
from reports.specification import Sensitivity
from reports.statistics import Array
from reports.tables import Row, Table, bounded, text, with_interval

ANY = "any"


def values_table(surfaces: Sequence[Surface], space: Space, spec: Sensitivity) -> Table:
    """A row per value, after one over all settings; the same for every condition crossed."""
    rows: list[Row] = [
        {"where": where, "algorithm": surface.algorithm} | row
        for where, places in _conditions(surfaces[0].environments)
        for surface in surfaces
        for row in _rows(surface, places, space, spec)
    ]
    return Table(
        "sensitivity-values",
        "Every value, all environments",
        "Mean performance over environments and all settings with that value (0 the random policy, "
        "1 the reference), and the share of (environment, setting) pairs whose mean over seeds is "
        f"below the random policy's; {fm.percent(spec.level)} bootstrap intervals over seeds of "
        "the mean.",
        rows,
        (
            text("where", "where"),
            text("algorithm", "algorithm"),
            text("value", "value"),
            with_interval("mean", "mean"),
            text("below random", "below"),
        ),
        group=("where", "algorithm"),
    )


def _conditions(environments: Sequence[Environment]) -> list[tuple[str, list[int]]]:
    """All environments, and those of every combination of further columns that is crossed."""
    everywhere = ("all environments", list(range(len(environments))))
    further = sorted({e.rest for e in environments})
    if len(further) < 2:
        return [everywhere]
    named = [(", ".join(f"{name} = {value}" for name, value in rest), rest) for rest in further]
    return [
        everywhere,
        *((name, [i for i, e in enumerate(environments) if e.rest == r]) for name, r in named),
    ]


def _rows(
    surface: Surface, places: Sequence[int], space: Space, spec: Sensitivity
) -> list[dict[str, Any]]:
    performance = surface.performance[list(places)]  # (E', H, n)
    rows = [_row(ANY, ANY, performance, spec)]
    for name in surface.names:
        along = axis(surface, name, spec)
        for level in range(len(along.low)):
            value = space.told(name, float(along.low[level]))
            if along.high[level] > along.low[level]:
                value += f" … {fm.number(float(along.high[level]))}"
            rows.append(_row(name, value, performance[:, along.place == level], spec))
    return rows


def _row(name: str, value: str, performance: Array, spec: Sensitivity) -> dict[str, Any]:
    below = float((performance.mean(axis=2) < 0).mean())
    found = st.estimate(performance.mean(axis=(0, 1)), st.mean, **spec.bootstrap)
    return (
        {"hyperparameter": name, "value": value}
        | bounded("mean", found)
        | {"share_below": below, "below": f"{100 * np.round(below, 3):g}{fm.THIN}%"}
    )
