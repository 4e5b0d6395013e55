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
    seeds = sorted({run.seed for run in family.runs})
    with fig.styled():
        figure, drawn = panels(family)
        for axis, kappa in drawn:
            for place, series in enumerate(family.series):
                runs, style = family.at(kappa, series), look.of(series)
                for run in runs:
                    lost = {"marker": "x", "markeredgewidth": 1.4} if run.diverged else {}
                    look_of_run = {"markeredgewidth": 0} | style | lost
                    dots(axis, run.final, place, seeds.index(run.seed), len(seeds), **look_of_run)
                if runs:
                    middle = of_seeds([run.final for run in runs], spec)
                    if np.isfinite(middle.low):
                        marks.bar(axis, middle.low, middle.high, place, style["color"])
                    across = [place - 0.34, place + 0.34]
                    axis.plot([middle.value] * 2, across, color="black", linewidth=1.4)
            marks.ends(axis.axvline, family.at(kappa))
        return fig.saved(
            figure,
            f"{family.slug}-seeds",
            "Final score of every seed",
            "One mark per run, × when it diverged; a seed keeps its height within each row. Bar: "
            f"interquartile mean with {fm.percent(spec.level)} bootstrap interval. Grey lines: "
            "mean reference (solid) and random policy (dotted).",
        )


def panels(family: Family) -> tuple[Any, list[tuple[Any, float]]]:
    """A figure with a row per series, and its panels: an axis and its κ each."""
    count, height = len(family.kappas), 0.3 * len(family.series) + 0.85
    figure, axes = fig.tiles(count, fig.across(count), height, sharey=True)
    for axis, kappa in zip(axes, family.kappas, strict=True):
        axis.set_title(fm.level(kappa))
        axis.set_xlabel(f"final {family.unit.split(',')[0]}")
        marks.name_rows(axis, [series.label for series in family.series])
    return figure, list(zip(axes, family.kappas, strict=True))


def dots(axis: Any, x: Any, row: int, place: Any, count: int, **look: Any) -> None:
    """Marks at a height of their own in a row, as each is the `place`-th of `count`."""
    height = row + 0.44 * ((place + 0.5) / count - 0.5)
    axis.plot(x, height, **look | {"markersize": 4, "linestyle": "", "alpha": 0.75})
