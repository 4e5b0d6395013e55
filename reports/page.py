"""The report: figures, tables and one offline page, the same bytes whenever it is rebuilt."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from reports import compared, complexity, curves, finals, ledger, paired, scores, speedup_section
from reports import formatting as fm
from reports.figures import Drawn, Look
from reports.records import families, hyperparameters
from reports.runs import Family
from reports.specification import Specification
from reports.tables import Table
from reports.words import sentences


@dataclass(frozen=True)
class Section:
    """One part of a family's chapter, in the order of the page."""

    title: str
    anchor: str
    parts: tuple[Drawn | Table, ...]
    note: str = ""


@dataclass(frozen=True)
class Chapter:
    """One family: what is said of it at the top, and its sections."""

    family: Family
    anchor: str
    says: list[str]
    sections: list[Section]


def write_report(
    records: Any, provenance: Mapping[str, Any], out: Path, *, title: str, description: str
) -> Path:
    """Write out/index.html, out/figures/*.svg and *.pdf, out/tables/*.csv; return index.html.

    Raises ValueError when `records` lack columns, are empty, or hold a point twice.
    """
    spec, found = Specification(), families(records)
    known = hyperparameters(records)
    look = Look(found)
    chapters = [_chapter(family, look, spec, known) for family in _apart(found)]
    overview = compared.overview(found)
    parts = [part for c in chapters for section in c.sections for part in section.parts]
    html = (
        _environment()
        .get_template("report.html.j2")
        .render(
            title=title,
            description=description,
            chapters=chapters,
            overview=overview,
            provenance=json.loads(json.dumps(provenance, default=str)),
            totals=_totals(found),
            fewest=min(len(runs) for family in found for _, _, runs in family.groups()),
            incomplete=_incomplete(provenance),
            spec=spec,
        )
    )
    (out / "figures").mkdir(parents=True, exist_ok=True)
    (out / "tables").mkdir(parents=True, exist_ok=True)
    for part in [overview, *parts]:
        if isinstance(part, Drawn):
            (out / "figures" / f"{part.name}.svg").write_bytes(part.svg)
            (out / "figures" / f"{part.name}.pdf").write_bytes(part.pdf)
        else:
            text = part.frame.to_csv(index=False, float_format="%.10g", lineterminator="\n")
            (out / "tables" / f"{part.name}.csv").write_bytes(text.encode())
    index = out / "index.html"
    index.write_bytes(html.encode())
    return index


def _apart(found: Sequence[Family]) -> list[Family]:
    """Families whose names give the same file name are told apart by a number."""
    seen: dict[str, int] = {}
    apart = []
    for family in found:
        seen[family.slug] = seen.get(family.slug, 0) + 1
        suffix = f"-{seen[family.slug]}" if seen[family.slug] > 1 else ""
        apart.append(replace(family, suffix=suffix))
    return apart


def _chapter(family: Family, look: Look, spec: Specification, known: Sequence[str]) -> Chapter:
    targets = complexity.score_targets(family, spec)
    slug = family.slug
    several = len(family.kappas) > 1
    steps: list[Drawn | Table] = [complexity.complexity_table(family, targets, spec)]
    if any(item.mean.value < item.budget for item in targets):
        steps.insert(0, curves.reached_curves(family, targets, look, spec))
    sections = [
        Section(
            "Learning curves", f"{slug}-learning", (curves.learning_curves(family, look, spec),)
        ),
        Section("Sample complexity", f"{slug}-steps", tuple(steps), _on_targets(family, targets)),
        Section(
            "Heterogeneity",
            f"{slug}-kappa",
            (finals.heterogeneity(family, look, spec),)
            + ((scores.drop_table(family, spec),) if several else ()),
            "" if several else "One level of heterogeneity was run: there is no change to show.",
        ),
    ]
    if family.has_stationarity:
        gradient = complexity.stationarity_targets(family, spec)
        table = complexity.complexity_table(family, gradient, spec, stationarity=True)
        sections.append(
            Section(
                "Stationarity",
                f"{slug}-gradient",
                (curves.stationarity_curves(family, look, spec), table),
            )
        )
    if speedup_section.varies(family):
        title, found = "Speed-up in N and exponent in ε", speedup_section.parts(family, look, spec)
        sections.append(Section(title, f"{slug}-speedup", *found))
    sections += [
        Section("Scores", f"{slug}-score", (scores.score_table(family, spec),)),
        Section(
            "Every seed",
            f"{slug}-every",
            (finals.strip(family, look, spec), ledger.seed_scores(family)),
        ),
        Section(
            "Paired comparison",
            f"{slug}-pairs",
            (paired.paired_table(family, spec), paired.speed_table(family, targets, spec)),
        ),
        Section("Settings", f"{slug}-settings", (compared.settings(family, known),)),
        Section("Ledger", f"{slug}-cost", (ledger.ledger(family),)),
    ]
    kept = [replace(s, parts=tuple(p for p in s.parts if _something(p))) for s in sections]
    return Chapter(family, f"family-{slug}", sentences(family, targets, spec), kept)


