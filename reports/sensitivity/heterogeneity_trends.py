"""Figure: Φ, tuned and shared performance and diverged settings against κ and N."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing import marks
from fedrl.reports.sensitivity.study import Looks
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.tables import Row

SHOWN = {
    "tuned": "Γ tuned",
    "shared": "Γ shared",
    "phi": "sensitivity Φ",
    "lost": "diverged settings",
}
AXES = {"κ": "heterogeneity κ", "N": "agents N"}


def change_figure(rows: Sequence[Row], styles: Looks, spec: Sensitivity) -> fig.Figure:
    """From the rows of the table: a column per number, a row of panels for κ and one for N."""
    whats = [what for what in AXES if any(row["of"] == what for row in rows)]
    with fig.styled():
        figure, axes = fig.panels(len(whats), len(SHOWN), 2.1, 1.9)
        for line, what in zip(axes, whats, strict=True):
            for axis, key in zip(line, SHOWN, strict=True):
                _panel(axis, [row for row in rows if row["of"] == what], key, styles)
                axis.set_xlabel(AXES[what])
        for axis, title in zip(axes[0], SHOWN.values(), strict=True):
            axis.set_title(title)
        fig.legend(figure, fig.keys(styles, markersize=4.5))
        return fig.saved(
            figure,
            "sensitivity-by-level",
            "Sensitivity by heterogeneity and number of agents",
            "The numbers of the table below, each over the environments of one κ or one N, with "
            f"{fm.percent(spec.level)} intervals (Wilson for the share of diverged settings). "
            "Γ keeps one scale throughout an environment.",
        )


def _panel(axis: Any, rows: Sequence[Row], key: str, styles: Looks) -> None:
    levels = sorted({row["level"] for row in rows})
    names = [name for name in styles if any(row["algorithm"] == name for row in rows)]
    for place, name in enumerate(names):
        own = [row for row in rows if row["algorithm"] == name]
        x = np.array([levels.index(row["level"]) for row in own])
        y = np.array([row[key] for row in own])
        ends = np.array([[row[f"{key}_low"], row[f"{key}_high"]] for row in own]).T
        shift = 0.05 * (place - (len(names) - 1) / 2)
        marks.points(axis, x + shift, y, *ends, **styles[name], markersize=4.5)
    axis.set_xticks(range(len(levels)), [f"{level:g}" for level in levels])
    axis.set_xlim(-0.4, len(levels) - 0.6)
    if key == "lost":
        axis.set_ylim(bottom=0)
