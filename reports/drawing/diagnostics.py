"""Small panels of what happened inside the rounds: a row per diagnostic, a column per panel."""

from collections.abc import Sequence

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing import marks
from fedrl.reports.drawing.averages import average
from fedrl.reports.drawing.curves import STEPS
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.measures import Measure, diagnostics_of
from fedrl.reports.table.runs import Family
from fedrl.reports.table.specification import Specification

ACROSS = 4  # panels side by side that stay legible on paper
POINTS = 30  # of a line in a panel this small


def diagnostic_figures(family: Family, look: fig.Look, spec: Specification) -> list[fig.Figure]:
    """One figure per four panels; none where nothing was measured."""
    measures = diagnostics_of(family)
    if not measures:
        return []
    parts = [family.panels[i : i + ACROSS] for i in range(0, len(family.panels), ACROSS)]
    names = [f"-{place}" if len(parts) > 1 else "" for place in range(1, len(parts) + 1)]
    return [_figure(family, look, spec, measures, p, n) for p, n in zip(parts, names, strict=True)]


def _figure(
    family: Family,
    look: fig.Look,
    spec: Specification,
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
            for series in sorted({run.series for run in runs}):
                own = [run for run in runs if run.series == series]
                found = average(family, own, measure, "steps_per_agent", spec, POINTS)
                if found is not None:
                    marks.average(axis, found, look.of(series) | {"marker": ""})
            if not axis.has_data():
                axis.text(0.5, 0.5, "none", transform=axis.transAxes, ha="center", va="center")
            elif measure.log:
                fig.decades_axis(axis)
            if row == 0:
                axis.set_title(fm.panel(*panels[column]))
            if column == 0:
                axis.set_ylabel("\n".join(fm.halved(measure.label, 18)), fontsize=7)
        for axis in axes[-1]:
            fig.steps_axis(axis)
        figure.supxlabel(STEPS, fontsize=8)
        # Each looks at all that it is aligned with, and other columns have no labels.
        figure.align_ylabels(axes[:, 0])
        fig.legend(figure, fig.keys(look.curves(family), marker=""))
        return fig.saved(
            figure,
            f"{family.slug}-diagnostics{suffix}",
            "Diagnostics",
            "What happened inside the rounds before each evaluation point. Line: interquartile "
            "mean over seeds (of the logarithm on log axes); band: range over seeds. An algorithm "
            "without a line does not have that quantity; what is zero, or less than "
            "1e-24 of the largest value, is drawn at the lower end of a log axis.",
            on_page=False,
        )
