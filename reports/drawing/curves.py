"""Figures over training: learning curves, stationarity."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing import marks
from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.runs import Family, Run, on_grid
from fedrl.reports.table.specification import Specification

STEPS = "environment steps per agent"
Curve = Callable[[Run], tuple[Array, Array]]


def learning_curves(family: Family, look: fig.Look, spec: Specification) -> fig.Figure:
    """A panel per κ, and per N when several occur."""
    few = _few(family, spec)
    with fig.styled():
        figure, axes = _grid(family)
        for axis, runs in _panels(family, axes):
            _draw(axis, family, runs, look, spec, lambda run: run.curve, few=few)
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
    known = [run for run in family.runs if np.isfinite(run.stationarity).all()]
    positive = [
        float(run.stationarity[run.stationarity > 0].min())
        for run in known
        if (run.stationarity > 0).any()
    ]
    floor = min(positive, default=1e-300)
    few = _few(family, spec)

    def curve(run: Run) -> tuple[Array, Array]:
        steps, _ = run.curve
        held = np.append(run.stationarity, [run.stationarity[-1]] * (len(steps) - len(run.steps)))
        return steps, np.log10(np.maximum(held, floor))

    with fig.styled():
        figure, axes = _grid(family)
        for axis, runs in _panels(family, axes):
            shown = [run for run in runs if np.isfinite(run.stationarity).all()]
            _draw(axis, family, shown, look, spec, curve, few=few, back=lambda y: 10.0**y)
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
    look: fig.Look,
    spec: Specification,
    curve: Curve,
    *,
    few: bool,
    back: Callable[[Any], Any] = lambda y: y,
) -> None:
    """Average, band and seeds of every series; `back` undoes the scale they are averaged on."""
    for place, series in enumerate(sorted({run.series for run in runs})):
        own = [run for run in runs if run.series == series]
        style = look.of(series, family)
        grid, values = on_grid([curve(run) for run in own], float("inf"))
        low, high = st.stratified_interval([values], st.interquartile_mean, **spec.bootstrap)
        every = max(1, len(grid) // 6)
        if len(own) > 1:
            marks.band(axis, grid, back(low), back(high), style)
        axis.plot(
            grid,
            back(st.interquartile_mean(values)),
            **style,
            markersize=4,
            markevery=(place * every // 4 % every, every),
            markeredgecolor="white",
            markeredgewidth=0.5,
            zorder=3,
        )
        for run in own:
            steps, height = curve(run)
            points = len(run.steps)  # up to the divergence
            if few and len(own) > 1:
                axis.plot(
                    steps[:points],
                    back(height[:points]),
                    color=style["color"],
                    linewidth=0.55,
                    alpha=0.45,
                    zorder=2,
                )
            if run.diverged:
                axis.plot(
                    steps[points - 1],
                    back(height[points - 1]),
                    color=style["color"],
                    marker="X",
                    markersize=8,
                    markeredgecolor="black",
                    markeredgewidth=0.8,
                    zorder=5,
                )
    fig.steps_axis(axis)


def keys(family: Family, look: fig.Look, markers: bool = True) -> list[Any]:
    """One legend entry per line; N is in the panel titles."""
    looks = {series.curve: look.of(series, family) for series in family.series}
    return [
        fig.key(name, **(style if markers else style | {"marker": ""}), markersize=4)
        for name, style in looks.items()
    ]
