"""Results on disk: one file per run, one manifest per cell.

    <results>/<study>/<cell.id>/manifest.json
    <results>/<study>/<cell.id>/seed-00003.parquet          the same bytes on every rerun
    <results>/<study>/<cell.id>/seed-00003.seconds.parquet  wall seconds, which are not

A file appears whole or not at all: it is written under a temporary name, synced, then renamed.
Every file carries its run's key and a digest of its content; reading verifies both.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.cell import Cell, Run
from benchmark.provenance import manifest, run_key
from envs.family import Array

KEY, DIGEST = b"fedrl.run", b"fedrl.content"


class StoreError(ValueError):
    """A results folder or file that cannot be used; the message is one line."""


class Stored(NamedTuple):
    """One run as it was stored."""

    run: Run
    columns: dict[str, Array]
    seconds: Array  # NaN where they are not known
    stale: bool  # computed by other code or versions than the present ones


class Store:
    """The results of one study below a results folder."""

    def __init__(self, results: str | Path, study: str) -> None:
        self.folder = Path(results) / study

    def prepare(self) -> None:
        """Make the folder and prove that it can be written to."""
        probe = self.folder / f".probe.{os.getpid()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise StoreError(
                f"cannot write results to {self.folder}: {error.strerror}; choose another folder "
                "with --results"
            ) from None

    def load(self, runs: Iterable[Run]) -> list[Stored]:
        """Those of `runs` that are stored; StoreError if a file is corrupt."""
        return [stored for run in runs if (stored := self.read(run)) is not None]

    def read(self, run: Run) -> Stored | None:
        """The stored run, or None if there is none."""
        table = _read(self.path(run))
        if table is None:
            return None
        key = table.schema.metadata[KEY]
        columns = {name: table[name].to_numpy() for name in table.column_names}
        seconds = np.full(table.num_rows, np.nan)
        timing = _read(self.path(run, ".seconds"))
        if timing is not None and timing.schema.metadata[KEY] == key:
            seconds = timing["seconds"].to_numpy()
        return Stored(run, columns, seconds, key != run_key(run).encode())

    def save(self, run: Run, columns: dict[str, Array], seconds: Array) -> None:
        """Store one run. The result is written last: where it exists, all of it exists."""
        key = run_key(run)
        try:
            self.cell_folder(run.cell).mkdir(parents=True, exist_ok=True)
            self._save_manifest(run.cell)
            write_atomically(self.path(run, ".seconds"), _encode({"seconds": seconds}, key))
            write_atomically(self.path(run), _encode(columns, key))
        except OSError as error:
            raise StoreError(f"cannot write {self.path(run)}: {error.strerror}") from None

    def manifests(self, cells: Sequence[Cell]) -> list[dict[str, Any]]:
        """Manifests of those cells that have one."""
        found = []
        for cell in cells:
            path = self.cell_folder(cell) / "manifest.json"
            try:
                found.append(json.loads(path.read_text(encoding="utf-8")))
            except FileNotFoundError:
                continue
            except (OSError, ValueError):
                raise _corrupt(path) from None
        return found

    def path(self, run: Run, kind: str = "") -> Path:
        name = "seed" if run.seed.namespace == "test" else run.seed.namespace
        return self.cell_folder(run.cell) / f"{name}-{run.seed.index:05d}{kind}.parquet"

    def cell_folder(self, cell: Cell) -> Path:
        return self.folder / cell.id

    def _save_manifest(self, cell: Cell) -> None:
        path = self.cell_folder(cell) / "manifest.json"
        text = json.dumps(manifest(cell), indent=2, sort_keys=True) + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_atomically(path, text.encode())


def write_atomically(path: Path, content: bytes) -> None:
    """The file is either as before or complete, whenever the machine stops."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    parent = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def _encode(columns: dict[str, Array], key: str) -> bytes:
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    metadata = {KEY: key.encode(), DIGEST: _digest(table, key.encode())}
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(metadata), sink, write_page_checksum=True)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def _read(path: Path) -> Any:
    """The verified table of a file, or None if there is no such file."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from None
    try:
        table = pq.read_table(pa.BufferReader(content), page_checksum_verification=True)
        metadata = table.schema.metadata
        intact = metadata[DIGEST] == _digest(table, metadata[KEY])
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
        intact = False
    if not intact:
        raise _corrupt(path)
    return table


def _digest(table: Any, key: bytes) -> bytes:
    """Of names, types and values: page checksums do not cover a file's header and footer."""
    content = hashlib.blake2b(key, digest_size=16)
    for name in table.column_names:
        values = table[name].to_numpy()
        content.update(f"{name}:{table[name].type}:{len(values)}\0".encode())
        content.update(repr(values.tolist()).encode())
    return content.hexdigest().encode()


def _corrupt(path: Path) -> StoreError:
    return StoreError(
        f"result file {path} is corrupt; restore it from a copy, or remove it and run the study "
        "again to recompute it"
    )
