"""Optimality gap and mean rank of every curve, over all settings and in each family."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fedrl.reports.comparison.profiles import EVERYWHERE, Setting, places, within
from fedrl.reports.drawing import figures as fig
from fedrl.reports.drawing import marks
from fedrl.reports.statistics import aggregates as ag
from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics import whole_seeds as ws
from fedrl.reports.statistics.estimates import Array
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.normalised_scores import Scaled
from fedrl.reports.table.specification import Specification
from fedrl.reports.table.tables import Column, Table, bounded, text, with_interval

Ranked = tuple[tuple[int, ...], Array]  # the seeds that all of a race share, and a rank in each


def gap(own: Sequence[Scaled], score: str, spec: Specification) -> st.Estimate:
    """Mean of max(1 − x, 0) over runs."""
    short = [ag.shortfall(getattr(item, score)) for item in own]
    return ws.mean([item.seeds for item in own], short, **spec.bootstrap)


def race(entered: Mapping[str, Mapping[int, float]]) -> dict[str, Ranked]:
    """Curve → its rank within every seed that all share; `entered` has scores, more is better."""
    shared = tuple(sorted(set.intersection(*(set(scores) for scores in entered.values()))))
    if not shared:
        return {}
    found = ag.ranks([[scores[seed] for seed in shared] for scores in entered.values()])
    return {curve: (shared, row) for curve, row in zip(entered, found, strict=True)}


def ranks(found: Sequence[Scaled], place: str) -> dict[str, list[Ranked]]:
    """Curve → its ranks by final score, setting by setting."""
    races: dict[Setting, dict[str, dict[int, float]]] = {}
    for item in found:
        if place in (EVERYWHERE, item.family):
            races.setdefault(item.setting, {})[item.curve] = item.by_seed("final")
    return together(races.values())


def together(races: Iterable[Mapping[str, Mapping[int, float]]]) -> dict[str, list[Ranked]]:
    """Curve → its ranks, race by race."""
    points: dict[str, list[Ranked]] = {}
    for entered in races:
        for curve, ranked in race(entered).items():
            points.setdefault(curve, []).append(ranked)
    return points


def rank(ranked: Sequence[Ranked], spec: Specification) -> st.Estimate:
    """Mean over problems; NaN where there was none."""
    seeds, rows = [s for s, _ in ranked], [row for _, row in ranked]
    return ws.mean(seeds, rows, **spec.bootstrap)


def standing_rows(found: Sequence[Scaled], spec: Specification) -> list[dict[str, Any]]:
    """A row per place and curve, the smallest gap of the final score first."""
    rows = []
    for place in places(found):
        ranked = ranks(found, place)
        own = [
            {"place": place, "series": curve, "settings": len(items)}
            | {"runs": sum(len(item.seeds) for item in items)}
            | bounded("gap_final", gap(items, "final", spec))
            | bounded("gap_area", gap(items, "area", spec))
            | bounded("rank_by_final", rank(ranked.get(curve, []), spec))
            for curve, items in within(found, place)
        ]
        rows += sorted(own, key=lambda row: (row["gap_final"], row["series"]))
    return rows


def standing_table(rows: Sequence[dict[str, Any]], spec: Specification) -> Table:
    """Gaps and ranks."""
    return Table(
        "standing",
        "Optimality gap and mean rank",
        "Scores are scaled so that 0 is the random policy and 1 the reference of their setting. "
        "Optimality gap: mean over runs of max(1 − score, 0), of the final score and of the mean "
        "height of the curve; smaller is better, and nothing is gained beyond the reference. Mean "
        "rank: by final score within every seed of every setting, among the algorithms that "
        f"entered it; 1 is best, ties share. {fm.percent(spec.level)} bootstrap intervals over "
        "seeds, each redrawn with its runs in all settings.",
        rows,
        (
            *(text("where", "place"), text("algorithm", "series")),
            Column("settings", lambda row: str(row["settings"]), "settings"),
            Column("runs", lambda row: str(row["runs"]), "runs"),
            with_interval("gap of the final score", "gap_final"),
            with_interval("gap of the area", "gap_area"),
            with_interval("mean rank by final score", "rank_by_final"),
        ),
        group=("place",),
    )


def standing_figure(rows: Sequence[dict[str, Any]], looks: Any, spec: Specification) -> fig.Figure:
    """A panel per statistic, a row per curve, over all settings; `looks` by curve."""
    first = [row for row in rows if row["place"] == rows[0]["place"]]
    shown = (
        ("gap_final", "gap of the final score"),
        ("gap_area", "gap of the area"),
        ("rank_by_final", "mean rank by final score"),
    )
    with fig.styled():
        figure, axes = fig.panels(1, 3, 2.45, 0.24 * len(first) + 0.75, sharey=True)
        for axis, (key, label) in zip(axes.flat, shown, strict=True):
            for height, row in enumerate(first):
                look = looks[row["series"]] | {"linestyle": "-"}
                marks.bar(axis, row[f"{key}_low"], row[f"{key}_high"], height, look["color"])
                axis.plot(row[key], height, **look, markersize=5, markeredgewidth=0)
            axis.set_xlabel(label)
            marks.name_rows(axis, [row["series"] for row in first])
        return fig.saved(
            figure,
            "standing",
            "Optimality gap and mean rank",
            f"Over {'all settings' if first[0]['place'] == EVERYWHERE else first[0]['place']}: "
            f"values and {fm.percent(spec.level)} intervals of the table, one row per algorithm. "
            "In every panel smaller is better.",
        )
