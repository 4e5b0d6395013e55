"""How every figure looks and is saved: palette, panels, legend, bytes that do not change."""

import io
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import seaborn as sns
from matplotlib.colors import to_hex, to_rgb
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from fedrl.reports.drawing.canvas import Canvas
from fedrl.reports.drawing.inline import inlined
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.identity import MARKERS, Identity, identities
from fedrl.reports.table.presentation import WIDTHS
from fedrl.reports.table.runs import Family, Series

DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (4, 1.2, 1, 1.2)), (0, (1.2, 1.2)), (0, (8, 2)))
SURROUND = "#444444"

STYLE: dict[str, Any] = {
    "text.parse_math": False,  # names are printed as they are, $ included
    "svg.hashsalt": "reports",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,  # conferences refuse Type 3
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
    on_page: bool = True  # else the page has only links to it: another figure there can show it

    @property
    def inline(self) -> str:
        """The <svg> element for the page."""
        return inlined(self.svg.decode(), self.name)


class Look:
    """Colour, dashes and marker of a series, of an algorithm the same in every report.

    Where an algorithm has variants (β, K, …) they grow lighter and change dashes and marker.
    """

    def __init__(self, families: Sequence[Family]) -> None:
        # N is told in the names of a family where it varies, and nowhere else.
        every = {s for family in families for s in family.series}
        series = sorted(every, key=lambda s: (s.rank, s.algorithm, s.variant, s.agents or 0))
        self.algorithms = tuple(dict.fromkeys(s.algorithm for s in series))
        self._known = identities(self.algorithms)
        found = [(s.algorithm, s.variant) for s in series]
        self._variants = {a: [v for b, v in dict.fromkeys(found) if a == b] for a, _ in found}

    def of(self, series: Series) -> dict[str, Any]:
        """Keyword arguments of `Axes.plot`."""
        variants = self._variants[series.algorithm]
        return _look(self._known[series.algorithm], variants.index(series.variant), len(variants))

    def curves(self, *families: Family) -> dict[str, dict[str, Any]]:
        """The same of every curve of the families, by its name."""
        return {series.curve: self.of(series) for family in families for series in family.series}


def looks(algorithms: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour, dashes and marker of each algorithm, keyword arguments of `Axes.plot`."""
    return {name: _look(own) for name, own in identities(tuple(algorithms)).items()}


def _look(own: Identity, variant: int = 0, variants: int = 1) -> dict[str, Any]:
    base = np.array(to_rgb(own.colour))
    light = 0.6 * variant / max(variants, 2)
    return {
        "color": to_hex(tuple(base + (1 - base) * light)).upper(),
        "linestyle": DASHES[(own.dash + variant) % len(DASHES)],
        "marker": MARKERS[(MARKERS.index(own.marker) + 2 * variant) % len(MARKERS)],
    }


_paper: ContextVar[str] = ContextVar("paper", default="")


@contextmanager
def paper(size: str) -> Iterator[None]:
    """What is drawn inside is as wide as a column of `size`, one of `WIDTHS`; "" leaves it free."""
    token = _paper.set(size)
    try:
        yield
    finally:
        _paper.reset(token)


def is_free() -> bool:
    """Figures have the width that their panels need."""
    return not _paper.get()


@contextmanager
def styled() -> Iterator[None]:
    """Everything drawn inside looks alike, and nothing outside changes."""
    style: dict[Any, Any] = {**sns.axes_style("ticks"), **STYLE}
    with matplotlib.rc_context(style):
        yield


def across(count: int) -> int:
    """Panels side by side: as wide as a page, without one left over where that can be had."""
    most = 2 if _paper.get() == "icml-column" else 3
    return min({1: 1, 2: 2, 4: 2}.get(count, 3), most)


def panels(rows: int, columns: int, width: float, height: float, **share: Any) -> tuple[Any, Any]:
    """A figure of rows × columns panels, each about width × height inches."""
    wide = max(columns * width, 4.6)
    if not is_free():
        narrow, whole = WIDTHS[_paper.get()]
        column = narrow if columns < 2 else max(whole, 6.75 if columns > 2 and whole < 4 else 0)
        height *= max(0.75, min(1.0, column / wide))
        wide = column
    figure = Canvas(figsize=(wide, rows * height + 0.55), layout="constrained")
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
    if not np.isfinite([low, high]).all():  # every run diverged before its first point
        axis.set_xticks([])
        return
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


def keys(looks: Mapping[str, Mapping[str, Any]], **common: Any) -> list[Line2D]:
    """An entry per name, `common` instead of what its own look says."""
    return [key(name, **{"markersize": 4, **look, **common}) for name, look in looks.items()]


ROWS, ROW = 2, 0.17  # of a legend that figures have room for; inches of one more
CHARACTER, HANDLE = 0.068, 0.5  # inches, of a letter and of the line before a label
PAGE = 7.35  # inches, the width of a page


def legend(figure: Any, handles: Sequence[Line2D]) -> None:
    """Above the panels, in as many columns as fit; long ones make the figure larger."""
    room, height = figure.get_size_inches()
    labels = [str(handle.get_label()) for handle in handles]
    if is_free() and CHARACTER * max(map(len, labels)) + HANDLE > room:
        room = max(room, PAGE)
    fits = int((room - HANDLE) / CHARACTER)
    for handle, label in zip(handles, labels, strict=True):
        handle.set_label(textwrap.fill(label, fits))
    widths = [CHARACTER * min(len(label), fits) + HANDLE for label in labels]
    columns = max(n for n in range(1, len(handles) + 1) if n == 1 or _width(widths, n) <= room)
    lines = sum(-(-len(label) // fits) - 1 for label in labels)  # beyond the first of each label
    more = max(0, -(-len(handles) // columns) - ROWS) + lines
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


def saved(figure: Any, name: str, title: str, caption: str, *, on_page: bool = True) -> Figure:
    """As SVG and PDF, without dates or versions."""
    svg, pdf = io.BytesIO(), io.BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    figure.set_layout_engine(None)  # keep the places just computed
    nothing = {"CreationDate": None, "Creator": None, "Producer": None}
    figure.savefig(pdf, format="pdf", metadata=nothing)
    return Figure(name, title, caption, svg.getvalue(), pdf.getvalue(), on_page)
