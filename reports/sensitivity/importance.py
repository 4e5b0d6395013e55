"""Importance of hyperparameters as it was computed from the records (PED-ANOVA), drawn."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing import marks
from fedrl.reports.sensitivity.responses import columns_of
from fedrl.reports.sensitivity.study import Study
from fedrl.reports.statistics.estimates import UNKNOWN
from fedrl.reports.table.identity import identity
from fedrl.reports.table.runs import Family
from fedrl.reports.table.surfaces.design import Importance, in_order, sign
from fedrl.reports.table.tables import ALGORITHM, Table, bounded, text, with_interval


def importance_bars(study: Study, family: Family, known: Sequence[Importance]) -> fig.Figure:
    """A group of bars per hyperparameter, a bar per algorithm, a panel per environment."""
    names, styles = study.names, study.looks
    environments = in_order(list(dict.fromkeys(one.place for one in known)))
    algorithms = [a for a in styles if any(one.algorithm == a for one in known)]
    shares = {(one.place, one.algorithm, one.hyperparameter): one.share for one in known}
    width = 0.8 / len(algorithms)
    columns = columns_of(environments)
    with fig.styled():
        figure, axes = fig.tiles(len(environments), columns, 1.9, 2.9, sharex=True, sharey=True)
        for axis, place in zip(axes, environments, strict=True):
            for i, algorithm in enumerate(algorithms):
                own = [shares.get((place, algorithm, name), UNKNOWN) for name in names]
                y, low, high = np.array(own).T
                shown = np.isfinite(y)
                x = np.arange(len(names)) + width * (i - (len(algorithms) - 1) / 2)
                axis.bar(
                    x[shown],
                    y[shown],
                    width * 0.92,
                    color=styles[algorithm]["color"],
                    yerr=marks.arms(y, low, high)[:, shown] if shown.any() else None,
                    error_kw={"elinewidth": 0.8, "ecolor": fig.SURROUND},
                    linewidth=0,
                )
            axis.set_title(place.place)
            axis.set_xticks(range(len(names)), [sign(name) for name in names])
            axis.grid(visible=False, axis="x")
        fig.label(axes, "", "importance")
        axes[0].set_ylim(bottom=0)
        colours = {identity(a).name: {"color": styles[a]["color"]} for a in algorithms}
        fig.legend(figure, fig.keys(colours, linestyle="none", marker="s", markersize=6))
        return fig.saved(
            figure,
            f"{family.slug}-importance",
            "Importance of hyperparameters",
            "PED-ANOVA: how far the values in the best settings differ from those in all settings, "
            "as a share of the sum over hyperparameters; with bootstrap intervals over seeds. "
            "Noise of few seeds makes shares more alike. "
            "Watanabe, Bansal and Hutter 2023. An algorithm has a bar for what it has.",
        )


def importance_table(study: Study, family: Family, known: Sequence[Importance]) -> Table:
    """A row per environment and algorithm, a column per hyperparameter."""
    nothing = {k: v for name in study.names for k, v in bounded(name, UNKNOWN).items()}
    told: dict[tuple[Any, ...], dict[str, Any]] = {}
    for place in in_order(list(dict.fromkeys(one.place for one in known))):
        own = [one for one in known if one.place == place]
        for one in sorted(own, key=lambda one: (one.algorithm, -one.share.value)):
            words = {"place": place.place, "algorithm": one.algorithm}
            row = told.setdefault((place, one.algorithm), words | nothing)
            row |= bounded(one.hyperparameter, one.share)
    return Table(
        f"{family.slug}-importances",
        "Importance of hyperparameters",
        "The numbers of the figure.",
        list(told.values()),
        (
            text("environment", "place"),
            ALGORITHM,
            *(with_interval(sign(name), name, 2) for name in study.names),
        ),
        group=("place",),
    )
