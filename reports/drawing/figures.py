"""How every figure looks and is saved: palette, panels, legend, bytes that do not change."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import seaborn as sns
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from fedrl.reports.drawing.inline import inlined
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.runs import Family, Series

# Okabe & Ito 2008 without yellow, which is too light; neighbours differ in lightness too
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (4, 1.2, 1, 1.2)), (0, (1.2, 1.2)), (0, (8, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P", "<", "h", ">")
SURROUND = "#444444"

STYLE: dict[str, Any] = {
    "text.parse_math": False,  # names are printed as they are, $ included
    "svg.hashsalt": "reports",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 8,
    "axes.edgecolor": SURROUND,
    "axes.linewidth": 0.7,
    "xtick.color": SURROUND,
    "ytick.color": SURROUND,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}


@dataclass(frozen=True)
class Figure:
    """One figure as it goes to the page and to disk."""

    name: str
    title: str
    caption: str
    svg: bytes
    pdf: bytes

    @property
    def inline(self) -> str:
        """The <svg> element for the page."""
        return inlined(self.svg.decode(), self.name)


class Look:
    """Colour, dashes and marker of a series, the same in every figure of the report.

    One colour per curve while the palette lasts. After that one colour per algorithm, and its
    variants (β, K, …) grow lighter and change dashes and marker.
    """

    def __init__(self, families: Sequence[Family]) -> None:
        series = sorted({s for family in families for s in family.series})
        self.algorithms = sorted({s.algorithm for s in series})
        order = sorted(series, key=lambda s: (s.algorithm, s.rank))
        self.curves = list(dict.fromkeys(s.curve for s in order))

    def of(self, series: Series, family: Family) -> dict[str, Any]:
        """Keyword arguments of `Axes.plot`."""
        if len(self.curves) <= len(COLOURS):
            return looks(self.curves)[series.curve]
        place = self.algorithms.index(series.algorithm)
        own = [s for s in family.series if s.algorithm == series.algorithm]
        variants = list(dict.fromkeys(s.variant for s in own))
        variant = variants.index(series.variant)
        base = np.array(to_rgb(COLOURS[place % len(COLOURS)]))
        light = 0.6 * variant / max(len(variants), 2)
        return {
            "color": to_hex(tuple(base + (1 - base) * light)),
            "linestyle": DASHES[(place + variant) % len(DASHES)],
            "marker": MARKERS[(place + 2 * variant) % len(MARKERS)],
        }


def looks(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour, dashes and marker of each name, keyword arguments of `Axes.plot`."""
    return {
        name: {
            "color": COLOURS[place % len(COLOURS)],
            "linestyle": DASHES[place % len(DASHES)],
            "marker": MARKERS[place % len(MARKERS)],
        }
        for place, name in enumerate(names)
    }


@contextmanager
def styled() -> Iterator[None]:
    """Everything drawn inside looks alike, and nothing outside changes."""
    style: dict[Any, Any] = {**sns.axes_style("ticks"), **STYLE}
    with matplotlib.rc_context(style):
        yield


def across(count: int) -> int:
    """Panels side by side: as wide as a page, without one left over where that can be had."""
    return {1: 1, 2: 2, 4: 2}.get(count, 3)


def panels(rows: int, columns: int, width: float, height: float, **share: Any) -> tuple[Any, Any]:
    """A figure of rows × columns panels, each about width × height inches."""
    size = (max(columns * width, 4.6), rows * height + 0.55)
    figure = Canvas(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **share)
    for axis in axes.flat:
        sns.despine(ax=axis)
    return figure, axes


def tiles(
    count: int, columns: int, height: float, width: float | None = None, **share: Any
) -> tuple[Any, list[Any]]:
    """A figure of `count` panels, row by row, without the axes that are left over."""
    width = width or (3.5 if columns < 3 else 2.6)
    figure, axes = panels(-(-count // columns), columns, width, height, **share)
    for axis in axes.flat[count:]:
        axis.set_visible(False)
    return figure, list(axes.flat[:count])


def label(axes: Sequence[Any], x: str, y: str) -> None:
    """x below the lowest panel of every column, y beside the first of every row."""
    columns = axes[0].get_gridspec().ncols
    for axis in axes[-columns:]:
        axis.set_xlabel(x)
        axis.xaxis.set_tick_params(labelbottom=True)  # also where an empty place is below
    for axis in axes[::columns]:
        axis.set_ylabel(y)


def steps_axis(axis: Any) -> None:
    """Few round ticks, written 3k, 1.2M; one evaluation point gets a tick of its own."""
    low, high = axis.dataLim.intervalx
    if not high > low:  # one evaluation point
        axis.set_xlim(low - 1, low + 1)
        axis.set_xticks([low], [thousands(low)])
        return
    axis.xaxis.set_major_locator(MaxNLocator(5))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: thousands(x)))


def thousands(value: float) -> str:
    """1500 as 1.5k."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def decades_axis(axis: Any) -> None:
    """Logarithmic y, powers of ten written out; 2 and 5 times them where there are few."""
    axis.set_yscale("log")
    low, high = axis.dataLim.intervaly
    if low > 0 and high < 100 * low:
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: fm.power_of_ten(y)))
    axis.yaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))


def key(label: str, **look: Any) -> Line2D:
    """One entry of a legend."""
    return Line2D([], [], label=label, **look)


ROWS, ROW = 2, 0.17  # of a legend that figures have room for; inches of one more


def legend(figure: Any, handles: Sequence[Line2D]) -> None:
    """Above the panels, in as many columns as fit; a long one makes the figure higher."""
    room, height = figure.get_size_inches()
    widths = [0.068 * len(str(handle.get_label())) + 0.5 for handle in handles]  # inches
    fits = [n for n in range(1, len(handles) + 1) if _width(widths, n) <= room]
    columns = max(fits, default=1)
    more = max(0, -(-len(handles) // columns) - ROWS)
    figure.set_size_inches(room, height + ROW * more)
    figure.legend(
        handles=list(handles),
        loc="outside upper center",
        ncol=columns,
        handlelength=2.6,
        columnspacing=1.4,
    )


def _width(widths: Sequence[float], columns: int) -> float:
    """Compute the width of a legend that is filled column by column."""
    parts = np.array_split(np.array(widths), columns)
    return float(sum(part.max() for part in parts))


def saved(figure: Any, name: str, title: str, caption: str) -> Figure:
    """As SVG and PDF, without dates or versions."""
    svg, pdf = io.BytesIO(), io.BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    figure.set_layout_engine("none")  # keep the places just computed
    nothing = {"CreationDate": None, "Creator": None, "Producer": None}
    figure.savefig(pdf, format="pdf", metadata=nothing)
    return Figure(name, title, caption, svg.getvalue(), pdf.getvalue())
