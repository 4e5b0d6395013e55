"""Files that appear whole or not at all, on any file system and beside other processes.

No locks: a name that is being written is unique over hosts, processes and calls; what is written
under one name is the same whoever writes it. Nothing here asks the clock.
"""

import errno
import hashlib
import os
import platform
import re
import secrets
import uuid
from contextlib import suppress
from functools import cache
from pathlib import Path

OURS = re.compile(r"^\..*\.([0-9a-f]{8})-(\d+)-[0-9a-f]{8}$")  # hidden, ends with a token
# What some network file systems answer when a folder is synced; the file itself is.
NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EISDIR}


class StoreError(ValueError):
    """A results folder or file that cannot be used; the message is one line."""


class CorruptFileError(StoreError):
    """A file whose content is not what was written."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"file {path} is corrupt; restore it from a copy, or remove it; `fedrl run` sets it "
            "aside and computes its run again"
        )
        self.path = path


def write_atomically(path: Path, content: bytes) -> None:
    """The file is either as before or complete, whenever the machine stops."""
    temporary = path.with_name(f".{path.name}.{token()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def set_aside(path: Path) -> Path:
    """Rename a bad file to `<name>.corrupt-1`, -2, …; it is kept for whoever wants to look."""
    number = 1
    while True:
        aside = path.with_name(f"{path.name}.corrupt-{number}")
        try:
            aside.touch(exist_ok=False)  # of two processes only one gets the name
        except FileExistsError:
            number += 1
            continue
        except OSError as error:
            raise StoreError(f"cannot set {path} aside: {error.strerror}") from None
        try:
            return path.replace(aside)
        except OSError as error:
            aside.unlink(missing_ok=True)
            if isinstance(error, FileNotFoundError):  # another process was faster
                return aside
            raise StoreError(f"cannot set {path} aside: {error.strerror}") from None


def token() -> str:
    """Unique over hosts, processes and calls."""
    return f"{_host()}-{os.getpid()}-{secrets.token_hex(4)}"


def tidy(folder: Path) -> None:
    """Remove what processes of this host left half written when they were killed."""
    for path in folder.rglob(".*"):
        written_by = OURS.match(path.name)
        if written_by and written_by[1] == _host() and not _alive(int(written_by[2])):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
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


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC:
            raise
    finally:
        os.close(opened)
