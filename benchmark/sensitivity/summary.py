"""Sensitivity in a few numbers per algorithm, those of the report."""

from __future__ import annotations

import pandas as pd

from fedrl.reports.table.specification import Sensitivity
from fedrl.reports.table.surfaces import surfaces
from fedrl.reports.table.tuning_sensitivity import TuningSensitivity, gammas, owed


def summarise(frame: pd.DataFrame) -> list[TuningSensitivity]:
    """A line per algorithm; none where too little is there, or no setting differs from another."""
    spec = Sensitivity()
    try:
        found = surfaces(frame).surfaces
        scaled, kept = gammas(found)
    except ValueError:
        return []
    return [owed(one, gamma, kept, spec) for one, gamma in zip(found, scaled, strict=True)]
