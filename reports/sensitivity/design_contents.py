"""The report of a study with a design: hundreds of settings, so surfaces instead of series."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from fedrl.reports.drawing.section import Contents
from fedrl.reports.drawing.side_by_side import Drawing, Making, Piece
from fedrl.reports.sensitivity.chapter import across
from fedrl.reports.sensitivity.family import family_chapter
from fedrl.reports.sensitivity.plane import reference
from fedrl.reports.sensitivity.study import Study
from fedrl.reports.sensitivity.tables import sensitivity_table
from fedrl.reports.table import formatting as fm
from fedrl.reports.table.presentation import Presentation
from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.stages import named
from fedrl.reports.table.surfaces.design import importances, space
from fedrl.reports.table.surfaces.from_records import Designed
from fedrl.reports.table.totals import overview, spread, totals

CELL = "A cell is one setting of one algorithm in one environment."
LONG = 100  # entries of the provenance; longer lists are counted
READ = (
    "Intervals are bootstraps over seeds, paired between settings; those of means are widened as "
    "few seeds require, those of Γ and Φ redraw one seed less than there are. Best "
    "settings are chosen on some seeds and scored on others where a number is said to be split; "
    "response curves and maps choose on all seeds, and lean high. No interval accounts for the "
    "number of comparisons on this page."
)


def design_contents(
    records: Any,
    found: Designed,
    provenance: Mapping[str, Any],
    making: Making,
) -> Contents:
    """Across environments first, then every family."""
    spec, shown = Sensitivity(), Presentation.of(provenance)
    study = Study(records, found, space(provenance), importances(provenance), spec)
    stages = named([family.name for family in study.curves])
    pieces = [Piece("all environments", across, study)]
    for place, stage in enumerate(stages):
        pieces.append(Piece(stage, partial(family_chapter, place=place), study))
    chapters = Drawing(pieces, shown.size, making).finish()
    front = [sensitivity_table(study), overview(found.runs, "cell", CELL, shown)]
    settings = spread([len(surface.settings) for surface in found.surfaces])
    return Contents(
        chapters,
        front,
        verdict(study),
        totals(found.runs, shown, {"settings per algorithm": settings}),
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
        f"Over {base.environments} environments {low.surface.printed} owes least to tuning per "
        f"environment, Φ = {fm.estimated(low.phi, 2)}, and {high.surface.printed} most, "
        f"{fm.estimated(high.phi, 2)}{apart}."
    )


def printed(provenance: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without what has tables of its own, and long lists counted."""
    return {key: _counted(value) for key, value in provenance.items() if key != "importance"}


def _counted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _counted(entry) for key, entry in value.items()}
    if isinstance(value, list) and len(value) > LONG:
        return f"{len(value)} entries, which stand in source/provenance.json"
    return value
