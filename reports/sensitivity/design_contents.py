"""The report of a study with a design: hundreds of settings, so surfaces instead of series."""

from collections.abc import Mapping
from typing import Any

from fedrl.reports.drawing.contents import Contents
from fedrl.reports.sensitivity.chapter import across
from fedrl.reports.sensitivity.family import family_chapter
from fedrl.reports.sensitivity.plane import reference
from fedrl.reports.sensitivity.study import Study
from fedrl.reports.sensitivity.tables import sensitivity_table
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.design import space
from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.surfaces import Designed, surfaces
from fedrl.reports.table.tables import Column, Table, text

LONG = 100  # entries of the provenance; longer lists are counted
READ = (
    "Intervals are bootstraps over seeds, paired between settings; those of means are widened as "
    "few seeds require, those of Γ and Φ are plain percentiles, too narrow with few seeds. Best "
    "settings are chosen on some seeds and scored on others where a number is said to be split; "
    "response curves and maps choose on all seeds, and lean high. No interval accounts for the "
    "number of comparisons on this page."
)


def designed(records: Any, provenance: Mapping[str, Any]) -> Contents:
    """Across environments first, then every family."""
    spec, found = Sensitivity(), surfaces(records)
    importance = provenance.get("importance") or []
    study = Study(records, found, space(provenance), importance, spec)
    chapters = [across(study), *(family_chapter(study, family) for family in study.curves)]
    front = [sensitivity_table(study.owed, study.space, spec), overview(found)]
    return Contents(
        chapters,
        front,
        verdict(study),
        totals(found),
        printed(provenance),
        spec,
        found.surfaces[0].performance.shape[2],
        READ,
    )


def verdict(study: Study) -> str:
    """Say which algorithms owe most and least to tuning per environment."""
    ranked = sorted(study.owed, key=lambda one: (one.phi.value, one.surface.algorithm))
    if len(ranked) < 2:
        return ""
    low, high = ranked[0], ranked[-1]
    apart = "" if low.phi.high < high.phi.low else "; their intervals overlap"
    base = reference(study.owed, study.spec)
    return (
        f"Over {base.environments} environments {low.surface.algorithm} owes least to tuning per "
        f"environment, Φ = {fm.estimated(low.phi, 2)}, and {high.surface.algorithm} most, "
        f"{fm.estimated(high.phi, 2)}{apart}."
    )


def overview(found: Designed) -> Table:
    """What was run, a row per family."""
    rows = []
    for family, own in found.runs.groupby("family", sort=True):
        rows.append(
            {"family": str(family), "algorithms": ", ".join(sorted(set(own["algorithm"])))}
            | {"kappa": ", ".join(f"{k:g}" for k in sorted(set(own["kappa"])))}
            | {"agents": ", ".join(str(n) for n in sorted(set(own["agents"])))}
            | {"cells": own["cell"].nunique(), "seeds": own["seed"].nunique(), "runs": len(own)}
            | {"diverged": int(own["diverged"].sum())}
            | {"reference": ", ".join(sorted(set(own["reference_meaning"].astype(str))))}
        )
    return Table(
        "overview",
        "What was compared",
        "A cell is one setting of one algorithm in one environment. Every run of a family meets "
        "the same environment draws, initial parameters and noise, seed by seed.",
        rows,
        (
            *(text("family", "family"), text("algorithms", "algorithms"), text("κ", "kappa")),
            text("N", "agents"),
            *(
                Column(key, lambda row, key=key: str(row[key]), key)  # type: ignore[misc]
                for key in ("cells", "seeds", "runs", "diverged")
            ),
            text("reference", "reference"),
        ),
        group=(),
    )


def totals(found: Designed) -> dict[str, str]:
    """The study in numbers, for the top of the page."""
    runs = found.runs
    known = runs["seconds"].dropna()
    shown = {
        "studies": ", ".join(sorted(set(runs["study"].astype(str)))),
        "families": ", ".join(sorted(set(runs["family"].astype(str)))),
        "heterogeneity": ", ".join(f"{k:g}" for k in sorted(set(runs["kappa"]))),
        "algorithms": ", ".join(s.algorithm for s in found.surfaces),
        "agents": ", ".join(str(n) for n in sorted(set(runs["agents"]))),
        "settings per algorithm": _spread([len(s.settings) for s in found.surfaces]),
        "seeds": str(runs["seed"].nunique()),
        "runs": fm.number(len(runs)),
        "diverged": fm.number(int(runs["diverged"].sum())),
        "environment steps": fm.number(float(runs["steps_total"].sum())),
    }
    return shown | ({"compute time, s": fm.number(float(known.sum()))} if len(known) else {})


def _spread(counts: list[int]) -> str:
    return str(counts[0]) if len(set(counts)) == 1 else f"{min(counts)}–{max(counts)}"


def printed(provenance: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without what has tables of its own, and long lists counted."""
    shown = {key: value for key, value in provenance.items() if key != "importance"}
    return {key: _counted(value) for key, value in shown.items()}


def _counted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _counted(entry) for key, entry in value.items()}
    if isinstance(value, list) and len(value) > LONG:
        return f"{len(value)} entries, which stand in source/provenance.json"
    return value
