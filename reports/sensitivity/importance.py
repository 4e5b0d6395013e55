"""Importance of hyperparameters as it was computed from the records (PED-ANOVA), drawn."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fedrl.reports.drawing import figures as fig
from fedrl.reports.sensitivity.responses import columns_of
from fedrl.reports.sensitivity.study import Study
from fedrl.reports.statistics.estimates import Estimate
from fedrl.reports.table.identity import identity
from fedrl.reports.table.runs import Family
from fedrl.reports.table.surfaces.design import Environment, in_order, sign
from fedrl.reports.table.tables import ALGORITHM, Table, bounded, text, with_interval

Rows = Sequence[tuple[Environment, Mapping[str, Any]]]
FIXED = ("family", "kappa", "agents", "algorithm", "hyperparameter", "importance", "low", "high")


def of_family(study: Study, family: Family) -> Rows:
    """The rows of a family that hold a number, with their environment."""
    found = []
    for row in study.importance:
        if str(row["family"]) == family.name and row["importance"] is not None:
            rest = tuple((k, _word(v)) for k, v in row.items() if k not in FIXED)
            place = Environment(family.name, float(row["kappa"]), int(row["agents"]), rest)
            found.append((place, row))
    return found


def importance_bars(study: Study, family: Family, rows: Rows) -> fig.Figure:
    """A group of bars per hyperparameter, a bar per algorithm, a panel per environment."""
    names, styles = study.names, study.looks
    environments = in_order(list(dict.fromkeys(place for place, _ in rows)))
    algorithms = [a for a in styles if any(row["algorithm"] == a for _, row in rows)]
    lookup = {(p, row["algorithm"], row["hyperparameter"]): row for p, row in rows}
    width = 0.8 / len(algorithms)
    columns = columns_of(environments)
    with fig.styled():
        figure, axes = fig.tiles(len(environments), columns, 1.9, 2.9, sharex=True, sharey=True)
        for axis, place in zip(axes, environments, strict=True):
            for i, algorithm in enumerate(algorithms):
                own = [(x, lookup.get((place, algorithm, name))) for x, name in enumerate(names)]
                known = [(x, _estimate(row)) for x, row in own if row is not None]
                x = np.array([at for at, _ in known]) + width * (i - (len(algorithms) - 1) / 2)
                y = np.array([e[0] for _, e in known])
                arms = np.array([[e[0] - e[1], e[2] - e[0]] for _, e in known]).T
                axis.bar(
                    x,
                    y,
                    width * 0.92,
                    color=styles[algorithm]["color"],
                    yerr=np.maximum(np.nan_to_num(arms), 0) if len(known) else None,
                    error_kw={"elinewidth": 0.8, "ecolor": fig.SURROUND},
                    linewidth=0,
                )
            axis.set_title(place.place)
            axis.set_xticks(range(len(names)), [sign(name) for name in names])
            axis.grid(visible=False, axis="x")
        fig.label(axes, "", "importance")
        axes[0].set_ylim(bottom=0)
        fig.legend(
            figure,
            [
                fig.key(
                    identity(a).name,
                    color=styles[a]["color"],
                    linestyle="none",
                    marker="s",
                    markersize=6,
                )
                for a in algorithms
            ],
        )
        return fig.saved(
            figure,
            f"{family.slug}-importance",
            "Importance of hyperparameters",
            "PED-ANOVA: how far the values in the best settings differ from those in all settings, "
            "as a share of the sum over hyperparameters; with bootstrap intervals over seeds. "
            "Noise of few seeds makes shares more alike. "
            "Watanabe, Bansal and Hutter 2023. An algorithm has a bar for what it has.",
        )


def importance_table(study: Study, family: Family, rows: Rows) -> Table:
    """A row per environment and algorithm, a column per hyperparameter."""
    told: dict[tuple[Any, ...], dict[str, Any]] = {}
    for place, row in sorted(rows, key=_key):
        key = (place, row["algorithm"])
        words = {"place": place.place, "algorithm": str(row["algorithm"])}
        own = told.setdefault(key, words | _nothing(study.names))
        own |= bounded(str(row["hyperparameter"]), Estimate(*_estimate(row)))
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


def _nothing(names: Sequence[str]) -> dict[str, float]:
    unknown = Estimate(*[float("nan")] * 3)
    return {k: v for name in names for k, v in bounded(name, unknown).items()}


def _key(pair: tuple[Environment, Mapping[str, Any]]) -> tuple[Any, ...]:
    place, row = pair
    return place.rest, place.agents, place.kappa, row["algorithm"], -float(row["importance"])


def _estimate(row: Mapping[str, Any]) -> tuple[float, float, float]:
    low, high = (float("nan") if row[k] is None else float(row[k]) for k in ("low", "high"))
    return float(row["importance"]), low, high


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)
