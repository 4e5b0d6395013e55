"""The verified leaderboard: published studies whose bytes and runs were made again.

    <board>/<study>.json    what was verified: rows, runs computed again, digests
    <board>/README.md       all rows as a table, each linked to its evidence

A row is as its study's own leaderboard has it; areas of different studies are of different settings
and are not ranked against each other.
"""

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from fedrl.algorithms import ALGORITHMS
from fedrl.benchmark.publishing import crate, replay, stored_run
from fedrl.benchmark.publishing.listing import kept_runs
from fedrl.benchmark.publishing.published import REPLAYED
from fedrl.benchmark.publishing.sources import RECORDS, as_json, read_source
from fedrl.benchmark.publishing.verification import verify
from fedrl.benchmark.storage.files import StoreError, plain_bytes, write_atomically
from fedrl.envs import FAMILIES
from fedrl.reports.table.formatting import piped

README, TABLE = "README.md", "tables/leaderboard.csv"
HEAD = """# Verified leaderboard

Every row is of a published study that was verified when it was added, by `fedrl submit FOLDER`: its
report was made again byte for byte, runs were computed again, and code of other packages was the
code whose digest its runs have. Area: mean height of the learning curve up to the common budget, 0
the random policy and 1 the reference, over the study's settings, with 95 % bootstrap interval. Rows
of different studies have different settings: compare within a study.

"""
HEADINGS = "study", "place", "algorithm", "settings", "runs", "area", "computed again", "published"


def submit(
    folder: Path, board: Path, *, trust: bool = False, tell: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Verify a published study and put it on the board; StoreError, and nothing is written, else.

    `trust`: import the packages that the manifests of its runs name.
    """
    _require_board(board)
    study = folder.resolve().name
    evidence = Path(os.path.relpath(folder.resolve(), board.resolve())).as_posix()
    place = board / f"{study}.json"
    if _broken(place, board) is None:
        listed = json.loads(place.read_bytes())["evidence"]
        if listed != evidence:
            raise StoreError(
                f"{board} lists a study {study} already, of {listed}: give the folder another name"
            )
    tell("making the report again")
    verified = verify(folder)
    if not verified.identical:
        raise StoreError(
            f"{folder} does not verify: {verified.differing[0]} differs; `fedrl verify {folder}` "
            "tells more, and after a change of how reports are drawn `fedrl publish --redraw` helps"
        )
    if not (folder / TABLE).is_file():
        raise StoreError(f"{folder} has no leaderboard: nothing in it is scored from 0 to 1")
    runs, total = kept_runs(folder), len(read_source(folder).frame.groupby(["cell", "seed"]))
    if len(runs) < min(REPLAYED, total):
        raise StoreError(f"{folder} keeps {len(runs)} whole runs; {REPLAYED} are computed again")
    entry = {
        "study": study,
        "title": read_source(folder).title,
        "published": crate.published_on(folder),
        "evidence": evidence,
        "digest": digest(folder),
        "runs": {name: _again(folder / name, trust, tell) for name in runs},
        "rows": _rows(folder),
    }
    board.mkdir(parents=True, exist_ok=True)
    write_atomically(place, as_json(entry))
    return entry


def digest(folder: Path) -> str:
    """SHA-256 of the records and of the runs that are kept whole: it outlives another drawing."""
    found = hashlib.sha256()
    for name in (RECORDS, *kept_runs(folder)):
        found.update(hashlib.sha256(plain_bytes(folder / name)).digest())
    return found.hexdigest()


def rewrite(board: Path) -> list[str]:
    """Make the table of what still has the evidence it was verified by; what was taken off it."""
    _require_board(board)
    kept, dropped = [], []
    for path in sorted(board.glob("*.json")):
        reason = _broken(path, board)
        if reason is None:
            kept.append(json.loads(path.read_bytes()))
        else:
            if _is_entry(path):  # what else is there is not ours to remove
                path.unlink()
            dropped.append(f"{path.stem} is not listed any more: {reason}")
    write_atomically(board / README, table(kept).encode())
    return dropped


def table(entries: Iterable[dict[str, Any]]) -> str:
    """The page of the board."""
    rows = []
    for entry in entries:
        link = f"[{entry['study']}]({entry['evidence']}/README.md)"
        again = f"[{len(entry['runs'])} runs]({entry['evidence']}/runs)"
        for row in entry["rows"]:
            area = f"{row['area']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
            told = (link, row["place"], row["algorithm"], row["settings"], row["runs"], area, again)
            rows.append([*map(_cell, told), entry["published"]])
    return HEAD + (piped(HEADINGS, rows) if rows else "No study is listed yet.\n")


def _cell(value: object) -> str:
    """Text in one cell of a table, whatever a study's names hold."""
    return " ".join(str(value).replace("<", "&lt;").split())


def _require_board(board: Path) -> None:
    """StoreError for a folder that is in use for something else, whose files would be lost."""
    for path in board.iterdir() if board.is_dir() else ():
        if path.name == README:
            ours = plain_bytes(path).startswith(HEAD.splitlines()[0].encode())
        else:
            ours = (board / README).is_file() or _is_entry(path)
        if not ours:
            raise StoreError(f"{board} is no leaderboard: it holds {path.name}; name another --to")


def _is_entry(path: Path) -> bool:
    with suppress(OSError, ValueError, RecursionError, TypeError):
        return {"study", "evidence", "digest"} <= set(json.loads(plain_bytes(path)))
    return False


def _broken(path: Path, board: Path) -> str | None:
    """Why the evidence of an entry is not that which was verified, if it is not."""
    try:
        entry = json.loads(plain_bytes(path))
        same = digest(board / entry["evidence"]) == entry["digest"]
        table([entry])
    except OSError as error:
        return f"cannot read {error.filename}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return "its entry is damaged"
    return None if same else "its records or runs are not those that were verified"


def _again(path: Path, trust: bool, tell: Callable[[str], None]) -> str:
    """Compute a run again: the outcome; StoreError unless it is reproduced by pinned code."""
    tell(f"computing {path.parent.name} {path.stem} again")
    original = stored_run.original(str(path), path.parent, trust=trust)
    config, code = original.run.config, original.manifest["code"]
    for part, native in (("algorithm", ALGORITHMS), ("family", FAMILIES)):
        name = getattr(config, part)
        pinned = isinstance(code, dict) and code.get(part)
        same = "code" not in original.differences
        if name.partition("@")[0] not in native and not (pinned and same):
            raise StoreError(
                f"{part} {name} of {path} is of another package, whose code now is not the code "
                "whose digest the run has; install the version that it was computed with"
            )
    again = replay.recompute(original.run)
    found = replay.compare(original, again.columns, again.parameters)
    if not found.reproduced:
        raise StoreError(f"{path} is not reproduced: {replay.sentence(found)}")
    return found.outcome


def _rows(folder: Path) -> list[dict[str, Any]]:
    rows = csv.DictReader((folder / TABLE).read_text("utf-8").splitlines())
    return [
        {"place": int(row["place"]), "algorithm": row["series"], "runs": int(row["runs"])}
        | {"settings": f"{row['settings']}/{row['of']}", "area": float(row["area"])}
        | {"low": float(row["area_low"]), "high": float(row["area_high"])}
        for row in rows
    ]
