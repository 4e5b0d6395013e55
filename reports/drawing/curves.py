"""Figures over training: learning curves, stationarity."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing import marks
from fedrl.reports.drawing.averages import average
from fedrl.reports.drawing.clipping import SAID, mark_edges, span
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.measures import AXES, Measure, score, stationarity
from fedrl.reports.table.runs import Family, Run
from fedrl.reports.table.specification import Specification

STEPS = AXES["steps_per_agent"]
CROWDED = 12  # curves
POINTS = 60  # of an average; a panel is some 200 points wide


def learning_curves(family: Family, look: fig.Look, spec: Specification) -> fig.Figure:
    """A panel per κ, and per N when several occur."""
    ends = span(family.runs, [run.score for run in family.runs])
    with fig.styled():
        figure, axes, drawn = _panels(family)
        for axis, runs in drawn:
            _draw(axis, family, runs, score(family), look, spec, ends)
            marks.ends(axis.axhline, runs)
        fig.label(axes, STEPS, family.unit.split(",")[0])
        handles = [
            *fig.keys(look.curves(family)),
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
            f"from there on as the worse of its last score and random.{f' {SAID}' if ends else ''}",
        )


def all_families(
    found: Sequence[Family], look: fig.Look, spec: Specification, kappa: float
) -> fig.Figure:
    """A panel per family at one κ, with all their agents where N varies the largest N."""
    shown = [family for family in found if family.at(kappa)]
    with fig.styled():
        count = len(shown)
        figure, axes = fig.tiles(count, fig.across(count), 1.9, 2.6)
        for axis, family in zip(axes, shown, strict=True):
            most = max((n for k, n in family.panels if k == kappa), key=lambda n: n or 0)
            runs = family.among(kappa, most)
            ends = span(runs, [run.score for run in runs])
            _draw(axis, family, runs, score(family), look, spec, ends, thin=False)
            marks.ends(axis.axhline, runs)
            axis.set_title(family.name if most is None else f"{family.name}, N = {most}")
        fig.label(axes, STEPS, "score")
        lines = {"reference": marks.REFERENCE, "random": marks.RANDOM}
        fig.legend(figure, fig.keys(look.curves(*shown) | lines))
        return fig.saved(
            figure,
            "all-families",
            f"All families at {fm.level(kappa)}",
            f"Score against {STEPS}, a panel per family with its own axes. Line: interquartile "
            f"mean over seeds; band, where lines are few: {fm.percent(spec.level)} pointwise "
            f"bootstrap interval. {SAID}",
        )


def stationarity_curves(family: Family, look: fig.Look, spec: Specification) -> fig.Figure:
    """‖∇J‖² on a log axis; averages are of the logarithm."""
    with fig.styled():
        figure, axes, drawn = _panels(family)
        for axis, runs in drawn:
            shown = [run for run in runs if np.isfinite(run.stationarity).all()]
            _draw(axis, family, shown, stationarity(family), look, spec)
            fig.decades_axis(axis)
        fig.label(axes, STEPS, "‖∇J(θ)‖²")
        fig.legend(figure, fig.keys(look.curves(family)))
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
    if _crowded(family):
        return f"Thick line: {average}; so many have no bands{thin}."
    return (
        f"Thick line: {average}; band: {fm.percent(spec.level)} pointwise bootstrap interval{thin}."
    )


def _few(family: Family, spec: Specification) -> bool:
    return fig.is_free() and max(len(runs) for _, _, runs in family.groups()) < spec.few


def _crowded(family: Family) -> bool:
    """Bands of so many curves would hide each other."""
    return len({series.curve for series in family.series}) > CROWDED


def _panels(family: Family) -> tuple[Any, Any, list[tuple[Any, list[Run]]]]:
    """Figure, axes, and every axis with its runs, the panel's title set."""
    places, columns = family.panels, fig.across(len(family.kappas))
    figure, axes = fig.tiles(len(places), columns, 2.45, sharey=True)
    for axis, place in zip(axes, places, strict=True):
        axis.set_title(fm.panel(*place))
    return figure, axes, [(a, family.among(*p)) for a, p in zip(axes, places, strict=True)]


def _draw(
    axis: Any,
    family: Family,
    runs: Sequence[Run],
    measure: Measure,
    look: fig.Look,
    spec: Specification,
    ends: tuple[float, float] | None = None,
    *,
    thin: bool = True,
) -> None:
    """Average, band and, where they are few, seeds of every series."""
    few = thin and _few(family, spec)
    if ends is not None:
        axis.set_ylim(*ends)
    for place, series in enumerate(sorted({run.series for run in runs})):
        own = [run for run in runs if run.series == series]
        style = look.of(series)
        mean = average(family, own, measure, "steps_per_agent", spec, POINTS)
        if mean is not None:
            every = max(1, len(mean.x) // 6)
            points = {"markersize": 4, "markevery": (place * every // 4 % every, every)}
            edge = {"markeredgecolor": "white", "markeredgewidth": 0.5}
            if _crowded(family):
                mean = mean._replace(low=None, high=None)
            marks.average(axis, mean, style, **points, **edge, zorder=3)
            if ends is not None:
                low, high = (mean.y if e is None else e for e in (mean.low, mean.high))
                mark_edges(axis, ends, mean.x, low, high, style["color"])
        for run in own:
            height = measure.back(measure.forth(measure.of(run)))  # up to the divergence
            if few and len(own) > 1:
                faint = {"color": style["color"], "linewidth": 0.55, "alpha": 0.45, "zorder": 2}
                axis.plot(run.steps, height, **faint)
            if run.diverged:
                end = height[-1] if ends is None else np.clip(height[-1], *ends)
                axis.plot(run.steps[-1], end, color=style["color"], **marks.DIVERGED, zorder=5)
    fig.steps_axis(axis)
