"""A figure that its reader can point at: views of panels of lines, one legend per family.

Learning curves have more to choose and are an `explorer`; everything else on the page that is
interactive is a chart. Like it a chart stands before the static figure that is printed instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing.array_encoding import numbers, packed
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table.runs import Family

CLEAR = 12  # lines that a reader can tell apart
DASHES = dict(
    zip(fig.DASHES, ("solid", "7px,3px", "7px,2px,2px,2px", "2px,2px", "11px,3px"), strict=True)
)
MARKERS = {
    **{"o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down"},
    **{"P": "cross", "<": "triangle-left", "h": "hexagon", ">": "triangle-right"},
}


class Trace(NamedTuple):
    """One line of a panel."""

    curve: str
    x: Array
    y: Array
    low: Array | None = None
    high: Array | None = None
    told: tuple[str, ...] = ()  # what is said of each point when it is pointed at


class Guide(NamedTuple):
    """A grey line that belongs to no algorithm."""

    x: Array
    y: Array
    dash: str  # solid or dot


class Panel(NamedTuple):
    """One pair of axes."""

    title: str
    traces: tuple[Trace, ...]
    guides: tuple[Guide, ...] = ()


class View(NamedTuple):
    """Panels that are drawn at the same time."""

    key: str
    label: str
    x: str
    y: str
    panels: tuple[Panel, ...]
    kind: str = "curve"  # or steps, points
    doubling: bool = False  # the x axis is logarithmic, to the base 2
    span: tuple[float, float] | None = None  # of the y axis


@dataclass(frozen=True)
class Chart:
    """Views, ready for the page."""

    scope: str  # charts and curves of one scope hide and show the same lines
    anchor: str  # the section it stands in
    title: str
    lines: tuple[Mapping[str, Any], ...]  # label and look of every curve
    views: tuple[View, ...]
    note: str

    @property
    def data(self) -> str:
        """JSON for the page."""
        views = {view.key: self._view(view) for view in self.views}
        own = {"slug": self.scope, "anchor": self.anchor, "lines": self.lines}
        return packed(own | {"views": views})

    def _view(self, view: View) -> dict[str, Any]:
        places = [line["label"] for line in self.lines]
        return {
            **{"label": view.label, "x": view.x, "y": view.y, "kind": view.kind},
            **{"doubling": view.doubling, "span": view.span},
            "panels": [
                {
                    "title": panel.title,
                    "lines": [_trace(t) | {"line": places.index(t.curve)} for t in panel.traces],
                    "guides": [
                        {"x": numbers(g.x), "y": numbers(g.y), "dash": g.dash} for g in panel.guides
                    ],
                }
                for panel in view.panels
            ],
        }


def _trace(trace: Trace) -> dict[str, Any]:
    found: dict[str, Any] = {"x": numbers(trace.x), "y": numbers(trace.y)}
    if trace.low is not None and trace.high is not None:
        found |= {"low": numbers(trace.low), "high": numbers(trace.high)}
    return found | ({"told": list(trace.told)} if trace.told else {})


def drawn_lines(families: Sequence[Family], look: fig.Look) -> tuple[Mapping[str, Any], ...]:
    """Every curve of the families with its look in the words of Plotly.

    Those that the page does not show before its reader asks for them are `later`.
    """
    first = shown_first(families)
    return tuple(
        {"label": curve, "color": own["color"]}
        | {"dash": DASHES[own["linestyle"]], "marker": MARKERS[own["marker"]]}
        | ({} if curve in first else {"later": True})
        for curve, own in look.curves(*families).items()
    )


def shown_first(families: Sequence[Family]) -> set[str]:
    """All curves; of more than `CLEAR` the best of each algorithm.

    The best has the largest mean area under its curve, by its place among all curves of a family
    where there are several families.
    """
    algorithm = {one.curve: one.algorithm for family in families for one in family.series}
    if len(algorithm) <= CLEAR:
        return set(algorithm)
    places: dict[str, list[float]] = {curve: [] for curve in algorithm}
    for family in families:
        areas: dict[str, list[float]] = {}
        for run in family.runs:
            areas.setdefault(run.series.curve, []).append(family.area(run))
        means = {curve: np.nan_to_num(np.mean(own), nan=-np.inf) for curve, own in areas.items()}
        for place, curve in enumerate(sorted(means, key=lambda curve: means[curve])):
            places[curve].append(place / len(means))
    found: dict[str, str] = {}
    for curve in sorted(places, key=lambda curve: -float(np.mean(places[curve]))):
        found.setdefault(algorithm[curve], curve)
    return set(found.values())
