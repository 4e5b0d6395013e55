"""From the store to a report: the table, and where it comes from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from fedrl.benchmark.config.settings import SettingError
from fedrl.benchmark.config.spaces.design import Design
from fedrl.benchmark.config.study import Study
from fedrl.benchmark.execution.processes import Helpers
from fedrl.benchmark.publishing import sources
from fedrl.benchmark.publishing.records import Records, read_records
from fedrl.benchmark.storage.files import StoreError, explaining
from fedrl.benchmark.storage.folders import replacing, require_writable
from fedrl.benchmark.storage.manifests import Manifest
from fedrl.benchmark.storage.store import Store, Stored
from fedrl.benchmark.storage.tuned_code import tuned_elsewhere
from fedrl.reports.page.film import filmed, with_films
from fedrl.reports.table.presentation import KEY, Presentation
from fedrl.reports.table.stages import FEW

if TYPE_CHECKING:
    from fedrl.reports.table.surfaces.from_records import Designed


# Writes a film of a stored run, given its result, below a folder, if it can be filmed.
Filming = Callable[[Path, Path], object]


class Published(NamedTuple):
    """A report that was written."""

    page: Path  # index.html
    missing: list[str]  # runs that are not stored
    stale: int
    designed: Designed | None  # surfaces of a study with a design


def publish(
    study: Study,
    results: Path,
    out: Path | None,
    command: str,
    shown: Mapping[str, Any] | None = None,
    tell: Callable[[str], None] | None = None,
    film: Filming | None = None,
    pool: Helpers | None = None,
) -> Published:
    """Write the report of what is stored; `command` is how its runs are computed.

    `shown`: fields of a `Presentation`, for its provenance; SettingError where the study has not
    what they name. `tell` hears what is being done. `film` films the best run of every family.
    Processes of a `pool` help to draw.
    """
    if pool is not None and len(study.runs()) >= FEW:
        pool.expect("fedrl.reports.page.page")  # while records are read and films are made
    configs = study.configs()
    names = (sorted({getattr(c, field) for c in configs}) for field in ("algorithm", "family"))
    chosen = presentation(shown or {}, *names)
    store = Store(results, study.name)
    out = out or store.folder / "report"
    check_ours(out)
    if tell is not None:
        tell("reading records")
    found = read_records(study, results)
    designed = surfaces_of(study.design, found.frame)
    told = provenance(study, store, found, command, designed) | chosen
    check_ours(out)
    refused = f"cannot write the report to {out}"
    with explaining(refused), replacing(out, ours=sources.REPORT) as new:

        def films() -> list[str]:
            for best in best_runs(found.stored):
                if film is not None:
                    film(store.path(best.run), new)
            return filmed(new)

        source = sources.packed(found.frame, told, study.title, study.description)
        artefacts = sources.make_report(source, new, designed, tell, pool, films)
        source = sources.with_provenance(source, with_films(source.provenance, filmed(new)))
        sources.write_source(source, artefacts, new / sources.FOLDER)
    return Published(out / sources.PAGE, found.missing, found.stale, designed)


def best_runs(stored: Sequence[Stored]) -> list[Stored]:
    """Of every family the run that ended best, the first of equals; none that diverged."""
    best: dict[str, tuple[float, Stored]] = {}
    for entry in stored:
        columns, family = entry.columns, entry.run.config.family
        score = float(columns[str(columns["metric"][-1])][-1])
        if not columns["diverged"][-1] and score > best.get(family, (-math.inf, entry))[0]:
            best[family] = score, entry
    return [entry for _, entry in best.values()]


def presentation(
    shown: Mapping[str, Any], algorithms: Sequence[str], families: Sequence[str]
) -> dict[str, Any]:
    """The entry of the provenance; nothing where nothing was chosen."""
    chosen = Presentation.of({KEY: shown})
    try:
        chosen.check(algorithms, families)
    except ValueError as error:
        raise SettingError(f"--{error}") from None
    return {KEY: chosen.told} if chosen.told else {}


def check_ours(out: Path) -> None:
    """StoreError where the report cannot stand: a folder of something else, or none is allowed."""
    with explaining(f"cannot write the report to {out}"):
        require_writable(out)
    is_report = any((out / name).exists() for name in (sources.PAGE, sources.FOLDER))
    if out.is_dir() and any(out.iterdir()) and not is_report:
        raise StoreError(f"{out} is not empty and not a report; choose another --out")


def surfaces_of(design: Design | None, frame: pd.DataFrame) -> Designed | None:
    """Compute the surfaces of a study with a design; ValueError where too little is there."""
    if design is None:
        return None
    from fedrl.reports.table.surfaces.from_records import surfaces

    return surfaces(frame)


def provenance(
    study: Study, store: Store, found: Records, command: str, designed: Designed | None
) -> dict[str, Any]:
    """Collect what produced the numbers, from manifests written when they were computed."""
    configs = list({entry.run.config.id: entry.run.config for entry in found.stored}.values())
    manifests = store.manifests(found.stored)
    return {
        "command": command,
        "rebuild": command.replace("fedrl run", "fedrl report", 1),
        "versions": _one_or_all(entry["versions"] for entry in manifests),
        "machine": _one_or_all(entry["machine"] for entry in manifests),
        "execution": _one_or_all(entry["execution"] for entry in manifests),
        "code": _codes(manifests),
        **({"tuned": told} if (told := tuned_elsewhere(study)) else {}),
        "configuration": configuration(study),
        "runs": {
            "finished": len(found.stored),
            "expected": len(study.runs()),
            "stale": found.stale,
            "missing": found.missing,
        },
        "cells": sorted(config.id for config in configs),
        **sensitivity(study.design, designed),
    }


def configuration(study: Study) -> dict[str, Any]:
    """The study as a report shows it."""
    left = {"title", "description", "design", "tuning", "tuned"}
    told = study.model_dump(mode="json", exclude=left | ({"looks"} if study.looks == 1 else set()))
    return told if study.design is None else told | {"design": study.design.described()}


def sensitivity(design: Design | None, designed: Designed | None) -> dict[str, Any]:
    """Compute how much each hyperparameter of a design matters."""
    if design is None or designed is None:
        return {}
    from fedrl.benchmark.sensitivity.importance import importances

    return {"importance": importances(designed.surfaces, design)}


def computed_again(source: sources.Source) -> tuple[sources.Source, Designed | None]:
    """The source with what its provenance has from its records alone, and their surfaces."""
    table = (source.provenance.get("configuration") or {}).get("design")
    if table is None:
        return source, None
    design = Design.model_validate(table)
    designed = surfaces_of(design, source.frame)
    told = source.provenance | sensitivity(design, designed)
    return sources.with_provenance(source, told), designed


def _codes(manifests: Iterable[Manifest]) -> dict[str, Any]:
    """The code of the runs: that of training once, and that of each family and algorithm."""
    found: dict[str, list[Any]] = {}
    for entry in manifests:
        code, config = entry["code"], entry["cell"]
        parts = code if isinstance(code, dict) else {"until 0.1.0": code}
        for part, digest in parts.items():
            name = f"{part} {config[part]}" if part in config else part
            found.setdefault(name, []).append(digest)
    return {name: _one_or_all(digests) for name, digests in found.items()}


def _one_or_all(values: Iterable[Any]) -> Any:
    """The value all configs share, else the different ones in the order of the configs."""
    different: list[Any] = []
    for value in values:
        if value not in different:
            different.append(value)
    return different[0] if len(different) == 1 else different
