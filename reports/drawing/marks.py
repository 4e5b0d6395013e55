"""Marks that several figures share: bands, points, bars with intervals, references, heat maps."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing.averages import Average
from fedrl.reports.drawing.charts import Panel, Trace, View
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table.runs import Run

REFERENCE: dict[str, Any] = {"color": fig.SURROUND, "linewidth": 1}
RANDOM = REFERENCE | {"linestyle": (0, (2, 2))}
DIVERGED = {"marker": "X", "markersize": 8, "markeredgecolor": "black", "markeredgewidth": 0.8}
GUIDES = {"solid": REFERENCE | {"linestyle": "-"}, "dot": RANDOM}
CHARACTER, LINE = 0.058, 0.125  # inches that a name beside a row takes
COLOURS = "viridis"  # of a heat map: ordered by lightness, also for the colour-blind


def average(axis: Any, found: Average | Trace, look: Mapping[str, Any], **style: Any) -> None:
    """A line above its band, which is pale and below all lines."""
    if found.low is not None and found.high is not None:
        pale = {"color": look["color"], "alpha": 0.16, "linewidth": 0, "zorder": 1.5}
        axis.fill_between(found.x, found.low, found.high, **pale)
    axis.plot(found.x, found.y, **look, **style)


def ends(draw: Callable[..., Any], runs: Sequence[Run]) -> None:
    """Mean reference and random policy of runs, drawn by `Axes.axhline` or `Axes.axvline`."""
    for name, style in (("reference", REFERENCE), ("random", RANDOM)):
        if runs:
            draw(float(np.mean([getattr(run, name) for run in runs])), **style, zorder=1)


def points(axis: Any, x: Array, y: Array, low: Array, high: Array, **style: Any) -> None:
    """Points with their intervals, none where a bound is NaN."""
    usual = {"elinewidth": 0.9, "markeredgecolor": "white", "markeredgewidth": 0.4}
    axis.errorbar(x, y, arms(y, low, high), **usual | style)


def arms(y: Array, low: Array, high: Array) -> Array:
    """(2, …) lengths below and above points, 0 where there is no interval."""
    return np.nan_to_num(np.maximum([y - low, high - y], 0))


def bar(axis: Any, low: float, high: float, height: float, colour: str) -> None:
    """An interval on a line of its own."""
    ends, at = [low, high], [height, height]
    axis.plot(ends, at, color=colour, linewidth=5, alpha=0.3, solid_capstyle="butt")


def name_rows(axis: Any, names: Sequence[str]) -> None:
    """A row per name, the first at the top; long names have several lines and a larger figure."""
    figure, share = axis.figure, 0.45  # of the width, for names at most
    width, height = figure.get_size_inches()
    if fig.is_free() and max(map(len, names)) * CHARACTER > share * width:
        width = max(width, fig.PAGE)
    broken = [textwrap.fill(name, int(share * width / CHARACTER)) for name in names]
    lines = 1 + max(name.count("\n") for name in broken)
    grid = axis.get_gridspec().nrows * (len(names) * (lines * LINE + 0.05) + 0.4)
    figure.set_size_inches(width, max(height, grid + 0.55))
    axis.set_yticks(range(len(names)), broken)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)


def draw(axis: Any, view: View, panel: Panel, looks: Mapping[str, Mapping[str, Any]]) -> None:
    """A panel of a chart as it is printed: the same lines as on the page."""
    axis.set_title(panel.title)
    if view.span is not None:
        axis.set_ylim(*view.span)
    for guide in panel.guides:
        ends = {"marker": "" if len(guide.x) > 1 else "_", "markersize": 14}
        axis.plot(guide.x, guide.y, **GUIDES[guide.dash], **ends, zorder=1)
    for trace in panel.traces:
        look = dict(looks[trace.curve])
        if view.kind == "points":
            low, high = (trace.y if e is None else e for e in (trace.low, trace.high))
            points(axis, trace.x, trace.y, low, high, **look, markersize=5, capsize=2)
            continue
        steps = {"drawstyle": "steps-post"} if view.kind == "steps" else {}
        average(axis, trace, look | {"marker": ""}, **steps)


def heatmap(
    axis: Any, value: Array, ends: tuple[float, float], words: Callable[[int, int], str]
) -> Any:
    """Fields of one size each, empty where there is no value, with words on some."""
    rows, columns = value.shape
    axis.grid(visible=False)
    drawn = axis.pcolormesh(
        np.arange(columns + 1) - 0.5,
        np.arange(rows + 1) - 0.5,
        np.ma.masked_invalid(value),
        cmap=COLOURS,
        vmin=ends[0],
        vmax=ends[1],
        edgecolor="face",  # no seams between fields
        linewidth=0.3,
    )
    for i, j in np.ndindex(rows, columns):
        dark = value[i, j] < ends[0] + 0.6 * (ends[1] - ends[0])
        colour = "#fefefe" if dark else "#010101"
        axis.text(j, i, words(i, j), ha="center", va="center", fontsize=6.5, color=colour)
    return drawn


def colour_scale(figure: Any, drawn: Any, axes: Any, label: str) -> None:
    """Beside all heat maps of a figure."""
    figure.colorbar(drawn, ax=axes, label=label, shrink=0.8, aspect=30, pad=0.02)
