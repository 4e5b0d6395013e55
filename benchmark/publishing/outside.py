"""Curves of other programs as records: marked as from outside, not replayable, seeds not paired."""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fedrl.benchmark.publishing import sources
from fedrl.benchmark.publishing.outside_files import Curve, read
from fedrl.benchmark.storage.files import StoreError, explaining
from fedrl.benchmark.storage.folders import replacing
from fedrl.reports.table.columns import REQUIRED

ORIGIN = "outside: computed by other programs, not replayable, seeds not paired"
MEANT = "as given to fedrl import"


def records_of(
    curves: Sequence[Curve], random: float | None = None, reference: float | None = None
) -> pd.DataFrame:
    """The tidy table. No two algorithms share a seed, so that nothing is compared within seeds.

    Without a score of the random policy the mean of the first scores stands in for it; without a
    reference a report takes the best of the study.
    """
    frames = []
    firsts: dict[str, list[float]] = {}
    for curve in curves:
        firsts.setdefault(curve.family, []).append(float(curve.score[0]))
    for seed, curve in enumerate(sorted(curves, key=lambda c: (c.family, c.algorithm, c.run))):
        columns = {
            "round": np.arange(len(curve.steps)),
            "return": curve.score,
            "study": "imported",
            "family": curve.family,
            "kappa": 0.0,
            "algorithm": curve.algorithm,
            "agents": 1,
            "seed": seed,
            "cell": f"{curve.family}/{curve.algorithm}",
            "steps_per_agent": curve.steps,
            "steps_total": curve.steps,
            "metric": "return",
            "random": float(np.mean(firsts[curve.family])) if random is None else random,
            "reference": np.nan if reference is None else reference,
            "reference_meaning": "unknown" if reference is None else MEANT,
            "diverged": False,
            "origin": "outside",
        }
        frames.append(pd.DataFrame(columns))
    table = pd.concat(frames, ignore_index=True)
    return table.assign(**{name: np.nan for name in REQUIRED if name not in table.columns})


def import_report(
    paths: Sequence[Path],
    out: Path,
    *,
    title: str,
    family: str | None = None,
    algorithm: str | None = None,
    metric: str | None = None,
    random: float | None = None,
    reference: float | None = None,
) -> pd.DataFrame:
    """Write records and report of the files into `out`; StoreError for what cannot be read."""
    for name, mark in (("--random", random), ("--reference", reference)):
        if mark is not None and not math.isfinite(mark):
            raise StoreError(f"{name} is {mark}; it must be a finite score")
    if random is not None and reference is not None and reference <= random:
        raise StoreError(f"--reference is {reference:g}; it must be above --random, {random:g}")
    curves = [curve for path in paths for curve in read(path, family, algorithm, metric)]
    frame = records_of(curves, random, reference)
    told: dict[str, Any] = {"origin": ORIGIN, "files": [_described(path) for path in paths]}
    source = sources.packed(frame, told, title, f"Curves from {ORIGIN}.")
    with explaining(f"cannot write {out}"), replacing(out, ours=sources.REPORT) as new:
        artefacts = sources.make_report(source, new)
        sources.write_source(source, artefacts, new / sources.FOLDER)
    return frame


def _described(path: Path) -> dict[str, str]:
    """Name and digest of a file; of a folder, of all in it."""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return {"name": path.name, "sha256": digest.hexdigest()}
