"""Union of results folders: what was computed in several places becomes one store.

A run that is stored with different content in two places is a conflict: neither is chosen. Content
is the run's key, and names, types and values of its columns; the bytes of two Parquet libraries may
differ around the same content. Of the wall seconds the first are kept. Nothing is overwritten, so
that a merge may be repeated, or gone on with after an interruption.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.storage import parameters as final
from fedrl.benchmark.storage.files import (
    CorruptFileError,
    ForeignFileError,
    StoreError,
    read_plain,
    refuse_link,
    tidy,
    write_atomically,
)
from fedrl.benchmark.storage.manifests import Manifest, encode, other_name, spoken_for
from fedrl.benchmark.storage.merge_outcome import Conflict, Merged, Version
from fedrl.benchmark.storage.provenance import decisive_versions
from fedrl.benchmark.storage.store import result_files
from fedrl.benchmark.storage.tables import DIGEST, KEY, SECONDS, parse_table


class _Found(NamedTuple):
    """A verified result file."""

    root: Path
    path: Path
    content: bytes
    key: bytes
    digest: bytes
    seed: Seed


def merge(folders: Sequence[Path], into: Path) -> Merged:
    """Copy every run of the results folders that `into` lacks.

    Raises StoreError for a folder without results, and for one that cannot be written to.
    """
    runs: dict[Path, Seed] = {}  # paths below a results folder, in the order they are met
    for folder in folders:
        there = _runs(folder)
        if not there:
            raise StoreError(
                f"no results in {folder}; it must be a folder of results, as given to --results"
            )
        runs |= there
        if into.resolve().is_relative_to(folder.resolve()) and into.resolve() != folder.resolve():
            raise StoreError(f"{into} is within {folder}; choose another --into")
    merged = Merged(str(into))
    try:
        into.mkdir(parents=True, exist_ok=True)
        tidy(into)
        for name, seed in runs.items():
            _merge_run(name, seed, [into, *folders], merged)
    except OSError as error:
        where = error.filename or into
        raise StoreError(
            f"cannot merge into {into}: {error.strerror}: {where}; what was copied stays, and the "
            "same command goes on from there"
        ) from None
    return merged


def _runs(results: Path) -> dict[Path, Seed]:
    """Result files, relative to the folder, and their seeds."""
    found = result_files(results, "*/*/*.parquet")
    return {path.relative_to(results): seed for path, seed in found.items()}


def _merge_run(name: Path, seed: Seed, roots: Sequence[Path], merged: Merged) -> None:
    into = roots[0]
    for folder in (into / name.parent.parent, into / name.parent):
        refuse_link(folder, into)
    found: list[_Found] = []
    for root in dict.fromkeys(roots):
        try:
            result = _find(root, name, seed)
        except CorruptFileError as error:
            _note(merged, error)
            if root == into:
                return  # `fedrl run` sets it aside; a merge overwrites nothing
            continue
        found += [result] if result is not None else []
    parameters = _parameters(found, merged)
    if len({result.digest for result in found}) > 1 or len(set(parameters.values())) > 1:
        label = name.with_suffix("").as_posix()
        merged.conflicts.append(Conflict(label, [_version(result, merged) for result in found]))
        return
    if not found:
        return
    first = found[0]
    if first.root == into:
        merged.present += 1
    else:
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        _copy_manifests(first, into / name, merged)
    _copy_seconds(found, into / name, merged)
    beside = final.beside(into / name)
    if parameters and not beside.exists():
        write_atomically(beside, next(iter(parameters.values())))
    if first.root != into:
        write_atomically(into / name, first.content)  # last: where it is, all of it is
        merged.copied += 1


def _find(root: Path, name: Path, seed: Seed) -> _Found | None:
    path = root / name
    try:
        content = read_plain(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    metadata = parse_table(content, path).schema.metadata
    if not spoken_for(path, seed, metadata[KEY].decode()):
        raise ForeignFileError(path)
    return _Found(root, path, content, metadata[KEY], metadata[DIGEST], seed)


def _copy_manifests(result: _Found, target: Path, merged: Merged) -> None:
    """Those that speak of the run; beside a different one under a name of their own."""
    for manifest in _manifests(result, merged):
        path = target.with_name("manifest.json")
        content = encode(manifest)
        if path.exists() and read_plain(path) != content:
            path = target.with_name(other_name(manifest))
        if not path.exists():
            write_atomically(path, content)


def _copy_seconds(found: Iterable[_Found], target: Path, merged: Merged) -> None:
    """The first that are sound and of this run."""
    sidecar = target.with_name(target.stem + SECONDS)
    for result in found:
        path = result.path.with_name(sidecar.name)
        try:
            content = read_plain(path)
            key = parse_table(content, path).schema.metadata[KEY]
        except FileNotFoundError:
            continue
        except CorruptFileError as error:
            _note(merged, error)
            key = None
        if path == sidecar:
            return
        if key == result.key:
            if not sidecar.exists():
                write_atomically(sidecar, content)
            return


def _parameters(found: Iterable[_Found], merged: Merged) -> dict[Path, bytes]:
    """Root and bytes of the sound files of final parameters that belong to these results."""
    sound: dict[Path, bytes] = {}
    for result in found:
        path = final.beside(result.path)
        try:
            content = read_plain(path)
            if final.decode(content, path).key == result.key.decode():
                sound[result.root] = content
        except FileNotFoundError:
            continue
        except CorruptFileError as error:
            _note(merged, error)
    return sound


def _version(result: _Found, merged: Merged) -> Version:
    speaking = _manifests(result, merged)
    key, content = result.key.decode(), result.digest.decode()
    if not speaking:
        return Version(str(result.root), key, content, None, None)
    versions = decisive_versions(speaking[0]["versions"])
    return Version(str(result.root), key, content, speaking[0]["code"], versions)


def _manifests(result: _Found, merged: Merged) -> list[Manifest]:
    return spoken_for(result.path, result.seed, result.key.decode(), partial(_note, merged))


def _note(merged: Merged, error: CorruptFileError) -> None:
    noted = merged.foreign if isinstance(error, ForeignFileError) else merged.corrupt
    if str(error.path) not in noted:
        noted.append(str(error.path))
