"""Figures that come out the same whenever they are drawn, as PNG and SVG."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from fedrl.benchmark.storage.files import explaining, write_below
from fedrl.envs.family import Array
from fedrl.reports.drawing.canvas import Canvas

INK, FAINT, ACCENT, GOAL, WALL = "#1c2733", "#c9d1d9", "#c2410c", "#2f855a", "#4a5568"
COLOURS = ("#1f6f8b", "#c2410c", "#2f855a", "#7c3aed", "#b7791f", "#be185d", "#0f766e", "#475569")
SHOWN = 12  # agents drawn one by one
STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "figure.titlesize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "fedrl",
    "svg.fonttype": "path",
    "savefig.facecolor": "white",
}


def panels(count: int, columns: int, width: float, height: float) -> tuple[Figure, list[Any]]:
    """A figure with `count` axes of this size in inches, row by row."""
    rows = -(-count // columns)
    columns = -(-count // rows)  # as even as it goes
    figure = Canvas(figsize=(columns * width, rows * height + 0.45), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for spare in axes[count:]:
        spare.set_axis_off()
    return figure, list(axes[:count])


def write_values(
    ax: Any, values: Array, form: str, size: float, is_dark: Callable[[float], bool]
) -> None:
    """The numbers of a matrix in its cells, white where a cell is dark."""
    for (i, j), value in np.ndenumerate(values):
        colour = "white" if is_dark(value) else "black"
        ax.text(j, i, f"{value:{form}}", ha="center", va="center", fontsize=size, color=colour)


def save(figure: Figure, out: Path, name: str) -> list[Path]:
    """Write the figure as PNG and SVG; StoreError if the folder cannot be written to."""
    written: list[Path] = []
    for suffix, more in ((".png", {"dpi": 150}), (".svg", {"metadata": {"Date": None}})):
        sink = io.BytesIO()
        with mpl.rc_context(STYLE):
            figure.savefig(sink, format=suffix[1:], **more)  # type: ignore[arg-type]
        with explaining(f"cannot write {out / name}{suffix}"):
            written += write_below(out, {f"{name}{suffix}": sink.getvalue()})
    return written


def shown(agents: int) -> str:
    """Return the note that a title carries when not every agent is drawn."""
    return f", the first {SHOWN} of {agents} agents" if agents > SHOWN else ""
