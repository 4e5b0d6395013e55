"""How many times fewer steps each agent needs with more agents: tuned settings and one for all."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.speedup.grids import Tuned
from fedrl.reports.speedup.steps_figure import THEORY
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.runs import Family

WIDEST = 100  # interval, high / low, of a value that is worth a mark
DASHED = {"N and ε": "-", "nothing": (0, (3, 2))}  # what is drawn, and how


def speed_up_figure(family: Family, every: Sequence[Tuned], look: fig.Look) -> fig.Figure:
    """T(N₁) / T(N) = E(N) N / N₁, a row per κ and a column per target."""
    kappas = list(dict.fromkeys(item.grid.kappa for item in every))
    targets = list(dict.fromkeys(item.grid.criterion for item in every))
    algorithms = {item.grid.algorithm: item.grid.name for item in every}
    levels = sorted({n for item in every for n in item.grid.agents})
    styles = fig.looks(look.algorithms).items()
    looks = {name: {k: own[k] for k in ("color", "marker")} for name, own in styles}
    with fig.styled():
        figure, axes = fig.panels(len(kappas), len(targets), 2.4, 2.3, sharex=True, sharey=True)
        for (i, j), axis in np.ndenumerate(axes):
            for item in every:
                if (item.grid.kappa, item.grid.criterion) == (kappas[i], targets[j]):
                    _line(axis, item, looks[item.grid.algorithm])
            axis.plot(levels, np.array(levels) / levels[0], color=fig.SURROUND, **THEORY)
            axis.set_xscale("log")
            axis.set_yscale("log")
            axis.set_xticks(levels, [str(n) for n in levels])
            axis.minorticks_off()
            axis.yaxis.set_major_formatter(lambda y, _: f"{y:g}")
            axis.set_title(f"{fm.level(kappas[i])}, {targets[j]}")
        # an interval may have no end to speak of; values decide what is shown
        shown = [v for axis in axes.flat for line in axis.lines for v in line.get_ydata()]
        axes.flat[0].set_ylim(0.5 * min(shown), 2 * max(shown))
        figure.supxlabel("agents N", fontsize=8)
        figure.supylabel(f"T({levels[0]}) / T(N)", fontsize=8)
        ways = [
            fig.key(text, color=fig.SURROUND, linestyle=DASHED[adapts], linewidth=1.2)
            for text, adapts in (("tuned per N and ε", "N and ε"), ("one for all", "nothing"))
        ]
        names = fig.keys({shown: looks[a] for a, shown in algorithms.items()})
        line = fig.key("theory", color=fig.SURROUND, **THEORY)
        fig.legend(figure, [*names, *ways, line])
        return fig.saved(
            figure,
            f"{family.slug}-tuned",
            "How many times fewer steps with more agents",
            "T(N₁) / T(N) = E(N) N / N₁ of the steps per agent, all ε together, both axes "
            "logarithmic, a column per target: solid under settings chosen per N and ε by the "
            "other half of the seeds, with intervals; dashed under one setting for all N and ε, "
            "chosen likewise. Dotted: theory's N / N₁. No mark where N has no hits or the interval "
            f"is wider than a factor of {WIDEST}.",
        )


def _line(axis: Any, item: Tuned, style: dict[str, Any]) -> None:
    if item.adapts not in DASHED:
        return
    known = [(n, e) for n, e in item.efficiency.items() if e.high <= WIDEST * e.low]
    if not known:
        return
    agents = np.array([n for n, _ in known])
    factor = agents / min(item.grid.agents)
    value, low, high = (factor * np.array([e[k] for _, e in known]) for k in range(3))
    dashes = DASHED[item.adapts]
    axis.plot(agents, value, linestyle=dashes, linewidth=1.2, markersize=4, **style)
    if item.adapts == "N and ε":
        axis.vlines(agents, low, high, style["color"], linewidth=0.8)
