"""Cross-evaluations of the stored runs of a study, and their files beside the results.

<results>/<study>/cross/cross.csv                         the same bytes on every rerun
<results>/<study>/cross/<cell.id>-seed-00000.png and .svg   of the first seed of every configuration
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fedrl.benchmark.config.study import Study
from fedrl.benchmark.inspection import cross_evaluation
from fedrl.benchmark.inspection.cross_evaluation import Crossed
from fedrl.benchmark.inspection.pictures.crossed import draw_crossed
from fedrl.benchmark.inspection.pictures.drawing import save
from fedrl.benchmark.publishing.records import export, label, stored_runs
from fedrl.benchmark.publishing.stored_run import stored_parameters
from fedrl.benchmark.storage.files import StoreError, refuse_link
from fedrl.benchmark.storage.folders import make
from fedrl.benchmark.storage.store import Store

FOLDER = "cross"


class Found(NamedTuple):
    """Cross-evaluations of what is stored, and what could not be evaluated."""

    crossed: list[Crossed]
    stale: int
    notes: list[str]
    missing: list[str]  # runs that are not stored


def read_crossed(study: Study, results: Path, episodes: int, held_out: int = 0) -> Found:
    """Cross-evaluations of all stored runs; StoreError if there are none.

    With `held_out`, their final policies are tried on as many agents that took no part.
    """
    store, (stored, missing) = Store(results, study.name), stored_runs(study, results)
    known: dict[object, Crossed] = {}
    crossed, notes = [], []
    for entry in stored:
        run = entry.run
        key = cross_evaluation.agents_key(run)
        if key not in known:
            known[key] = cross_evaluation.agents_of(run)
        found = known[key]._replace(run=run)
        theta = stored_parameters(store.path(run), entry.key)
        if theta is None:
            remedy = "remove it, and `fedrl run` stores them"
            notes.append(f"{label(run)}: no final parameters are stored; {remedy}")
        elif not np.isfinite(theta).all():
            notes.append(f"{label(run)}: it diverged; its parameters are not finite")
            theta = None
        if theta is not None:
            found = found._replace(trained=cross_evaluation.trained(run, theta, episodes))
        if theta is not None and held_out:
            away = cross_evaluation.transferred(run, theta, episodes, held_out)
            found = found._replace(transfer=away)
        if found.optimum is not None or found.trained is not None:
            crossed.append(found)
    if not crossed:
        raise StoreError(f"no run of study {study.name} can be cross-evaluated: {notes[0]}")
    return Found(crossed, sum(entry.stale for entry in stored), notes, missing)


def write_crossed(study: str, results: Path, crossed: Sequence[Crossed]) -> list[Path]:
    """The table and the heat maps."""
    folder = results / study / FOLDER
    refuse_link(folder, results)
    make(folder)
    path = folder / "cross.csv"
    export(cross_evaluation.table(study, crossed), path)
    written, drawn = [path], set()
    for one in sorted(crossed, key=lambda one: one.run.seed):
        if one.run.config.id not in drawn:
            drawn.add(one.run.config.id)
            name = f"{one.run.config.id}-seed-{one.run.seed.index:05d}"
            written += save(draw_crossed(one), folder, name)
    return written
