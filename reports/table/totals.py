"""The study in numbers, what was compared in each family, and what is missing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from fedrl.reports.table import formatting as fm
from fedrl.reports.table.columns import METRICS
from fedrl.reports.table.presentation import Presentation
from fedrl.reports.table.runs import Family
from fedrl.reports.table.tables import Table, text

PLURAL = {"series": "series", "cell": "cells"}


def last_rows(found: Sequence[Family]) -> Any:
    """A row per run: its last evaluation point, its series, whether it diverged, its reference."""
    return pd.DataFrame(
        [
            {**run.last, "series": run.series.label, "diverged": run.diverged}
            | {"reference_meaning": run.reference_meaning}
            for family in found
            for run in family.runs
        ]
    )


def overview(runs: Any, counted: str, meaning: str, shown: Presentation) -> Table:
    """One row per family; `counted` is the column that is counted, `meaning` its explanation.

    `runs` hold a row per run.
    """
    rows = [
        {"family": str(family), "algorithms": _algorithms(own, shown)}
        | {"kappa": _listed(own["kappa"]), "agents": _listed(own["agents"])}
        | {PLURAL[counted]: str(own[counted].nunique())}
        | {"seeds": spread(own.groupby("cell")["seed"].nunique())}
        | {"runs": str(len(own)), "diverged": str(int(own["diverged"].sum()))}
        | {"score": METRICS[str(own["metric"].iloc[0])].split(",")[0]}
        | {"reference": _listed(own["reference_meaning"])}
        for family, own in runs.groupby("family", sort=True)
    ]
    numbers = (PLURAL[counted], "seeds", "runs", "diverged")
    return Table(
        "overview",
        "What was compared",
        f"{meaning} Every run of a family meets the same environment draws, initial parameters and "
        "noise, seed by seed.",
        rows,
        (
            *(text("family", "family"), text("algorithms", "algorithms"), text("κ", "kappa")),
            text("N", "agents"),
            *(text(key, key)._replace(words=False) for key in numbers),
            *(text("score", "score"), text("reference", "reference")),
        ),
        group=(),
    )


def totals(runs: Any, shown: Presentation, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The study in numbers, for the top of the page; `runs` hold a row per run."""
    known = runs["seconds"].dropna()
    told = {
        "studies": _listed(runs["study"]),
        "families": _listed(runs["family"]),
        "heterogeneity": _listed(runs["kappa"]),
        "algorithms": _algorithms(runs, shown),
        "agents": _listed(runs["agents"]),
        **(more or {}),
        "seeds": str(runs["seed"].nunique()),
        "runs": fm.number(len(runs)),
        "diverged": fm.number(int(runs["diverged"].sum())),
        "environment steps": fm.number(float(runs["steps_total"].sum())),
    }
    return told | ({"compute time, s": fm.number(float(known.sum()))} if len(known) else {})


def spread(counts: Iterable[int]) -> str:
    """5, or 4–5 when they differ."""
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low}–{high}"


def _algorithms(runs: Any, shown: Presentation) -> str:
    """In the order of legends, by their names in print."""
    return ", ".join(
        shown.name(each) for each in sorted(runs["algorithm"].unique(), key=shown.place)
    )


def _listed(values: Any) -> str:
    """Different values in their order."""
    ordered = sorted(values.unique())
    return ", ".join(v if isinstance(v, str) else f"{v:g}" for v in ordered)


def incomplete(provenance: Mapping[str, Any]) -> dict[str, Any] | None:
    """Runs that are missing or stale; None when all are as they should be."""
    runs = provenance.get("runs")
    if not isinstance(runs, Mapping):
        return None
    finished, expected = runs.get("finished"), runs.get("expected")
    missing = [str(name) for name in runs.get("missing") or []]
    stale = runs.get("stale") or 0
    gaps = finished != expected or bool(missing)
    if not gaps and not stale:
        return None
    told = {"finished": finished, "expected": expected, "missing": missing, "stale": stale}
    return told | {"gaps": gaps}
