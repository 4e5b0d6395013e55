"""The final score of every seed."""

from typing import Any

import numpy as np

from fedrl.reports.comparison.scores import of_seeds
from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing import marks
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.runs import Family
from fedrl.reports.table.specification import Specification


def strip(family: Family, look: fig.Look, spec: Specification) -> fig.Figure:
    """A row per series, a panel per κ, a mark per seed."""
    rows, count = family.series, len(family.kappas)
    with fig.styled():
        height = 0.3 * len(rows) + 0.85
        figure, axes = fig.tiles(count, fig.across(count), height, sharey=True)
        for axis, kappa in zip(axes, family.kappas, strict=True):
            axis.set_title(fm.level(kappa))
            for place, series in enumerate(rows):
                _row(axis, place, family, kappa, series, look, spec)
            for name, style in (("reference", marks.REFERENCE), ("random", marks.RANDOM)):
                mean = float(np.mean([getattr(run, name) for run in family.at(kappa)]))
                axis.axvline(mean, **style, zorder=1)
            marks.name_rows(axis, [series.label for series in rows])
            axis.set_xlabel(f"final {family.unit.split(',')[0]}")
        return fig.saved(
            figure,
            f"{family.slug}-seeds",
            "Final score of every seed",
            "One mark per run, × when it diverged; a seed keeps its height within each row. Bar: "
            f"interquartile mean with {fm.percent(spec.level)} bootstrap interval. Grey lines: "
            "mean reference (solid) and random policy (dotted).",
        )


def _row(
    axis: Any,
    place: int,
    family: Family,
    kappa: float,
    series: Any,
    look: fig.Look,
    spec: Specification,
) -> None:
    runs = family.at(kappa, series)
    if not runs:
        return
    seeds = sorted({run.seed for run in family.runs})
    style = look.of(series, family)
    for run in runs:
        offset = 0.44 * ((seeds.index(run.seed) + 0.5) / len(seeds) - 0.5)
        marker = "x" if run.diverged else style["marker"]
        axis.plot(
            run.final,
            place + offset,
            marker=marker,
            color=style["color"],
            markersize=4,
            linestyle="",
            alpha=0.75,
            markeredgewidth=1.4 if run.diverged else 0,
        )
    middle = of_seeds([run.final for run in runs], spec)
    if np.isfinite(middle.low):
        marks.bar(axis, middle.low, middle.high, place, style["color"])
    axis.plot([middle.value] * 2, [place - 0.34, place + 0.34], color="black", linewidth=1.4)
