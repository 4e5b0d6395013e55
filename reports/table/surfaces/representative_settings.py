"""Which of hundreds of settings have their learning curves drawn: best, median and worst."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fedrl.reports.table.columns import COORDINATE, DIAGNOSTIC, HETEROGENEITY
from fedrl.reports.table.records import families, hyperparameters
from fedrl.reports.table.runs import Family, apart
from fedrl.reports.table.surfaces.design import Space, Surface
from fedrl.reports.table.surfaces.from_records import Designed
from fedrl.reports.table.tables import Table, numeric, text

RANKS = ("best", "median", "worst")


class Shown(NamedTuple):
    """One setting."""

    family: str
    algorithm: str
    shown_as: str
    setting: str
    performance: float  # mean over the family's environments
    cells: tuple[str, ...]


def shown(surfaces: Sequence[Surface], family: str, space: Space) -> list[Shown]:
    """By the mean over the family's environments; fewer where an algorithm has fewer settings."""
    found = []
    for surface in surfaces:
        places = surface.of(family)
        mean = surface.means[places].mean(axis=0)
        order = np.argsort(-mean, kind="stable")
        taken: set[int] = set()
        ranked = (("best", order[0]), ("worst", order[-1]), ("median", order[len(order) // 2]))
        for rank, h in ranked:
            if h not in taken:
                taken.add(h)
                cells = tuple(surface.cells[i][h] for i in places)
                name = space.setting(surface.names, surface.settings[h])
                found.append(Shown(family, surface.algorithm, rank, name, float(mean[h]), cells))
    return sorted(found, key=lambda one: (one.algorithm, RANKS.index(one.shown_as)))


def shown_families(records: Any, designed: Designed, chosen: Sequence[Shown]) -> list[Family]:
    """The runs of these settings alone, named by their rank; references are those of the study."""
    ranks = {cell: one.shown_as for one in chosen for cell in one.cells}
    rows = records[records["cell"].isin(ranks)]
    told = [str(c) for c in rows.columns if str(c).startswith((DIAGNOSTIC, COORDINATE))]
    told += [c for c in (HETEROGENEITY,) if c in rows.columns]
    apart_by = {name for e in designed.surfaces[0].environments for name, _ in e.rest}
    varied = [n for n in hyperparameters(records) if n not in apart_by]
    known = designed.runs.set_index(["cell", "seed"])[["reference", "reference_meaning"]]
    rows = rows.drop(columns=[*told, *varied, "reference", "reference_meaning"], errors="ignore")
    rows = rows.join(known, on=["cell", "seed"])
    return apart(families(rows.assign(setting=rows["cell"].map(ranks))))


def shown_table(chosen: Sequence[Shown], slug: str) -> Table:
    """Tabulate the best, median and worst settings."""
    rows = [one._asdict() | {"cells": len(one.cells)} for one in chosen]
    return Table(
        f"{slug}-shown",
        "Settings whose learning curves are drawn",
        "Best, median and worst by performance, averaged over the environments of the family.",
        rows,
        (
            text("algorithm", "algorithm"),
            text("shown as", "shown_as"),
            text("setting", "setting"),
            numeric("performance", "performance"),
        ),
        group=("algorithm",),
    )
