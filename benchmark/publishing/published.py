"""A study made public: small enough to be kept with the code, complete enough to be checked.

<out>/records.parquet, provenance.json, digests.json    what its report is made of
<out>/tables/*.csv                                      so that a changed number can be named
<out>/runs/<cell.id>/…                                  a few whole runs, to compute again
<out>/README.md, pictures/*.svg, *.gif                  what was found, for people
<out>/ro-crate-metadata.json                            what is here, for machines
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from datetime import date
from pathlib import Path
from typing import NamedTuple

from fedrl.benchmark.config.study import Study
from fedrl.benchmark.publishing import crate, publication, readme, sources
from fedrl.benchmark.publishing.listing import kept_runs
from fedrl.benchmark.publishing.publication import Filming
from fedrl.benchmark.publishing.records import label, read_records
from fedrl.benchmark.storage import parameters
from fedrl.benchmark.storage.files import (
    CorruptFileError,
    ForeignFileError,
    StoreError,
    explaining,
    write_atomically,
    write_below,
)
from fedrl.benchmark.storage.folders import replacing
from fedrl.benchmark.storage.manifests import manifest_files, spoken_for
from fedrl.benchmark.storage.provenance import decisive_versions
from fedrl.benchmark.storage.store import UNKNOWN, Store, Stored
from fedrl.reports.page.film import FILMS, PICTURES, filmed
from fedrl.reports.table.surfaces.from_records import Designed

OURS = (
    *(sources.RECORDS, sources.PROVENANCE, sources.DIGESTS, "tables", "runs", crate.NAME),
    *(readme.README, PICTURES),
)
REPLAYED = 3  # runs that are kept whole


class Public(NamedTuple):
    """A published study: its folder, the runs kept whole, its size."""

    folder: Path
    runs: list[str]  # paths below the folder, of the runs that are kept whole
    size: int  # bytes


def publish_study(
    study: Study,
    results: Path,
    out: Path,
    command: str,
    day: str,
    film: Filming,
    pool: Executor | None = None,
) -> Public:
    """Write the folder; StoreError, and nothing is written, unless every run of it is sound.

    Processes of a `pool` help to draw.
    """
    _check_day(day)
    _check_ours(out)
    store = Store(results, study.name)
    complete(study, store)
    found = read_records(study, results)
    designed = publication.surfaces_of(study.design, found.frame)
    told = publication.provenance(study, store, found, command, designed)
    kept = cheapest(found.stored)
    with explaining(f"cannot write {out}"), replacing(out, ours=OURS) as new:
        runs = [_keep(store, entry, new) for entry in kept]
        told |= _film(new, runs, film)
        made_of = sources.packed(found.frame, told, study.title, study.description)
        _describe(made_of, designed, new, day, pool)
    return Public(out, runs, _size(out))


def redraw(out: Path, day: str | None, film: Filming, pool: Executor | None = None) -> Public:
    """README, films, tables and digests again, from the records as they were published.

    For a report that is drawn differently than then: runs, records and, unless another is given,
    the day stay; importance of hyperparameters is computed again. StoreError, and nothing is
    written, if the folder is not as it was published.
    """
    edited = sources.edited(out, sources.read_digests(sources.source_folder(out)))
    if edited:
        raise StoreError(
            f"{out / edited[0]} is not what was published; `fedrl verify {out}` tells more, and "
            "without --redraw the study is published from its stored runs"
        )
    day = crate.published_on(out) if day is None else day
    _check_day(day)
    made_of, designed = publication.computed_again(sources.read_source(out))
    with explaining(f"cannot write {out}"), replacing(out, ours=OURS) as new:
        shutil.copytree(out / "runs", new / "runs")
        runs = kept_runs(out)
        made_of = sources.with_provenance(made_of, made_of.provenance | _film(new, runs, film))
        _describe(made_of, designed, new, day, pool)
    return Public(out, runs, _size(out))


def complete(study: Study, store: Store) -> None:
    """StoreError unless all runs are there, intact, of the present code, and say of what."""
    runs = study.runs()
    survey = store.survey(runs)
    if survey.corrupt:
        raise CorruptFileError(survey.corrupt[0])
    if survey.foreign:
        raise ForeignFileError(survey.foreign[0])
    have = {store.path(entry.run) for entry in survey.stored}
    without = [
        run
        for run in runs
        if store.path(run) not in have or not parameters.beside(store.path(run)).exists()
    ]
    if without:
        raise StoreError(
            f"{len(without)} of {len(runs)} runs are not stored in {store.folder}, first "
            f"{label(without[0])}; a study is published with all its seeds: `fedrl run` computes "
            "them"
        )
    stale = [entry.run for entry in survey.stored if entry.stale]
    if stale:
        raise StoreError(
            f"{len(stale)} of {len(runs)} runs were computed by other code or versions than the "
            f"present ones, first {label(stale[0])}; `fedrl run` computes them again"
        )
    for entry in survey.stored:
        _check_manifest(store, entry)


def cheapest(stored: Sequence[Stored], count: int = REPLAYED) -> list[Stored]:
    """The cheapest run of an algorithm and family not chosen yet, again and again.

    Cost is environment steps in total: it is the same on every machine.
    """
    chosen: list[Stored] = []
    left = list(stored)
    while left and len(chosen) < count:
        taken = Counter(entry.run.config.algorithm for entry in chosen)
        seen = Counter(entry.run.config.family for entry in chosen)
        least = min(
            left,
            key=lambda entry: (
                taken[entry.run.config.algorithm],
                seen[entry.run.config.family],
                int(entry.columns["steps_total"][-1]),
                label(entry.run),
            ),
        )
        chosen.append(least)
        left = [entry for entry in left if entry is not least]
    return chosen


def _check_day(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise StoreError(f"--date {text} is not a day, like 2026-03-31") from None


def _check_manifest(store: Store, entry: Stored) -> None:
    """The machine and all decisive versions of a run have to be known."""
    speaking = spoken_for(store.path(entry.run), entry.run.seed, entry.key)
    known = [m for m in speaking if m["machine"].get("cpu") != UNKNOWN]
    if not known or not decisive_versions(known[0]["versions"]):
        raise StoreError(
            f"no manifest tells with which versions and on which machine {label(entry.run)} was "
            f"computed; remove {store.path(entry.run)}, and `fedrl run` computes it again"
        )


def _keep(store: Store, entry: Stored, out: Path) -> str:
    """Copy a run with everything that belongs to it; the path of its result below `out`."""
    result = store.path(entry.run)
    folder = out / "runs" / entry.run.config.id
    timing = store.path(entry.run, ".seconds")
    beside = [timing] if timing.exists() else []
    kept = (*manifest_files(result.parent), parameters.beside(result), *beside, result)
    write_below(folder, {path.name: path.read_bytes() for path in kept})
    return (folder / result.name).relative_to(out).as_posix()


def _film(out: Path, runs: Sequence[str], film: Filming) -> dict[str, list[str]]:
    """Film what is kept whole, and say of which families there is a film."""
    (out / PICTURES).mkdir()
    for run in runs:
        film(out / run, out)
    return {FILMS: filmed(out)}


def _describe(
    made_of: sources.Source, designed: Designed | None, out: Path, day: str, pool: Executor | None
) -> None:
    """Make the report; write its tables, README and sources, and for machines what is there."""
    with tempfile.TemporaryDirectory() as temporary:
        report = Path(temporary)
        artefacts = sources.make_report(made_of, report, designed, pool=pool)
        tables = sorted((report / "tables").glob("*.csv"))
        write_below(out, {f"tables/{table.name}": table.read_bytes() for table in tables})
        write_below(out, readme.files(made_of, report, kept_runs(out)))
    sources.write_source(made_of, artefacts, out)
    write_atomically(out / crate.NAME, sources.as_json(crate.crate(made_of, out, day)))


def _check_ours(out: Path) -> None:
    """A folder of something else is left alone."""
    ours = (out / sources.DIGESTS).is_file() and (out / crate.NAME).is_file()
    there = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
    if there and not ours:
        raise StoreError(f"{out} is not empty and not a published study; choose another --out")
    if others := [name for name in there if name not in OURS]:
        raise StoreError(f"{out / others[0]} is not of a published study; move it away")


def _size(out: Path) -> int:
    return sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
