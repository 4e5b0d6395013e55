"""The report: one offline page, and every figure and table beside it, the same bytes each time."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from fedrl.reports.comparison.chapter import SECTIONS, ReportContext, chapter
from fedrl.reports.comparison.leaderboard import leaderboard, standings, verdict
from fedrl.reports.comparison.matrix import matrix
from fedrl.reports.comparison.profile_sections import across
from fedrl.reports.drawing.curves import all_families
from fedrl.reports.drawing.figures import Figure, Look
from fedrl.reports.drawing.section import Contents, Part, Section
from fedrl.reports.drawing.side_by_side import Drawing, Making, Piece, on_paper
from fedrl.reports.page import summary
from fedrl.reports.page.film import with_films
from fedrl.reports.page.html import page
from fedrl.reports.page.paper import document
from fedrl.reports.page.table_export import csv, latex, markdown
from fedrl.reports.sensitivity.design_contents import design_contents
from fedrl.reports.table.normalised_scores import comparable
from fedrl.reports.table.presentation import Presentation
from fedrl.reports.table.records import check, families, hyperparameters
from fedrl.reports.table.runs import apart
from fedrl.reports.table.specification import Specification
from fedrl.reports.table.stages import FEW, named, silent
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
    pool: Executor | None = None,
    films: Callable[[], Sequence[str]] = list,
) -> Path:
    """Write index.html, report.tex, summary.md, figures/*.svg *.pdf, tables/*.csv *.md *.tex.

    Returns the page. `designed`: the surfaces of the records, where they have a design and are
    known already. `tell` hears which part is being made. Processes of a `pool` help to draw what is
    not small; the bytes are the same. `films` makes films and names the families that have one;
    it is called while others draw. Raises ValueError when `records` lack columns, are empty, or
    hold a point twice.
    """
    check(records)
    helped = len(records.drop_duplicates(["cell", "seed"])) >= FEW
    filmed: list[str] = []
    making = Making(tell or silent, pool if helped else None, lambda: filmed.extend(films()))
    if designed is None and is_designed(records):
        designed = surfaces(records)
    shown = Presentation.of(provenance)
    shown.check(*(sorted(map(str, records[name].unique())) for name in ("algorithm", "family")))
    with on_paper(shown.size):
        if designed is None:
            made = compared(records, provenance, shown, making)
        else:
            made = design_contents(records, designed, provenance, making)
    made = made._replace(provenance=with_films(made.provenance, filmed))
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
    making: Making,
) -> Contents:
    """Every family with all of its series side by side."""
    spec = Specification()
    if shown.baseline:
        spec = replace(spec, baseline=shown.baseline)
    found, known = apart(families(records, shown)), hyperparameters(records)
    look = Look(found)
    contexts = [ReportContext(family, look, spec, known) for family in found]
    making.tell("ranking all families")
    entries = comparable([(own.family, own.targets) for own in contexts])
    stages = zip(named([family.name for family in found]), contexts, strict=True)
    pieces = [Piece(stage, draw, own) for stage, own in stages for draw in SECTIONS]
    drawing = Drawing(pieces, shown.size, making)
    ranked = standings(entries, spec)
    runs = last_rows(found)
    highest = max(run.kappa for family in found for run in family.runs)
    aside = [all_families(found, look, spec, highest)]
    beside = Section("All families side by side", "all-families", aside, folded=True)
    together = [beside, *across(entries, look, spec)]
    top = [leaderboard(ranked, spec)] if ranked else []
    sections = iter(drawing.finish())
    return Contents(
        [chapter(own, islice(sections, len(SECTIONS))) for own in contexts],
        [*top, overview(runs, "series", SERIES, shown)],
        verdict(ranked),
        totals(runs, shown),
        provenance,
        spec,
        min(len(runs) for family in found for _, _, runs in family.groups()),
        together=together,
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
