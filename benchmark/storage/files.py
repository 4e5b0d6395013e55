"""Files that appear whole or not at all, on any file system and beside other processes.

No locks: a name that is being written is unique over hosts, processes and calls; what is written
under one name is the same whoever writes it. Nothing here asks this machine's clock: the age of a
file is told by the file system that holds it.
"""

import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
import stat
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path

OURS = re.compile(r"^\..*\.([0-9a-f]{8})-(\d+)-[0-9a-f]{8}$")  # hidden, ends with a token
# What some network file systems answer when a folder is synced; the file itself is.
NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EISDIR}

OLD = 7 * 86400.0  # s


class StoreError(ValueError):
    """A results folder or file that cannot be used; the message is one line."""


class NotPlainError(OSError):
    """A FIFO, a device or a folder in the place of a file."""


class CorruptFileError(StoreError):
    """A file whose content is not what was written there."""

    fault = "is corrupt"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"file {path} {self.fault}; restore it from a copy, or remove it; `fedrl run` sets it "
            "aside and computes its run again"
        )
        self.path = path


class ForeignFileError(CorruptFileError):
    """A sound file in the place of another: no manifest beside it speaks of what it holds."""

    fault = "is of another run: no manifest beside it speaks of its seed and key"


@contextmanager
def explaining(what: str, remedy: str = "") -> Iterator[None]:
    """StoreError where the system refuses something within the block: `what`, and its reason."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{what}: {error.strerror or error}{remedy}") from None


def write_atomically(path: Path, content: bytes) -> None:
    """The file is either as before or complete, whenever the machine stops.

    What a killed process left of an attempt at the same file is removed.
    """
    sweep(path.parent, f".{path.name}.")
    temporary = path.with_name(f".{path.name}.{token()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):  # a full disk names no file, and the temporary is nobody's
            error.filename, error.filename2 = str(path), None
        raise
    sync(path.parent)


def write_below(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files by their paths below the folder, in that order; folders are made for them."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, content)
    return [folder / name for name in files]


def read_plain(path: Path) -> bytes:
    """The content of a plain file; CorruptFileError for a FIFO, a device or a folder.

    It never waits: a FIFO has no reader to wait for.
    """
    try:
        return plain_bytes(path)
    except NotPlainError:
        raise CorruptFileError(path) from None


def read_if_there(path: Path) -> bytes | None:
    """The same, None where there is no such file; StoreError if it cannot be read."""
    with explaining(f"cannot read {path}"), suppress(FileNotFoundError, NotADirectoryError):
        return read_plain(path)
    return None


def plain_bytes(path: Path) -> bytes:
    """The same for files that are not of a results folder: NotPlainError, which is an OSError."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise NotPlainError(errno.EINVAL, "not a plain file", str(path))
    return path.read_bytes()


def refuse_link(folder: Path, root: Path) -> None:
    """The folder of results `root` may be a symbolic link; a folder in it must not lead out."""
    if folder.is_symlink() and not folder.resolve().is_relative_to(root.resolve()):
        raise StoreError(
            f"{folder} is a symbolic link out of the results folder; only the whole results folder "
            "may be one: move the files there, or use --results"
        )


def set_aside(path: Path) -> Path:
    """Rename a bad file to `<name>.corrupt-1`, -2, …; it is kept for whoever wants to look."""
    with explaining(f"cannot set {path} aside"):
        for number in count(1):
            aside = path.with_name(f"{path.name}.corrupt-{number}")
            with suppress(FileExistsError):
                aside.touch(exist_ok=False)  # of two processes only one gets the name
                break
        try:
            if path.is_dir():  # replaces no file
                aside.unlink()
            path.replace(aside)
        except OSError as error:
            aside.unlink(missing_ok=True)
            if not isinstance(error, FileNotFoundError):  # else another process was faster
                raise
    return aside


def token() -> str:
    """Unique over hosts, processes and calls."""
    return f"{_host()}-{os.getpid()}-{secrets.token_hex(4)}"


def tidy(folder: Path) -> None:
    """Remove what killed processes left: half-written files, and signs of their presence."""
    for path in left_over(folder):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def left_over(folder: Path) -> list[Path]:
    """Files below the folder that no process needs: its writer is dead, or they are old.

    Whether a process of another host lives cannot be known; its files count as old after a week.
    """
    found: list[Path] = []
    now: float | None = None
    for path in folder.rglob(".*"):
        written_by = OURS.match(path.name)
        if not written_by or path.is_symlink() or not path.is_file():
            continue
        if written_by[1] == _host():
            found += [] if _alive(int(written_by[2])) else [path]
            continue
        now = _time_of(folder) if now is None else now
        with suppress(OSError):
            found += [path] if now - path.stat().st_mtime > OLD else []
    return found


def _time_of(folder: Path) -> float:
    """The time by the clock of the folder's file system, which may be another machine's."""
    probe = folder / f".time.{token()}"
    try:
        probe.touch()
        return probe.stat().st_mtime
    except OSError:
        return 0.0  # cannot be written to: nothing in it counts as old
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def abandoned(folder: Path, start: str) -> list[Path]:
    """What is called `start` and a token, of processes of this host that were killed."""
    found = []
    for name in sorted(name for name in os.listdir(folder) if name.startswith(start)):
        written_by = OURS.match(name)
        if not written_by or name[: written_by.start(1)] != start:
            continue
        if written_by[1] == _host() and not _alive(int(written_by[2])):
            found.append(folder / name)
    return found


def sweep(folder: Path, start: str) -> None:
    """Remove what is abandoned."""
    for path in abandoned(folder, start):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True


@cache
def _host() -> str:
    """Identify the machine and, in containers, the space that process ids live in."""
    try:
        space = Path("/proc/self/ns/pid").readlink()
    except OSError:
        space = Path()
    text = f"{platform.node()}/{uuid.getnode()}/{space}"
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def sync(path: Path) -> None:
    """Sync a file or folder that is there; nothing happens where folders cannot be synced."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC:
            raise
    finally:
        os.close(opened)
