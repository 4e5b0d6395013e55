"""Making a report again from its records, and saying what is not the same."""

import csv
import hashlib
import io
import tempfile
from concurrent.futures import Executor
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from fedrl.benchmark.publishing import crate, listing, readme, sources
from fedrl.benchmark.publishing.sources import FOLDER
from fedrl.benchmark.storage.files import StoreError, explaining
from fedrl.benchmark.storage.provenance import differing, folder


class Change(NamedTuple):
    """One entry of a table that is not the same."""

    table: str
    row: int  # from 1, below the header
    named: str  # the words at the beginning of that row
    column: str
    old: str | None  # None: there was no such entry
    new: str | None


class Verified(NamedTuple):
    """The outcome of rebuilding a report."""

    report: Path
    same: int  # artefacts
    differing: list[str]  # artefacts, and files of the source that are not as they were
    changes: list[Change]
    versions: dict[str, tuple[str | None, str | None]]  # that drew it: then, now
    no_text: list[str]  # tables that cannot be compared entry by entry
    unread: str = ""  # why it cannot be made again

    @property
    def identical(self) -> bool:
        return not self.differing and not self.unread


def verify(report: Path, pool: Executor | None = None) -> Verified:
    """Compare SHA-256 of every artefact; of a published study only the tables are kept.

    Files that nothing records are different too; of a published study also README, crate and runs.
    StoreError where it cannot be made again, as without a folder for temporary files. Processes of
    a `pool` help to make it.
    """
    with explaining(f"cannot verify {report}"):
        return _verified(report, pool)


def judged(report: Path, pool: Executor | None = None) -> Verified:
    """`verify`; a report that cannot be made again differs, for the reason that is `unread`."""
    try:
        return verify(report, pool)
    except StoreError as error:
        return Verified(report, 0, [], [], {}, [], str(error))


def _verified(report: Path, pool: Executor | None) -> Verified:
    source = sources.source_folder(report)
    stored = sources.read_digests(source)
    whole = source != report  # the artefacts are here, not only their digests
    altered = sources.edited(source, stored)
    if whole:
        altered += _unrecorded(report, stored)
    else:
        altered += [*listing.unlisted(report), *listing.unsound_runs(report)]
    with tempfile.TemporaryDirectory() as temporary:
        again = Path(temporary)
        read = sources.read_source(source)
        if not whole and not altered:
            altered += listing.contradicted_runs(report, read.frame)
        made = sources.make_report(read, again, pool=pool)
        names = sorted({*stored.artefacts, *made})
        others = [
            name
            for name in names
            if not (
                stored.artefacts.get(name) == made.get(name)
                and _as_recorded(report / name, stored.artefacts[name], needed=whole)
            )
        ]
        if not whole and not others:
            altered += _face_differs(read, again, report)
        tables = [name for name in others if name.endswith(".csv")]
        no_text = [name for name in tables if _text(report / name) is None]
        changes = [
            change
            for name in tables
            if name not in no_text
            for change in changed(name, _text(report / name) or "", _text(again / name) or "")
        ]
    altered = [f"{FOLDER}/{name}" if whole and name in stored.source else name for name in altered]
    altered = [name for name in dict.fromkeys(altered) if name not in others]
    versions = differing(stored.versions, sources.drawn_with()) if others else {}
    return Verified(report, len(names) - len(others), altered + others, changes, versions, no_text)


def published(below: Path | None = None) -> list[Path]:
    """The published studies in a folder, by name; those shipped with the suite by default.

    StoreError if there are none: nothing would be verified.
    """
    where = folder("fedrl.reports") / "published" if below is None else below
    # A hidden one is what a killed `fedrl publish` left; one that lacks a file of these is one.
    marks = (sources.DIGESTS, sources.RECORDS, sources.PROVENANCE, crate.NAME)
    found = sorted({path.parent for mark in marks for path in where.glob(f"[!.]*/{mark}")})
    if not where.is_dir():
        raise StoreError(f"there is no folder {where}")
    if not found:
        raise StoreError(f"no study is published below {where}")
    return found


def _face_differs(source: sources.Source, again: Path, report: Path) -> list[str]:
    """Of a published study's README and figures those that are not as its report makes them."""
    made = readme.files(source, again, listing.kept_runs(report))
    there = {name: report / name for name in made}
    return [n for n, path in there.items() if not path.is_file() or path.read_bytes() != made[n]]


def _unrecorded(report: Path, stored: sources.Digests) -> list[str]:
    """Files in the folders of a report that are none of its artefacts."""
    known = {*stored.artefacts, *(f"{FOLDER}/{name}" for name in (*stored.source, sources.DIGESTS))}
    there = (path for part in ("figures", "tables", FOLDER) for path in (report / part).rglob("*"))
    names = sorted(path.relative_to(report).as_posix() for path in there)
    return [name for name in names if name not in known]


def changed(name: str, old: str, new: str) -> list[Change]:
    """Entry by entry, by place, columns by their header."""
    before, after = (list(csv.reader(io.StringIO(text))) for text in (old, new))
    heads = [rows[0] if rows else [] for rows in (before, after)]
    columns = list(dict.fromkeys([*heads[0], *heads[1]]))
    found = []
    for place, pair in enumerate(zip_longest(before[1:], after[1:]), start=1):
        entries = [
            dict(zip(head, row or [], strict=False)) for head, row in zip(heads, pair, strict=True)
        ]
        words = ", ".join((pair[0] or pair[1] or [])[:3])
        for column in columns:
            then, now = (entry.get(column) for entry in entries)
            if then != now:
                found.append(Change(name, place, words, column, then, now))
    return found


def as_json(verified: Verified) -> dict[str, Any]:
    """The answer for a program."""
    return {
        "report": str(verified.report),
        "identical": verified.identical,
        "same": verified.same,
        "unread": verified.unread,
        "differing": verified.differing,
        "changes": [change._asdict() for change in verified.changes],
        "versions": {
            name: {"then": then, "now": now} for name, (then, now) in verified.versions.items()
        },
    }


def sentences(verified: Verified) -> list[str]:
    """The answer for people."""
    if verified.unread:
        return [f"{verified.report}: cannot be verified: {verified.unread}"]
    if verified.identical:
        return [f"{verified.report}: identical, {verified.same} artefacts"]
    lines = [
        f"{verified.report}: {len(verified.differing)} differ, {verified.same} artefacts are "
        "identical"
    ]
    lines += [
        f"  differs: {name}" + " is not text" * (name in verified.no_text)
        for name in verified.differing
    ]
    lines += [
        f"  {c.table} row {c.row} ({c.named}), {c.column}: {_shown(c.old)} then, "
        f"{_shown(c.new)} now"
        for c in verified.changes
    ]
    lines += [
        f"  {name} was {then}, is {now}: may draw other bytes"
        for name, (then, now) in verified.versions.items()
    ]
    return lines


def _as_recorded(path: Path, digest: str, *, needed: bool) -> bool:
    """Whether the file is what its digest says; one that is not kept cannot contradict it."""
    if path.is_symlink() or not path.is_file():
        return not (needed or path.exists())
    return hashlib.sha256(path.read_bytes()).hexdigest() == digest


def _text(path: Path) -> str | None:
    """None for what is no text, or no table."""
    try:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        list(csv.reader(io.StringIO(text)))
    except (UnicodeDecodeError, csv.Error):
        return None
    return text


def _shown(entry: str | None) -> str:
    return "nothing" if entry is None else entry or "empty"
