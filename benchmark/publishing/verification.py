"""Making a report again from its records, and saying what is not the same."""

import csv
import hashlib
import io
import tempfile
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from fedrl.benchmark.publishing.sources import (
    FOLDER,
    drawn_with,
    edited,
    make_report,
    read_digests,
    read_source,
    source_folder,
)
from fedrl.benchmark.storage.provenance import folder


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

    @property
    def identical(self) -> bool:
        return not self.differing


def verify(report: Path) -> Verified:
    """Compare SHA-256 of every artefact; of a published study only the tables are kept."""
    source = source_folder(report)
    stored = read_digests(source)
    whole = source != report  # the artefacts are here, not only their digests
    with tempfile.TemporaryDirectory() as temporary:
        again = Path(temporary)
        made = make_report(read_source(source), again)
        names = sorted({*stored.artefacts, *made})
        differing = [
            name
            for name in names
            if not (
                stored.artefacts.get(name) == made.get(name)
                and _as_recorded(report / name, stored.artefacts[name], needed=whole)
            )
        ]
        changes = [
            change
            for name in names
            if name.endswith(".csv") and name in differing
            for change in changed(name, _text(report / name), _text(again / name))
        ]
    altered = [f"{FOLDER}/{name}" if whole else name for name in edited(source, stored)]
    versions = _versions(stored.versions, drawn_with()) if differing else {}
    return Verified(report, len(names) - len(differing), altered + differing, changes, versions)


def published(below: Path | None = None) -> list[Path]:
    """The published studies in a folder, by name; those shipped with the suite by default."""
    where = folder("reports") / "published" if below is None else below
    return sorted(path.parent for path in where.glob("*/digests.json"))


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
        "differing": verified.differing,
        "changes": [change._asdict() for change in verified.changes],
        "versions": {
            name: {"then": then, "now": now} for name, (then, now) in verified.versions.items()
        },
    }


def sentences(verified: Verified) -> list[str]:
    """The answer for people."""
    if verified.identical:
        return [f"{verified.report}: identical, {verified.same} artefacts"]
    lines = [
        f"{verified.report}: {len(verified.differing)} differ, {verified.same} artefacts are "
        "identical"
    ]
    lines += [f"  differs: {name}" for name in verified.differing]
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
    if not path.is_file():
        return not needed
    return hashlib.sha256(path.read_bytes()).hexdigest() == digest


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _versions(
    then: dict[str, str], now: dict[str, str]
) -> dict[str, tuple[str | None, str | None]]:
    names = sorted({*then, *now})
    return {n: (then.get(n), now.get(n)) for n in names if then.get(n) != now.get(n)}


def _shown(entry: str | None) -> str:
    return "nothing" if entry is None else entry or "empty"
