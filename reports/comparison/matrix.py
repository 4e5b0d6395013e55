"""The first table of the page: how far every algorithm came in every family, to drill down into."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from fedrl.reports.drawing.charts import drawn_lines
from fedrl.reports.drawing.figures import Look
from fedrl.reports.statistics import estimates as st
from fedrl.reports.statistics import whole_seeds as ws
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.normalised_scores import area
from fedrl.reports.table.runs import Family, Run
from fedrl.reports.table.specification import Specification
from fedrl.reports.table.tables import Column, Row, Table, bounded, text

ACROSS = 10  # curves side by side that a page of Markdown has room for


@dataclass(frozen=True)
class Matrix(Table):
    """A row per family, below it one per κ and N; a column per curve."""

    lines: tuple[Mapping[str, str], ...] = ()  # label and look of every column
    lead = "Mean height of the learning curve: 0 is the random policy, 1 the reference."

    @property
    def frame(self) -> Any:
        return super().frame.drop(columns=["anchor", "whole", "inner"])

    @property
    def turned(self) -> bool:
        return len(self.lines) > max(ACROSS, len(self.rows))

    @property
    def short(self) -> Table:
        """Families alone where both curves and settings are many."""
        inside = [row for row in self.rows if not row["whole"]]
        if len(self.lines) <= ACROSS or len(inside) <= ACROSS:
            return self
        rows = [row for row in self.rows if row["whole"]]
        caption = f"{self.caption} Single settings are in tables/{self.name}.csv."
        return replace(self, rows=rows, caption=caption)

    def share(self, row: Row, label: str) -> int | None:
        """Per cent of the way from random to reference, for the shade; None without a scale."""
        value = row.get(label, np.nan)
        if not row["scaled"] or not np.isfinite(value):
            return None
        return round(100 * min(max(float(value), 0.0), 1.0))

    def bounds(self, row: Row, label: str) -> str:
        """The interval of an entry, and how many of its runs diverged."""
        if label not in row:
            return ""
        lost = f" {row[f'{label}_diverged']}×" if row[f"{label}_diverged"] else ""
        return fm.brackets(row[f"{label}_low"], row[f"{label}_high"], 2) + lost


def matrix(found: Sequence[Family], look: Look, spec: Specification) -> Matrix:
    """Area under the learning curve as a share of the way; scores where there is no such scale."""
    lines = drawn_lines(found, look)
    rows: list[dict[str, Any]] = []
    for family in found:
        scaled = all(family.has_scale(kappa) for kappa in family.kappas)
        shown = [(fm.panel(*place), [place]) for place in family.panels]
        if len(shown) > 1:
            shown.insert(0, ("all settings", family.panels))
        rows += [
            {"family": family.name, "anchor": f"family-{family.slug}", "scaled": scaled}
            | {"place": name, "whole": i == 0, "inner": 0 if i else len(shown) - 1}
            | _entries(family, [family.among(*place) for place in places], scaled, spec)
            for i, (name, places) in enumerate(shown)
        ]
    return Matrix(
        "matrix",
        "How far every algorithm came",
        "Mean height of the learning curve up to the common budget, as a share of the way from the "
        "random policy (0) to the reference (1): interquartile mean over runs with "
        f"{fm.percent(spec.level)} bootstrap interval over whole seeds. A family without a "
        "reference of its own is scored in its own units, and not shaded. ×: runs that diverged.",
        rows,
        (
            *(text("family", "family"), text("setting", "place")),
            *(Column(line["label"], _shown(line["label"]), line["label"]) for line in lines),
        ),
        group=("family",),
        lines=lines,
    )


def _shown(label: str) -> Any:
    return lambda row: fm.number(row[label], 2 if row["scaled"] else 3) if label in row else "–"


def _entries(
    family: Family, places: Sequence[Sequence[Run]], scaled: bool, spec: Specification
) -> dict[str, Any]:
    """Every curve's value over these settings, with bounds and the number of diverged runs."""
    entries: dict[str, Any] = {}
    height = partial(area, family) if scaled else family.area
    for curve in dict.fromkeys(series.curve for series in family.series):
        own = [[run for run in runs if run.series.curve == curve] for runs in places]
        own = [runs for runs in own if runs]
        if not own:
            continue
        values = [np.array([height(run) for run in runs]) for runs in own]
        seeds = [tuple(run.seed for run in runs) for runs in own]
        if np.isfinite(np.concatenate(values)).all():
            found = ws.interquartile(seeds, values, **spec.bootstrap)
        else:
            found = st.Estimate(float(np.median(np.concatenate(values))), np.nan, np.nan)
        entries |= bounded(curve, found)
        entries[f"{curve}_diverged"] = sum(run.diverged for runs in own for run in runs)
    return entries
