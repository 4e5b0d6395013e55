"""The study in numbers, and what is missing of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fedrl.reports.table import formatting as fm
from fedrl.reports.table.runs import Family


def totals(found: Sequence[Family]) -> dict[str, str]:
    """The study in numbers, for the top of the page."""
    runs = [run for family in found for run in family.runs]
    seconds = np.array([float(run.last["seconds"]) for run in runs])
    known = seconds[np.isfinite(seconds)]
    shown = {
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
    return shown | ({"compute time, s": fm.number(float(known.sum()))} if len(known) else {})


def incomplete(provenance: Mapping[str, Any]) -> dict[str, Any] | None:
    """Runs that are missing or stale; None when all are as they should be."""
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
