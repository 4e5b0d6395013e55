"""Steps to a target against the number of agents, beside linear speed-up."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.statistics import survival as sv
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.runs import Family
from fedrl.reports.table.sample_complexity import Reached

THEORY: dict[str, Any] = {"linewidth": 0.8, "linestyle": (0, (1, 1.5)), "zorder": 1}


def steps_figure(
    family: Family, reached: Sequence[Reached], look: fig.Look, stationarity: bool
) -> fig.Figure:
    """Median steps against N, both logarithmic: a row per κ, a column per ε with a median."""
    kappas = [k for k in family.kappas if any(i.kappa == k for i in reached)]
    told = [i for i in reached if np.isfinite(sv.median_time(i.seen, i.budget))]
    shown = told or [i for i in reached if i.seen.hits]
    epsilons = list(dict.fromkeys(i.epsilon for i in shown))
    levels = sorted({run.agents for run in family.runs})
    spelled = fm.power_of_ten if stationarity else "{:g}".format
    with fig.styled():
        figure, axes = fig.panels(len(kappas), len(epsilons), 2.3, 2.1, sharex=True, sharey="row")
        for (i, j), axis in np.ndenumerate(axes):
            here = [r for r in reached if (r.kappa, r.epsilon) == (kappas[i], epsilons[j])]
            for curve in dict.fromkeys(r.series.curve for r in here):
                _line(axis, family, [r for r in here if r.series.curve == curve], look)
            axis.set_xscale("log")
            axis.set_xticks(levels, [str(n) for n in levels])
            axis.minorticks_off()
            axis.set_title(f"{fm.level(kappas[i])}, ε = {spelled(epsilons[j])}")
        for row in axes:  # panels of a row share their axis: the widest one sets the ticks
            fig.decades_axis(max(row, key=lambda axis: np.ptp(np.log(axis.dataLim.intervaly))))
        figure.supxlabel("agents N", fontsize=8)
        figure.supylabel("environment steps per agent", fontsize=8)
        theory = {"theory, 1/N": {"color": fig.SURROUND, **THEORY}}
        fig.legend(figure, fig.keys(look.curves(family) | theory))
        return fig.saved(
            figure,
            f"{family.slug}-speedup",
            "Steps to ε against the number of agents",
            "Kaplan–Meier median of the environment steps per agent, both axes logarithmic, a row "
            "per κ and a column per ε (of ‖∇J‖²: powers of ten only) that half of the runs of "
            "some algorithm and N hit. Hollow "
            "marks: half of the runs had not hit by the common budget, at which they stand, so the "
            "median lies above. Dotted: linear speed-up from the median at the smallest N.",
        )


def _line(axis: Any, family: Family, reached: Sequence[Reached], look: fig.Look) -> None:
    found = [(family.at(i.kappa, i.series)[0].agents, i) for i in reached]
    points = sorted(found, key=lambda pair: pair[0])
    agents = np.array([n for n, _ in points], dtype=np.float64)
    median = np.array([sv.median_time(item.seen, item.budget) for _, item in points])
    height = np.where(np.isfinite(median), median, [item.budget for _, item in points])
    height = np.where(height > 0, height, np.nan)  # the start meets ε: no logarithm
    style = look.of(points[0][1].series)
    axis.plot(agents, height, color=style["color"], linestyle=style["linestyle"], linewidth=1.2)
    for reaches, fill in ((True, style["color"]), (False, "white")):
        own = np.isfinite(median) == reaches
        marks = {"color": style["color"], "marker": style["marker"], "markerfacecolor": fill}
        axis.plot(agents[own], height[own], linestyle="", markersize=5, **marks)
    if np.isfinite(median[0]) and median[0] > 0:
        axis.plot(agents, median[0] * agents[0] / agents, color=style["color"], **THEORY)
