"""Heights that show what learns: one collapse far below random does not flatten the rest."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table.runs import Run

SAID = (
    "What is further outside the range from random to reference than that range is wide is cut "
    "off, and marked by a triangle at the edge."
)


def span(runs: Sequence[Run], drawn: Iterable[Array]) -> tuple[float, float] | None:
    """Lower and upper end of the y axis where something is cut off; None where nothing is."""
    low = min((run.random for run in runs), default=np.nan)
    high = max((run.reference for run in runs), default=np.nan)
    values = np.concatenate([np.asarray(y, dtype=float).ravel() for y in drawn] or [np.empty(0)])
    values = values[np.isfinite(values)]
    if not high > low or not len(values):
        return None
    ends = 2 * low - high, 2 * high - low
    if values.min() >= ends[0] and values.max() <= ends[1]:
        return None
    shown = max(min(values.min(), low), ends[0]), min(max(values.max(), high), ends[1])
    room = 0.04 * (shown[1] - shown[0])
    return shown[0] - room, shown[1] + room


def mark_edges(
    axis: Any, ends: tuple[float, float], x: Array, low: Array, high: Array, colour: str
) -> None:
    """A triangle where a line or its band leaves the axis."""
    for outside, edge, marker in ((low < ends[0], ends[0], "v"), (high > ends[1], ends[1], "^")):
        if outside.any():
            at = x[int(np.argmax(outside))]
            look = {"color": colour, "markersize": 6, "clip_on": False, "linestyle": ""}
            axis.plot([at], [edge], marker=marker, **look, zorder=6)
