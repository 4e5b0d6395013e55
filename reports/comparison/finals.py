"""Figures of the final score: against heterogeneity, and every seed's."""

from typing import Any

import numpy as np

from fedrl.reports.comparison.scores import of_seeds
from fedrl.reports.drawing import figures as fig
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.runs import Family
from fedrl.reports.table.specification import Specification


def heterogeneity(family: Family, look: fig.Look, spec: Specification) -> fig.Figure:
    """Final score against κ, a panel per N."""
    shift = sideways(family)
    with fig.styled():
        figure, axes = fig.panels(1, len(family.agents), 4.6, 2.7, sharey=True)
        handles: dict[str, Any] = {}
        for axis, agents in zip(axes.flat, family.agents, strict=True):
            own = [series for series in family.series if series.agents == agents]
            for place, series in enumerate(own):
                style = look.of(series, family)
                kappas = [kappa for kappa in family.kappas if family.at(kappa, series)]
                finals = [[run.final for run in family.at(k, series)] for k in kappas]
                found = [of_seeds(values, spec) for values in finals]
                x = np.array(kappas) + shift * (place - (len(own) - 1) / 2)
                y = np.array([e.value for e in found])
                error = np.array([[e.value - e.low, e.high - e.value] for e in found]).T
                axis.errorbar(
                    x,
                    y,
                    np.nan_to_num(np.maximum(error, 0)),
                    **style,
                    markersize=5,
                    capsize=2,
                    elinewidth=1.1,
                    markeredgecolor="white",
                    markeredgewidth=0.5,
                )
                handles.setdefault(series.curve, fig.key(series.curve, **style, markersize=5))
            _references(axis, family, agents)
            axis.set_xticks(family.kappas)
            axis.set_xlabel("heterogeneity κ")
            if agents is not None:
                axis.set_title(f"N = {agents}")
        axes[0, 0].set_ylabel(f"final {family.unit.split(',')[0]}")
        extra = [
            fig.key("reference", color=fig.SURROUND, linewidth=1),
            fig.key("random policy", color=fig.SURROUND, linewidth=1, linestyle=(0, (2, 2))),
        ]
        fig.legend(figure, [*handles.values(), *extra])
        return fig.saved(
            figure,
            f"{family.slug}-heterogeneity",
            "Final score and heterogeneity",
            "Interquartile mean over seeds of the final score at each κ, with "
            f"{fm.percent(spec.level)} bootstrap interval; points are set apart sideways so that "
            "intervals can be told apart. Grey: mean reference and random policy at that κ.",
        )


def sideways(family: Family) -> float:
    """How far points at one κ are set apart."""
    gaps = np.diff(family.kappas)
    return float(0.035 * (gaps.min() if len(gaps) else 1.0))


def _references(axis: Any, family: Family, agents: int | None) -> None:
    for name, dashes in (("reference", "-"), ("random", (0, (2, 2)))):
        runs = [run for run in family.runs if run.series.agents == agents]
        kappas = sorted({run.kappa for run in runs})
        y = [np.mean([getattr(run, name) for run in runs if run.kappa == k]) for k in kappas]
        marker = "" if len(kappas) > 1 else "_"
        axis.plot(
            kappas,
            y,
            color=fig.SURROUND,
            linewidth=1,
            linestyle=dashes,
            zorder=1,
            marker=marker,
            markersize=14,
        )


def strip(family: Family, look: fig.Look, spec: Specification) -> fig.Figure:
    """A row per series, a panel per κ, a mark per seed."""
    rows, across = family.series, fig.across(len(family.kappas))
    down = -(-len(family.kappas) // across)
    with fig.styled():
        figure, axes = fig.panels(
            down, across, 3.4 if across < 3 else 2.5, 0.3 * len(rows) + 0.85, sharey=True
        )
        for axis in list(axes.flat)[len(family.kappas) :]:
            axis.set_visible(False)
        for axis, kappa in zip(axes.flat, family.kappas, strict=False):
            axis.set_title(fm.level(kappa))
            for place, series in enumerate(rows):
                _row(axis, place, family, kappa, series, look, spec)
            for value, dashes in _marks(family, kappa):
                axis.axvline(value, color=fig.SURROUND, linewidth=1, linestyle=dashes, zorder=1)
            axis.set_yticks(range(len(rows)), [series.label for series in rows])
            axis.set_ylim(len(rows) - 0.5, -0.5)
            axis.tick_params(axis="y", length=0)
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
        axis.plot(
            [middle.low, middle.high],
            [place, place],
            color=style["color"],
            linewidth=5,
            alpha=0.3,
            solid_capstyle="butt",
        )
    axis.plot([middle.value] * 2, [place - 0.34, place + 0.34], color="black", linewidth=1.4)


def _marks(family: Family, kappa: float) -> list[tuple[float, Any]]:
    runs = family.at(kappa)
    reference = float(np.mean([run.reference for run in runs]))
    return [(reference, "-"), (float(np.mean([run.random for run in runs])), (0, (2, 2)))]
