"""Figures over training: learning curves, stationarity, share of runs that reached a target."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics import survival as sv
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.runs import Family, Run, on_grid
from fedrl.reports.table.sample_complexity import Reached
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
            for value, style in _lines(runs):
                axis.axhline(value, color=fig.SURROUND, linewidth=1, linestyle=style, zorder=1)
        _label(family, axes, _short(family.unit))
        handles = [
            *_keys(family, look),
            fig.key(f"reference: {', '.join(family.meanings)}", color=fig.SURROUND, linewidth=1),
            fig.key("random policy", color=fig.SURROUND, linewidth=1, linestyle=(0, (2, 2))),
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
        _label(family, axes, "‖∇J(θ)‖²")
        fig.legend(figure, _keys(family, look))
        return fig.saved(
            figure,
            f"{family.slug}-stationarity-curves",
            "Stationarity",
            f"Exact squared norm of the gradient of the mean objective, log scale, against {STEPS}."
            f" {_lines_say(family, spec, 'interquartile mean over seeds of the logarithm')} A "
            "diverged run ends at × and is carried on at its last value. A small gradient is "
            "also what a plateau of a bad policy has: read it beside the learning curves.",
        )


def reached_curves(
    family: Family, reached: Sequence[Reached], look: fig.Look, spec: Specification
) -> fig.Figure:
    """1 − S(t), Kaplan–Meier: a row per κ and N, a column per ε that some run reached."""
    rows = [p for p in family.panels if any((i.kappa, i.series.agents) == p for i in reached)]
    epsilons = list(dict.fromkeys(i.epsilon for i in reached if i.mean.value < i.budget))
    with fig.styled():
        figure, axes = fig.panels(len(rows), len(epsilons), 1.95, 1.75, sharey=True, sharex="row")
        for item in [item for item in reached if item.epsilon in epsilons]:
            row = rows.index((item.kappa, item.series.agents))
            axis = axes[row, epsilons.index(item.epsilon)]
            style = look.of(item.series, family)
            times, surviving = sv.kaplan_meier(item.seen)
            early = times <= item.budget
            x = np.concatenate([[0.0], times[early], [item.budget]])
            alive = np.concatenate([[1.0], surviving[early]])
            y = 100 * (1 - np.append(alive, alive[-1]))
            axis.step(x, y, where="post", color=style["color"], linestyle=style["linestyle"])
        for (i, j), axis in np.ndenumerate(axes):
            axis.set_ylim(-4, 104)
            axis.set_yticks([0, 25, 50, 75, 100])
            fig.steps_axis(axis)
            axis.set_title(f"{fm.panel(*rows[i])}, ε = {epsilons[j]:g}")
        figure.supxlabel(STEPS, fontsize=8)
        figure.supylabel("runs at the target, %", fontsize=8)
        fig.legend(figure, _keys(family, look, markers=False))
        return fig.saved(
            figure,
            f"{family.slug}-reached",
            "Share of runs that reached a target",
            "One minus the Kaplan–Meier curve of the steps until score ≥ reference − ε (reference "
            f"− random) at {spec.window} evaluation points in a row, one panel per ε and κ, up to "
            "the common budget. Runs that never hit, and diverged runs, stay in the denominator. "
            "Targets that no run reached by then are left out.",
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
    across = fig.across(len(family.kappas))
    down = -(-len(family.panels) // across)
    return fig.panels(down, across, 3.5 if across < 3 else 2.6, 2.45, sharey=True)


def _panels(family: Family, axes: Any) -> list[tuple[Any, list[Run]]]:
    """(axis, its runs) with the panel's title set; what is left over is hidden."""
    for axis in list(axes.flat)[len(family.panels) :]:
        axis.set_visible(False)
    for axis, place in zip(axes.flat, family.panels, strict=False):
        axis.set_title(fm.panel(*place))
    return [(a, family.among(*p)) for a, p in zip(axes.flat, family.panels, strict=False)]


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
            axis.fill_between(
                grid, back(low), back(high), color=style["color"], alpha=0.16, linewidth=0
            )
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


def _lines(runs: Sequence[Run]) -> list[tuple[float, Any]]:
    if not runs:
        return []
    reference = float(np.mean([run.reference for run in runs]))
    random = float(np.mean([run.random for run in runs]))
    return [(reference, "-"), (random, (0, (2, 2)))]


def _label(family: Family, axes: Any, y: str) -> None:
    shown = [axis for axis in axes.flat if axis.get_visible()]
    for axis in shown:
        below = axis.get_subplotspec()
        if below.is_first_col():
            axis.set_ylabel(y)
    for axis in shown[-axes.shape[1] :]:
        axis.set_xlabel(STEPS)


def _short(unit: str) -> str:
    return unit.split(",")[0]


def _keys(family: Family, look: fig.Look, markers: bool = True) -> list[Any]:
    """One legend entry per line; N is in the panel titles."""
    looks = {series.curve: look.of(series, family) for series in family.series}
    return [
        fig.key(name, **(style if markers else style | {"marker": ""}), markersize=4)
        for name, style in looks.items()
    ]