def _on_targets(family: Family, targets: Sequence[complexity.Reached]) -> str:
    """What has to be known before the numbers of a family's sample complexity are read."""
    notes = []
    unset = [k for k in family.kappas if not complexity.has_targets(family.at(k))]
    if unset:
        where = fm.listed([fm.level(kappa) for kappa in unset])
        notes.append(
            f"No target is defined at {where}: the reference is not above the random policy."
        )
    if targets and not any(item.seen.hits for item in targets):
        notes.append("No run reached any target.")
    for kappa in family.kappas:
        budgets = [run.budget for run in family.at(kappa)]
        if max(budgets) > 1.5 * min(budgets):
            notes.append(
                f"At {fm.level(kappa)} budgets range from {fm.number(min(budgets))} to "
                f"{fm.number(max(budgets))} steps per agent, and the restricted mean stops at the "
                "smallest: where worse policies have shorter episodes, they also set the budget."
            )
    return " ".join(notes)


def _something(part: Drawn | Table) -> bool:
    return isinstance(part, Drawn) or bool(part.rows)


def _totals(found: Sequence[Family]) -> dict[str, str]:
    """The study in numbers, for the top of the page."""
    runs = [run for family in found for run in family.runs]
    seconds = np.array([float(run.last["seconds"]) for run in runs])
    known = seconds[np.isfinite(seconds)]
    totals = {
        "studies": ", ".join(sorted({str(run.last["study"]) for run in runs})),
        "families": ", ".join(family.name for family in found),
        "heterogeneity": ", ".join(f"{k:g}" for k in sorted({run.kappa for run in runs})),
        "algorithms": ", ".join(sorted({run.series.algorithm for run in runs})),
        "agents": ", ".join(str(n) for n in sorted({run.agents for run in runs})),
        "seeds": str(len({run.seed for run in runs})),
        "runs": str(len(runs)),
        "diverged": str(sum(run.diverged for run in runs)),
        "environment steps": fm.number(sum(float(run.last["steps_total"]) for run in runs)),
    }
    return totals | ({"compute time, s": fm.number(float(known.sum()))} if len(known) else {})


def _incomplete(provenance: Mapping[str, Any]) -> dict[str, Any] | None:
    runs = provenance.get("runs")
    if not isinstance(runs, Mapping):
        return None
    finished, expected = runs.get("finished"), runs.get("expected")
    missing = [str(name) for name in runs.get("missing") or []]
    stale = runs.get("stale") or 0
    if finished == expected and not missing and not stale:
        return None
    gaps = finished != expected or missing
    return {"finished": finished, "expected": expected, "missing": missing, "stale": stale} | {
        "gaps": bool(gaps)
    }


def _environment() -> jinja2.Environment:
    """Templates beside this file; everything is escaped unless it is our own SVG."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.tests["figure"] = lambda part: isinstance(part, Drawn)
    environment.tests["flat"] = _flat
    return environment


def _flat(value: Any) -> bool:
    """True for a list of dicts of scalars, which prints as one table."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(item, dict)
            and not any(isinstance(entry, (dict, list)) for entry in item.values())
            for item in value
        )
    )
