"""The report: one offline page, and every figure and table beside it, the same bytes each time."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reports.chapter import Told, chapter
from reports.compared import overview
from reports.figures import Drawn, Look
from reports.html import page
from reports.leaderboard import leaderboard, standings, verdict
from reports.paper import document
from reports.printed import csv, latex, markdown
from reports.profile_sections import across
from reports.records import families, hyperparameters
from reports.runs import Family
from reports.section import Part
from reports.specification import Specification
from reports.tables import Table
from reports.totals import incomplete, totals


def write_report(
    records: Any, provenance: Mapping[str, Any], out: Path, *, title: str, description: str
) -> Path:
    """Write out/index.html, report.tex, figures/*.svg *.pdf, tables/*.csv *.md *.tex; the page.

    Raises ValueError when `records` lack columns, are empty, or hold a point twice.
    """
    spec, found, known = Specification(), families(records), hyperparameters(records)
    look = Look(found)
    told = [Told(family, look, spec, known) for family in _apart(found)]
    chapters = [chapter(own) for own in told]
    entries = [(own.family, own.targets) for own in told]
    ranked, together = standings(entries, spec), across(entries, look, spec)
    top = [leaderboard(ranked, spec)] if ranked else []
    front = [*top, overview(found)]
    html = page(
        title=title,
        description=description,
        chapters=chapters,
        front=front,
        together=together,
        verdict=verdict(ranked),
        provenance=json.loads(json.dumps(provenance, default=str)),
        totals=totals(found),
        fewest=min(len(runs) for family in found for _, _, runs in family.groups()),
        incomplete=incomplete(provenance),
        spec=spec,
    )
    paper = document(title, description, verdict(ranked), front, together, chapters)
    sections = [*together, *(section for own in chapters for section in own.sections)]
    for part in [*front, *(part for section in sections for part in section.parts)]:
        _write(part, out)
    (out / "report.tex").write_bytes(paper.encode())
    index = out / "index.html"
    index.write_bytes(html.encode())
    return index


def _write(part: Part, out: Path) -> None:
    """A figure or a table beside the page, in every format; an explorer lives on the page."""
    (out / "figures").mkdir(parents=True, exist_ok=True)
    (out / "tables").mkdir(parents=True, exist_ok=True)
    if isinstance(part, Drawn):
        (out / "figures" / f"{part.name}.svg").write_bytes(part.svg)
        (out / "figures" / f"{part.name}.pdf").write_bytes(part.pdf)
    if isinstance(part, Table):
        for suffix, text in (("csv", csv(part)), ("md", markdown(part)), ("tex", latex(part))):
            (out / "tables" / f"{part.name}.{suffix}").write_bytes(text.encode())


def _apart(found: Sequence[Family]) -> list[Family]:
    """Families whose names give the same file name are told apart by a number."""
    seen: dict[str, int] = {}
    apart = []
    for family in found:
        seen[family.slug] = seen.get(family.slug, 0) + 1
        suffix = f"-{seen[family.slug]}" if seen[family.slug] > 1 else ""
        apart.append(replace(family, suffix=suffix))
    return apart
