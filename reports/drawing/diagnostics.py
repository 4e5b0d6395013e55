"""Small panels of what happened inside the rounds: a row per diagnostic, a column per panel."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing import marks
from fedrl.reports.drawing.curves import STEPS, keys
from fedrl.reports.statistics import estimates as st
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.measures import Measure, along, diagnostics_of
from fedrl.reports.table.runs import Family, Run, on_grid

ACROSS = 4  # panels side by side that stay legible on paper


def diagnostic_figures(family: Family, look: fig.Look) -> list[fig.Figure]:
    """One figure per four panels; none where nothing was measured."""
    measures = diagnostics_of(family)
    if not measures:
        return []
    parts = [family.panels[i : i + ACROSS] for i in range(0, len(family.panels), ACROSS)]
    names = [f"-{place}" if len(parts) > 1 else "" for place in range(1, len(parts) + 1)]
    return [_figure(family, look, measures, p, n) for p, n in zip(parts, names, strict=True)]


def _figure(
    family: Family,
    look: fig.Look,
    measures: Sequence[Measure],
    panels: Sequence[tuple[float, int | None]],
    suffix: str,
) -> fig.Figure:
    with fig.styled():
        figure, axes = fig.panels(
            len(measures), len(panels), 1.9 if len(panels) > 2 else 2.6, 1.3, sharex="col"
        )
        for (row, column), axis in np.ndenumerate(axes):
            measure, runs = measures[row], family.among(*panels[column])
            shown = [_draw(axis, family, measure, look, own) for own in _by_series(runs)]
            if not any(shown):
                axis.text(0.5, 0.5, "none", transform=axis.transAxes, ha="center", va="center")
            if measure.log and any(shown):
                fig.decades_axis(axis)
            if row == 0:
                axis.set_title(fm.panel(*panels[column]))
            if column == 0:
                axis.set_ylabel(_wrapped(measure.label), fontsize=7)
        for axis in axes[-1]:
            fig.steps_axis(axis)
        figure.supxlabel(STEPS, fontsize=8)
        figure.align_ylabels()
        fig.legend(figure, keys(family, look, markers=False))
        return fig.saved(
            figure,
            f"{family.slug}-diagnostics{suffix}",
            "Diagnostics",
            "What happened inside the rounds before each evaluation point. Line: interquartile "
            "mean over seeds (of the logarithm on log axes); band: range over seeds. An algorithm "
            "without a line does not have that quantity; what is zero, or less than "
            "1e-24 of the largest value, is drawn at the lower end of a log axis.",
        )


def _by_series(runs: Sequence[Run]) -> list[list[Run]]:
    return [[run for run in runs if run.series == s] for s in sorted({r.series for r in runs})]


def _draw(axis: Any, family: Family, measure: Measure, look: fig.Look, runs: list[Run]) -> bool:
    """Average and range of one series; False when it has no value."""
    curves = [along(family, run, measure, "steps_per_agent") for run in runs]
    curves = [curve for curve in curves if len(curve[0])]
    if not curves:
        return False
    style = look.of(runs[0].series, family) | {"marker": ""}
    grid, values = on_grid(curves, float("inf"))
    low, high = measure.back(values.min(axis=0)), measure.back(values.max(axis=0))
    marks.band(axis, grid, low, high, style)
    axis.plot(grid, measure.back(st.interquartile_mean(values)), **style)
    return True


def _wrapped(label: str) -> str:
    """Two lines where one is too long for a small panel."""
    words, half = label.split(" "), len(label) / 2
    if len(label) < 18:
        return label
    breaks = [len(" ".join(words[:i])) for i in range(1, len(words))]
    if not breaks:
        return label
    at = min(range(len(breaks)), key=lambda i: abs(breaks[i] - half)) + 1
    return " ".join(words[:at]) + "\n" + " ".join(words[at:])
