"""Cross-evaluations of the stored runs of a study, and their files beside the results.

<results>/<study>/cross/cross.csv                         the same bytes on every rerun
<results>/<study>/cross/<cell.id>-seed-00000.png and .svg   of the first seed of every configuration
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fedrl.benchmark.config.configuration import Run
from fedrl.benchmark.config.study import Study
from fedrl.benchmark.inspection.cross_evaluation import (
    Agents,
    Crossed,
    agents_key,
    agents_of,
    table,
    trained,
    transferred,
)
from fedrl.benchmark.inspection.pictures.crossed import draw_crossed
from fedrl.benchmark.inspection.pictures.drawing import save
from fedrl.benchmark.publishing.records import export, label
from fedrl.benchmark.storage import parameters
from fedrl.benchmark.storage.files import StoreError, refuse_link
from fedrl.benchmark.storage.store import Store, Stored
from fedrl.envs.family import Array

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
    store = Store(results, study.name)
    runs = study.runs()
    stored = store.load(runs)
    if not stored:
        raise StoreError(
            f"no results of study {study.name} in {store.folder}; compute them with `fedrl run`, "
            "or name their folder with --results"
        )
    known: dict[object, Agents] = {}
    crossed, notes = [], []
    for entry in stored:
        run = entry.run
        key = agents_key(run)
        if key not in known:
            known[key] = agents_of(run)
        theta, why = _final(store, entry)
        if why:
            notes.append(f"{label(run)}: {why}")
        matrix = None if theta is None else trained(run, theta, episodes)
        away = None
        if theta is not None and held_out:
            away = transferred(run, theta, episodes, held_out)
        agents = known[key]
        if agents.optimum is not None or matrix is not None:
            crossed.append(Crossed(run, agents.optimum, matrix, agents.distance, agents.gap, away))
    if not crossed:
        raise StoreError(f"no run of study {study.name} can be cross-evaluated: {notes[0]}")
    have = {entry.run.key for entry in stored}
    missing = [label(run) for run in runs if run.key not in have]
    return Found(crossed, sum(entry.stale for entry in stored), notes, missing)


def write_crossed(study: str, results: Path, crossed: Sequence[Crossed]) -> list[Path]:
    """The table and the heat maps."""
    folder = results / study / FOLDER
    refuse_link(folder, results)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot write {folder}: {error.strerror}") from None
    path = folder / "cross.csv"
    export(table(study, crossed), path)
    written, drawn = [path], set()
    for one in sorted(crossed, key=lambda one: one.run.seed):
        if one.run.config.id not in drawn:
            drawn.add(one.run.config.id)
            written += save(draw_crossed(one), folder, _name(one.run))
    return written


def _final(store: Store, entry: Stored) -> tuple[Array | None, str]:
    """The final parameters of a stored run, or why there are none."""
    found = parameters.read(parameters.beside(store.path(entry.run)))
    if found is None or found.key != entry.key:
        return None, "no final parameters are stored; remove it, and `fedrl run` stores them"
    if not np.isfinite(found.theta).all():
        return None, "it diverged; its parameters are not finite"
    return found.theta, ""


def _name(run: Run) -> str:
    return f"{run.config.id}-seed-{run.seed.index:05d}"
