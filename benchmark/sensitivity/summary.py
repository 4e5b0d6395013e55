"""Sensitivity in a few numbers per algorithm, those of the report."""

from collections.abc import Sequence

from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.surfaces.design import Surface
from fedrl.reports.table.surfaces.tuning_sensitivity import TuningSensitivity, gammas, owed


def summarise(surfaces: Sequence[Surface]) -> list[TuningSensitivity]:
    """A line per algorithm; none where no setting differs from another."""
    try:
        scaled, kept = gammas(surfaces)
    except ValueError:
        return []
    spec = Sensitivity()
    return [owed(one, gamma, kept, spec) for one, gamma in zip(surfaces, scaled, strict=True)]
