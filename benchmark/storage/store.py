"""Results on disk: one file per run, one manifest per config.

    <results>/<study>/<cell.id>/manifest.json
    <results>/<study>/<cell.id>/seed-00003.parquet          the same bytes on every rerun
    <results>/<study>/<cell.id>/seed-00003.parameters.npz   final parameters, likewise
    <results>/<study>/<cell.id>/seed-00003.seconds.parquet  wall seconds, which are not

A file appears whole or not at all: it is written under a temporary name, synced, then renamed.
Every file carries its run's key and a digest of its content; reading verifies both. Several
processes, on several machines, may work in one folder: what they write under one name is the same.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.storage import parameters as final
from fedrl.benchmark.storage.files import (
    CorruptFileError,
    ForeignFileError,
    explaining,
    refuse_link,
    tidy,
    token,
    write_atomically,
)
from fedrl.benchmark.storage.manifests import (
    Manifest,
    manifest_files,
    read_manifest,
    save_manifest,
    speaking_for,
    spoken_for,
)
from fedrl.benchmark.storage.provenance import manifest, run_key
from fedrl.benchmark.storage.run_names import RESULT
from fedrl.benchmark.storage.tables import KEY, encode_table, read_table
from fedrl.envs.family import Array

UNKNOWN = "unknown: the manifest was lost"
PROBE = 4096  # bytes; an empty file can be written to a full disk


class Stored(NamedTuple):
    """One run as it was stored."""

    run: Run
    columns: dict[str, Array]
    seconds: Array  # NaN where they are not known
    stale: bool  # computed by other code or versions than the present ones
    key: str  # of what it was computed from


class Survey(NamedTuple):
    """Stored runs, and files that are damaged."""

    stored: list[Stored]
    corrupt: list[Path]  # files; their runs are not in `stored`, except those of manifests
    foreign: list[Path]  # sound files of other runs in their place; neither are these


class Store:
    """The results of one study below a results folder."""

    def __init__(self, results: str | Path, study: str) -> None:
        self.folder = Path(results) / study

    def prepare(self) -> None:
        """Make the folder, prove that it can be written to, remove what killed processes left."""
        probe = self.folder / f".probe.{token()}"
        refused = f"cannot write results to {self.folder}"
        with explaining(refused, "; choose another folder with --results"):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(probe, bytes(PROBE))
            probe.unlink()
        tidy(self.folder)

    def load(self, runs: Iterable[Run]) -> list[Stored]:
        """Those of `runs` that are stored; StoreError if a file is corrupt."""
        return [stored for run in runs if (stored := self.read(run)) is not None]

    def survey(self, runs: Sequence[Run]) -> Survey:
        """Those of `runs` that are stored, and every corrupt file; nothing is changed."""
        stored: list[Stored] = []
        corrupt: list[Path] = []
        foreign: list[Path] = []
        begun = self.begun(runs)  # a large study that is not begun is surveyed at once
        configs = {run.config.id: run.config for run in begun}.values()
        self._refuse_links(configs)
        for run in begun:
            found, bad = self._examine(run)
            for error in bad:
                (foreign if isinstance(error, ForeignFileError) else corrupt).append(error.path)
            stored += [] if found is None or bad else [found]
        for config in configs:
            for path in manifest_files(self.config_folder(config)):
                try:
                    read_manifest(path)
                except CorruptFileError:
                    corrupt.append(path)
        return Survey(stored, corrupt, foreign)

    def begun(self, runs: Iterable[Run]) -> list[Run]:
        """Those of `runs` whose configuration has a folder."""
        nothing = suppress(FileNotFoundError, NotADirectoryError)
        with explaining(f"cannot read {self.folder}"), nothing:
            there = set(os.listdir(self.folder))
            return [run for run in runs if run.config.id in there]
        return []

    def _examine(self, run: Run) -> tuple[Stored | None, list[CorruptFileError]]:
        """The stored run, and what is wrong with its files."""
        path, seconds = self.path(run), self.path(run, ".seconds")
        bad: dict[Path, CorruptFileError] = {}

        def attempt(read: Callable[[], Any]) -> Any:
            try:
                return read()
            except CorruptFileError as error:
                bad[error.path] = error
                return None

        found = attempt(lambda: self.read(run))
        attempt(lambda: read_table(seconds))
        theta = attempt(lambda: final.read(final.beside(path)))
        # Beside a stale result, parameters may be those of a run that is being computed again.
        if found and theta and not found.stale and theta.key != found.key:
            bad[final.beside(path)] = ForeignFileError(final.beside(path))
        return found, list(bad.values())

    def read(self, run: Run) -> Stored | None:
        """The stored run, or None if there is none.

        Raises CorruptFileError, or ForeignFileError for a file that is not of this run by any code
        or version: what the present ones would not write, a manifest has to speak for.
        """
        path = self.path(run)
        table = read_table(path)
        if table is None:
            return None
        key, present = table.schema.metadata[KEY].decode(), run_key(run)
        if key != present and not spoken_for(path, run.seed, key):
            raise ForeignFileError(path)
        columns = {name: table[name].to_numpy() for name in table.column_names}
        seconds = np.full(table.num_rows, np.nan)
        timing = read_table(self.path(run, ".seconds"))
        if timing is not None and timing.schema.metadata[KEY] == key.encode():
            seconds = timing["seconds"].to_numpy()
        if len(seconds) != table.num_rows:
            raise CorruptFileError(self.path(run, ".seconds"))
        return Stored(run, columns, seconds, key != present, key)

    def has(self, run: Run) -> bool:
        """Whether the run is stored by the present code and versions; a corrupt file is not."""
        try:
            stored = self.read(run)
        except CorruptFileError:
            return False
        complete = final.beside(self.path(run)).exists()  # else they are being computed again
        return stored is not None and not stored.stale and complete

    def save(
        self, run: Run, columns: dict[str, Array], seconds: Array, parameters: Array | None = None
    ) -> None:
        """Store one run. The result is written last: where it exists, all of it exists."""
        key = run_key(run)
        self._refuse_links([run.config])
        remedy = "; what is stored stays, and the same command goes on from there"
        with explaining(f"cannot write {self.path(run)}", remedy):
            self.config_folder(run.config).mkdir(parents=True, exist_ok=True)
            save_manifest(self.config_folder(run.config), manifest(run.config))
            write_atomically(self.path(run, ".seconds"), encode_table({"seconds": seconds}, key))
            if parameters is not None:
                write_atomically(final.beside(self.path(run)), final.encode(parameters, key))
            write_atomically(self.path(run), encode_table(columns, key))

    def manifests(self, stored: Sequence[Stored]) -> list[Manifest]:
        """Return what runs were computed from, by config; all there is where none tells."""
        configs: dict[Path, list[Stored]] = {}
        for entry in stored:
            configs.setdefault(self.config_folder(entry.run.config), []).append(entry)
        found = []
        for folder, entries in configs.items():
            there = [read_manifest(path) for path in manifest_files(folder)]
            speaking = [
                manifest
                for manifest in there
                if any(
                    speaking_for([manifest], folder, entry.run.seed, entry.key) for entry in entries
                )
            ]
            found += speaking or there
        return found

    def renew_manifests(self, configs: Iterable[Config]) -> None:
        """Rebuild lost manifests: the keys of their runs prove all but the machine."""
        for config in configs:
            folder = self.config_folder(config)
            if folder.exists() and not manifest_files(folder):
                save_manifest(folder, manifest(config) | {"machine": {"cpu": UNKNOWN}})

    def path(self, run: Run, kind: str = "") -> Path:
        name = "seed" if run.seed.namespace == "test" else run.seed.namespace
        return self.config_folder(run.config) / f"{name}-{run.seed.index:05d}{kind}.parquet"

    def config_folder(self, config: Config) -> Path:
        return self.folder / config.id

    def _refuse_links(self, configs: Iterable[Config]) -> None:
        """The results folder may be a symbolic link; what is in it must not lead out of it."""
        for folder in (self.folder, *map(self.config_folder, configs)):
            refuse_link(folder, self.folder.parent)


def parse_name(name: str) -> Seed | None:
    """The seed whose result file has this name, None if it is not a result file."""
    match = RESULT.match(name)
    if match is None:
        return None
    return Seed("test" if match[1] == "seed" else match[1], int(match[2]))  # type: ignore[arg-type]


def result_files(folder: Path, pattern: str = "*.parquet") -> dict[Path, Seed]:
    """The result files below a folder, sorted, each with the seed of its name."""
    named = {path: parse_name(path.name) for path in sorted(folder.glob(pattern))}
    return {path: seed for path, seed in named.items() if seed is not None}
