"""The report: one offline page, and every figure and table beside it, the same bytes each time."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedrl.reports.comparison.chapter import ReportContext, chapter
from fedrl.reports.comparison.leaderboard import leaderboard, standings, verdict
from fedrl.reports.comparison.profile_sections import across
from fedrl.reports.drawing.contents import Contents
from fedrl.reports.drawing.figures import Figure, Look
from fedrl.reports.drawing.section import Part
from fedrl.reports.page.html import page
from fedrl.reports.page.paper import document
from fedrl.reports.page.table_export import csv, latex, markdown
from fedrl.reports.sensitivity.design_contents import design_contents
from fedrl.reports.table.design import is_designed
from fedrl.reports.table.normalised_scores import comparable
from fedrl.reports.table.records import families, hyperparameters
from fedrl.reports.table.runs import apart
from fedrl.reports.table.specification import Specification
from fedrl.reports.table.surfaces import Designed, surfaces
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
) -> Path:
    """Write out/index.html, report.tex, figures/*.svg *.pdf, tables/*.csv *.md *.tex; the page.

    `designed`: the surfaces of the records, where they have a design and are known already. Raises
    ValueError when `records` lack columns, are empty, or hold a point twice.
    """
    if designed is None and is_designed(records):
        designed = surfaces(records)
    if designed is None:
        made = compared(records, provenance)
    else:
        made = design_contents(records, designed, provenance)
    html = page(
        title=title,
        description=description,
        incomplete=incomplete(provenance),
        **{**made._asdict(), "provenance": json.loads(json.dumps(made.provenance, default=str))},
    )
    paper = document(title, description, made)
    for part in made.parts:
        _write(part, out)
    (out / "report.tex").write_bytes(paper.encode())
    index = out / "index.html"
    index.write_bytes(html.encode())
    return index


def compared(records: Any, provenance: Mapping[str, Any]) -> Contents:
    """Every family with all of its series side by side."""
    spec, found, known = Specification(), families(records), hyperparameters(records)
    look = Look(found)
    told = [ReportContext(family, look, spec, known) for family in apart(found)]
    entries = comparable([(own.family, own.targets) for own in told])
    ranked = standings(entries, spec)
    runs = last_rows(found)
    top = [leaderboard(ranked, spec)] if ranked else []
    return Contents(
        [chapter(own) for own in told],
        [*top, overview(runs, "series", SERIES)],
        verdict(ranked),
        totals(runs),
        provenance,
        spec,
        min(len(runs) for family in found for _, _, runs in family.groups()),
        together=across(entries, look, spec),
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
        for suffix, text in (("csv", csv(part)), ("md", markdown(part)), ("tex", latex(part))):
            (out / "tables" / f"{part.name}.{suffix}").write_bytes(text.encode())
