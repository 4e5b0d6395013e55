"""Folders that appear whole or not at all: written beside their place, then renamed."""

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from fedrl.benchmark.storage.files import StoreError, abandoned, explaining, sweep, sync, token

NEW, OLD = ".new.", ".old."  # prefixes of folders that take a place, and of those that leave it


def require_writable(folder: Path) -> None:
    """OSError unless `folder` can be made, told by a folder that is made where it would stand."""
    near = next(place for place in folder.absolute().parents if place.exists())
    with TemporaryDirectory(dir=near, prefix=f".{folder.name}."):
        pass


def make(folder: Path) -> None:
    """Make the folder of an answer before the answer is computed; StoreError if it cannot be."""
    with explaining(f"cannot write {folder}"):
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def replacing(folder: Path, *, ours: Collection[str]) -> Iterator[Path]:
    """An empty folder to write into; it takes the place of `folder` when the block is left.

    Until then `folder` is as before, and it stays so if anything fails. No link in it is followed.
    What `folder` holds beside the names `ours` is moved over: it is the user's.
    Raises StoreError for a symbolic link, for a file, and for a folder that the process stands in:
    whoever started it would be left in a folder without a name.
    """
    folder = Path(os.path.abspath(folder))  # "." has no name that another could take its place of
    if Path.cwd().is_relative_to(folder):
        raise StoreError(f"{folder} is the current folder or above it; choose another")
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise StoreError(f"{folder} is a link or a file; name a folder, or one that is not there")
    folder.parent.mkdir(parents=True, exist_ok=True)
    _recover(folder, ours)
    sweep(folder.parent, f"{NEW}{folder.name}.")
    new = folder.with_name(f"{NEW}{folder.name}.{token()}")
    new.mkdir()
    try:
        yield new
        for path in new.rglob("*"):
            with suppress(OSError):  # not every file system syncs folders
                sync(path)
        _exchange(new, folder, ours)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _exchange(new: Path, folder: Path, ours: Collection[str]) -> None:
    if not folder.exists():
        new.replace(folder)
        return
    old = folder.with_name(f"{OLD}{folder.name}.{token()}")
    folder.replace(old)
    try:
        new.replace(folder)
    except BaseException:
        old.replace(folder)
        raise
    _move_others(old, folder, ours)


def _recover(folder: Path, ours: Collection[str]) -> None:
    """Finish what a process began that was killed while it exchanged two folders."""
    for old in abandoned(folder.parent, f"{OLD}{folder.name}."):
        if folder.exists():
            _move_others(old, folder, ours)
        else:
            old.replace(folder)


def _move_others(old: Path, folder: Path, ours: Collection[str]) -> None:
    """Give the user's files of the old folder to the new one, and remove the rest."""
    for path in old.iterdir():
        if path.name not in ours:
            path.replace(folder / path.name)
    shutil.rmtree(old, ignore_errors=True)
