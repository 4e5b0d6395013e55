"""The state of a results folder: what is in it, what it costs to make again, what is of no use."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.execution.checkpoint import Checkpoints
from fedrl.benchmark.execution.estimate import work
from fedrl.benchmark.storage import parameters
from fedrl.benchmark.storage.files import CorruptFileError, StoreError, explaining, left_over
from fedrl.benchmark.storage.manifests import manifest_files, read_manifest
from fedrl.benchmark.storage.store import Store, parse_name, result_files
from fedrl.envs.thirdparty.making import importing

ASIDE = re.compile(r"\.corrupt-\d+$")
CHECKPOINT = ".checkpoint"


class Kind(NamedTuple):
    """Files of one kind in the folder of a study."""

    name: str
    meaning: str
    files: list[Path]
    runs: int
    seconds: float  # about, to compute the runs again on one worker

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(path.lstat().st_size for path in self.files if path.is_file())


class Health(NamedTuple):
    """What the folder of one study holds."""

    study: str
    kinds: list[Kind]
    useless: list[Path]  # that can be removed and nothing is lost

    def sweep(self) -> list[Path]:
        """Remove what is useless; what cannot be removed stays."""
        removed = []
        for path in self.useless:
            with suppress(OSError):
                path.unlink()
                removed.append(path)
        return removed


def examine(results: Path, *, trust: bool = False) -> list[Health]:
    """One entry per study in a folder of results; StoreError if there is none.

    Nothing is changed. Packages that manifests name are imported with `trust` only.
    """
    if not results.is_dir():
        raise StoreError(f"there is no folder {results}")
    with explaining(f"cannot read {results}"):
        there = [path for path in sorted(results.iterdir()) if _is_study(path)]
    if not there:
        raise StoreError(f"{results} holds no results of any study")
    with importing(allowed=trust):
        return [_examined(Store(results, path.name)) for path in there]


def _is_study(path: Path) -> bool:
    """A folder of configurations, or what a killed process left; links are followed by nobody."""
    if path.is_symlink() or not path.is_dir():
        return False
    return any(path.glob("*/*.*")) or bool(left_over(path))


def _examined(store: Store) -> Health:
    configs: dict[Path, Config] = {}
    unknown: list[Path] = []
    for folder in sorted(path for path in store.folder.iterdir() if path.is_dir()):
        if folder.is_symlink():
            continue
        config = _config(folder)
        if config is None:
            unknown += result_files(folder)
        else:
            configs[folder] = config
    runs = [
        Run(config, seed)
        for folder, config in configs.items()
        for seed in result_files(folder).values()
    ]
    survey = store.survey(runs)
    fresh = [entry.run for entry in survey.stored if not entry.stale]
    stale = [entry.run for entry in survey.stored if entry.stale]
    known = {store.path(run): run for run in runs}
    begun = {store.path(run): run for run in _checkpointed(configs)}
    finished = {store.path(run) for run in fresh}
    unfinished = [run for path, run in begun.items() if path not in finished]
    checkpoint = Checkpoints.beside(store).path
    spent = [checkpoint(run) for path, run in begun.items() if path in finished]
    bad = [known[path] for path in {*survey.corrupt, *survey.foreign} if path in known]
    aside = [path for path in store.folder.rglob("*") if ASIDE.search(path.name)]
    useless = [*left_over(store.folder), *spent]
    kinds = [
        _kind("stored", "of the present code and versions", _files(store, fresh), fresh),
        _kind("stale", "of other code or versions; `fedrl run` computes them again",
              _files(store, stale), stale),
        _kind("unfinished", "`fedrl run` goes on from their checkpoints",
              [checkpoint(run) for run in unfinished], unfinished),
        _kind("damaged", "or of another run; `fedrl run` sets them aside and computes theirs again",
              [*survey.corrupt, *survey.foreign], bad),
        Kind("unknown", "to the present code, or without a manifest; `fedrl run` leaves them alone",
             unknown, len(unknown), 0.0),
        _kind("aside", "kept for whoever wants to look; remove them when you like", aside),
        _kind("left over", "of processes that ended, and checkpoints of stored runs: --sweep",
              useless),
    ]  # fmt: skip
    return Health(store.folder.name, kinds, useless)


def _config(folder: Path) -> Config | None:
    """The configuration that the folder is of, None if no manifest tells."""
    for path in manifest_files(folder):
        with suppress(CorruptFileError, OSError, ValueError):
            config = Config.model_validate(read_manifest(path)["cell"])
            if config.id == folder.name:
                return config
    return None


def _checkpointed(configs: dict[Path, Config]) -> Iterable[Run]:
    for folder, config in configs.items():
        for path in sorted(folder.glob(f"*{CHECKPOINT}")):
            seed = parse_name(path.with_suffix(".parquet").name)
            if seed is not None:
                yield Run(config, seed)


def _files(store: Store, runs: list[Run]) -> list[Path]:
    """What is stored of these runs."""
    results = [store.path(run) for run in runs]
    timings = [store.path(run, ".seconds") for run in runs]
    return [p for p in (*results, *timings, *map(parameters.beside, results)) if p.exists()]


def _kind(name: str, meaning: str, files: list[Path], runs: Sequence[Run] = ()) -> Kind:
    return Kind(name, meaning, files, len(runs), sum(work(run.config).seconds for run in runs))
