"""The report: one offline page, and every figure and table beside it, the same bytes each time."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fedrl.reports.comparison.chapter import ReportContext, chapter
from fedrl.reports.comparison.leaderboard import leaderboard, standings, verdict
from fedrl.reports.comparison.matrix import matrix
from fedrl.reports.comparison.profile_sections import across
from fedrl.reports.drawing.curves import all_families
from fedrl.reports.drawing.figures import Figure, Look, paper
from fedrl.reports.drawing.section import Contents, Part, Section
from fedrl.reports.page import summary
from fedrl.reports.page.html import page
from fedrl.reports.page.paper import document
from fedrl.reports.page.table_export import csv, latex, markdown
from fedrl.reports.sensitivity.design_contents import design_contents
from fedrl.reports.table.normalised_scores import comparable
from fedrl.reports.table.presentation import Presentation
from fedrl.reports.table.records import check, families, hyperparameters
from fedrl.reports.table.runs import apart
from fedrl.reports.table.specification import Specification
from fedrl.reports.table.stages import silent, told
from fedrl.reports.table.surfaces.design import is_designed
from fedrl.reports.table.surfaces.from_records import Designed, surfaces
from fedrl.reports.table.tables import Data, Table
from fedrl.reports.table.totals import incomplete, last_rows, overview, totals

SERIES = "Series are algorithms with their varied settings; seeds are runs per series and κ."


def write_report(
    records: Any,
    provenance: Mapping[str, Any],
    out: Path,
    *,
    title: str,
    description: str,
    designed: Designed | None = None,
    tell: Callable[[str], None] | None = None,
) -> Path:
    """Write index.html, report.tex, summary.md, figures/*.svg *.pdf, tables/*.csv *.md *.tex.

    Returns the page. `designed`: the surfaces of the records, where they have a design and are
    known already. `tell` hears which part is being made. Raises ValueError when `records` lack
    columns, are empty, or hold a point twice.
    """
    check(records)
    tell = tell or silent
    if designed is None and is_designed(records):
        designed = surfaces(records)
    shown = Presentation.of(provenance)
    shown.check(*(sorted(map(str, records[name].unique())) for name in ("algorithm", "family")))
    # Scores that overflowed are data here: ∞ − ∞ deserves no warning.
    with paper(shown.size), np.errstate(invalid="ignore", over="ignore"):
        if designed is None:
            made = compared(records, provenance, shown, tell)
        else:
            made = design_contents(records, designed, provenance, tell)
    html = page(
        title=title,
        description=description,
        incomplete=incomplete(provenance),
        **{**made._asdict(), "provenance": json.loads(json.dumps(made.provenance, default=str))},
    )
    source = document(title, description, made)
    for part in made.parts:
        _write(part, out)
    (out / "report.tex").write_bytes(source.encode())
    (out / summary.NAME).write_bytes(summary.summary(made).encode())
    index = out / "index.html"
    index.write_bytes(html.encode())
    return index


def compared(
    records: Any,
    provenance: Mapping[str, Any],
    shown: Presentation,
    tell: Callable[[str], None] = silent,
) -> Contents:
    """Every family with all of its series side by side."""
    spec = Specification()
    if shown.baseline:
        spec = replace(spec, baseline=shown.baseline)
    found, known = apart(families(records, shown)), hyperparameters(records)
    look = Look(found)
    contexts = [ReportContext(family, look, spec, known) for family in found]
    tell("ranking all families")
    entries = comparable([(own.family, own.targets) for own in contexts])
    ranked = standings(entries, spec)
    runs = last_rows(found)
    highest = max(run.kappa for family in found for run in family.runs)
    aside = [all_families(found, look, spec, highest)]
    beside = Section("All families side by side", "all-families", aside, folded=True)
    top = [leaderboard(ranked, spec)] if ranked else []
    return Contents(
        [chapter(own) for own in told(tell, contexts, [family.name for family in found])],
        [*top, overview(runs, "series", SERIES, shown)],
        verdict(ranked),
        totals(runs, shown),
        provenance,
        spec,
        min(len(runs) for family in found for _, _, runs in family.groups()),
        together=[beside, *across(entries, look, spec)],
        first=[matrix(found, look, spec)],
    )


def _write(part: Part, out: Path) -> None:
    """A figure or a table beside the page, in every format; an explorer lives on the page."""
    (out / "figures").mkdir(parents=True, exist_ok=True)
    (out / "tables").mkdir(parents=True, exist_ok=True)
    if isinstance(part, Figure):
        (out / "figures" / f"{part.name}.svg").write_bytes(part.svg)
        (out / "figures" / f"{part.name}.pdf").write_bytes(part.pdf)
    if isinstance(part, Data):
        (out / "tables" / f"{part.name}.csv").write_bytes(csv(part).encode())
    if isinstance(part, Table):
        (out / "tables" / f"{part.name}.md").write_bytes(markdown(part).encode())
        (out / "tables" / f"{part.name}.tex").write_bytes(latex(part).encode())
