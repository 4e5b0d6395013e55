"""The final parameters of a run, in a file beside its result.

    <results>/<study>/<cell.id>/seed-00003.parameters.npz    the same bytes on every rerun

An npz archive of plain arrays, which numpy opens without executing anything: `theta` (F, d), where
F is 1, or N for an algorithm that does not communicate; and the run's `key`. The comment of the
archive is a digest of all that stands before it.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fedrl.benchmark.storage.files import CorruptFileError, StoreError
from fedrl.envs.family import Array

SUFFIX = ".parameters.npz"


DIGEST = 32  # characters; the archive's comment, so that numpy does not mind


class Parameters(NamedTuple):
    """θ at the end of a run, and of which run."""

    theta: Array  # (F, d)
    key: str


def beside(result: Path) -> Path:
    """The file of parameters that belongs to a result file."""
    return result.with_name(result.name.removesuffix(".parquet") + SUFFIX)


def encode(theta: Array, key: str) -> bytes:
    """The file's content; it depends on nothing else."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, theta=theta, key=np.array(key))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = bytes(DIGEST)
    content = buffer.getvalue()[:-DIGEST]
    return content + _digest(content)


def decode(content: bytes, path: Path) -> Parameters:
    """Read parameters from the bytes of `path`; CorruptFileError if a bit has changed."""
    if content[-DIGEST:] != _digest(content[:-DIGEST]):
        raise CorruptFileError(path)
    with np.load(io.BytesIO(content), allow_pickle=False) as loaded:
        return Parameters(loaded["theta"], str(loaded["key"]))


def read(path: Path) -> Parameters | None:
    """The verified parameters in a file, or None if there is no such file."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from None
    return decode(content, path)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST // 2).hexdigest().encode()
