"""Figures over training: learning curves, stationarity."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing import marks
from fedrl.reports.drawing.averages import average
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.measures import AXES, Measure, score, stationarity
from fedrl.reports.table.runs import Family, Run
from fedrl.reports.table.specification import Specification

STEPS = AXES["steps_per_agent"]


def learning_curves(family: Family, look: fig.Look, spec: Specification) -> fig.Figure:
    """A panel per κ, and per N when several occur."""
    with fig.styled():
        figure, axes = _grid(family)
        for axis, runs in _panels(family, axes):
            _draw(axis, family, runs, score(family), look, spec)
            for name, style in (("reference", marks.REFERENCE), ("random", marks.RANDOM)):
                if runs:
                    height = float(np.mean([getattr(run, name) for run in runs]))
                    axis.axhline(height, **style, zorder=1)
        fig.label(axes, STEPS, family.unit.split(",")[0])
        handles = [
            *keys(family, look),
            fig.key(f"reference: {', '.join(family.meanings)}", **marks.REFERENCE),
            fig.key("random policy", **marks.RANDOM),
        ]
        fig.legend(figure, handles)
        return fig.saved(
            figure,
            f"{family.slug}-learning-curves",
            "Learning curves",
            f"{family.unit[0].upper()}{family.unit[1:]}, against {STEPS}. "
            f"{_lines_say(family, spec, 'interquartile mean over seeds')} A thick line ends "
            "with the shortest of its runs. A diverged run ends at ×, and counts "
            "from there on as the worse of its last score and random.",
        )


def stationarity_curves(family: Family, look: fig.Look, spec: Specification) -> fig.Figure:
    """‖∇J‖² on a log axis; averages are of the logarithm."""
    with fig.styled():
        figure, axes = _grid(family)
        for axis, runs in _panels(family, axes):
            shown = [run for run in runs if np.isfinite(run.stationarity).all()]
            _draw(axis, family, shown, stationarity(family), look, spec)
            fig.decades_axis(axis)
        fig.label(axes, STEPS, "‖∇J(θ)‖²")
        fig.legend(figure, keys(family, look))
        return fig.saved(
            figure,
            f"{family.slug}-stationarity-curves",
            "Stationarity",
            f"Exact squared norm of the gradient of the mean objective, log scale, against {STEPS}."
            f" {_lines_say(family, spec, 'interquartile mean over seeds of the logarithm')} A "
            "diverged run ends at × and is carried on at its last value. A small gradient is "
            "also what a plateau of a bad policy has: read it beside the learning curves.",
        )


def _lines_say(family: Family, spec: Specification, average: str) -> str:
    """Say what the lines and bands of a panel are."""
    if max(len(runs) for _, _, runs in family.groups()) == 1:
        return "Every line is one run: there is one seed, so there are no intervals."
    thin = "; thin lines: every seed" if _few(family, spec) else ""
    return (
        f"Thick line: {average}; band: {fm.percent(spec.level)} pointwise bootstrap interval{thin}."
    )


def _few(family: Family, spec: Specification) -> bool:
    return max(len(runs) for _, _, runs in family.groups()) < spec.few


def _grid(family: Family) -> tuple[Any, Any]:
    return fig.tiles(len(family.panels), fig.across(len(family.kappas)), 2.45, sharey=True)


def _panels(family: Family, axes: Any) -> list[tuple[Any, list[Run]]]:
    """(axis, its runs) with the panel's title set."""
    for axis, place in zip(axes, family.panels, strict=True):
        axis.set_title(fm.panel(*place))
    return [(a, family.among(*p)) for a, p in zip(axes, family.panels, strict=True)]


def _draw(
    axis: Any,
    family: Family,
    runs: Sequence[Run],
    measure: Measure,
    look: fig.Look,
    spec: Specification,
) -> None:
    """Average, band and, where they are few, seeds of every series."""
    few = _few(family, spec)
    for place, series in enumerate(sorted({run.series for run in runs})):
        own = [run for run in runs if run.series == series]
        style = look.of(series, family)
        mean = average(family, own, measure, "steps_per_agent", spec)
        if mean is not None:
            every = max(1, len(mean.x) // 6)
            points = {"markersize": 4, "markevery": (place * every // 4 % every, every)}
            edge = {"markeredgecolor": "white", "markeredgewidth": 0.5}
            marks.average(axis, mean, style, **points, **edge, zorder=3)
        for run in own:
            height = measure.back(measure.forth(measure.of(run)))  # up to the divergence
            if few and len(own) > 1:
                thin = {"color": style["color"], "linewidth": 0.55, "alpha": 0.45, "zorder": 2}
                axis.plot(run.steps, height, **thin)
            if run.diverged:
                axis.plot(
                    run.steps[-1], height[-1], color=style["color"], **marks.DIVERGED, zorder=5
                )
    fig.steps_axis(axis)


def keys(family: Family, look: fig.Look, markers: bool = True) -> list[Any]:
    """One legend entry per line; N is in the panel titles."""
    looks = {series.curve: look.of(series, family) for series in family.series}
    return [
        fig.key(name, **(style if markers else style | {"marker": ""}), markersize=4)
        for name, style in looks.items()
    ]
