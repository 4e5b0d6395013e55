"""The page of a published study, made from its records where it is not there yet."""

import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from fedrl.benchmark.publishing import sources
from fedrl.benchmark.publishing.publication import check_ours, presentation
from fedrl.benchmark.publishing.verification import published
from fedrl.benchmark.storage.files import StoreError, explaining
from fedrl.benchmark.storage.folders import replacing
from fedrl.envs.validation import nearest
from fedrl.reports.page.film import PICTURES, film_of, filmed


def folder_of(study: str) -> Path:
    """A folder with records as it is, else the published study of that name."""
    path = Path(study)
    kept = sources.PROVENANCE
    if any((path / name).is_file() for name in (kept, f"{sources.FOLDER}/{kept}")):
        return path
    shipped = {found.name: found for found in published()}
    if study not in shipped:
        raise StoreError(f"{nearest('published study', study, list(shipped))}; or name its folder")
    return shipped[study]


def page_of(
    folder: Path,
    out: Path | None = None,
    shown: Mapping[str, Any] | None = None,
    tell: Callable[[str], None] | None = None,
    pool: Executor | None = None,
) -> Path:
    """The report of a folder's records: index.html, with figures and tables beside it.

    Without `out` it is kept below the user's cache and made again when the records change. `shown`:
    fields of a `Presentation`, for a report that goes to `out`. Processes of a `pool` help to draw.
    """
    source = sources.source_folder(folder)
    if out is None and (folder / sources.PAGE).is_file():
        return folder / sources.PAGE
    place = cache() / folder.resolve().name if out is None else out
    if out is None and _is_of(place, source):
        return place / sources.PAGE
    check_ours(place)
    if tell is not None:
        tell("reading records")
    read = sources.read_source(source)
    names = (sorted(map(str, read.frame[n].unique())) for n in ("algorithm", "family"))
    if chosen := presentation(shown or {}, *names):
        read = sources.with_provenance(read, read.provenance | chosen)
    refused = f"cannot write the report to {place}"
    with explaining(refused), replacing(place, ours=sources.REPORT) as new:
        artefacts = sources.make_report(read, new, tell=tell, pool=pool)
        sources.write_source(read, artefacts, new / sources.FOLDER)
        for family in filmed(folder):
            (new / PICTURES).mkdir(exist_ok=True)
            shutil.copy(folder / film_of(family), new / film_of(family))
    return place / sources.PAGE


def cache() -> Path:
    """Where pages are kept that nobody asked for elsewhere."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "fedrl" / "pages"


def _is_of(place: Path, source: Path) -> bool:
    """Whether the page is there, of these records, with the bytes that were published."""
    try:
        then, now = (sources.read_digests(where) for where in (place / sources.FOLDER, source))
    except StoreError:
        return False
    there = (place / sources.PAGE).is_file()
    return there and then.source == now.source and then.artefacts == now.artefacts
