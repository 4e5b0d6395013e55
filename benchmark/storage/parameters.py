"""The final parameters of a run, in a file beside its result.

    <results>/<study>/<cell.id>/seed-00003.parameters.npz    the same bytes on every rerun

A sealed npz archive: `theta` (F, d), where F is 1, or N for an algorithm that does not communicate;
and the run's `key`.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from fedrl.benchmark.storage.files import CorruptFileError, read_if_there
from fedrl.benchmark.storage.sealed_npz import seal, unseal
from fedrl.envs.family import Array

SUFFIX = ".parameters.npz"


class Parameters(NamedTuple):
    """θ at the end of a run, and of which run."""

    theta: Array  # (F, d)
    key: str


def beside(result: Path) -> Path:
    """The file of parameters that belongs to a result file."""
    return result.with_name(result.name.removesuffix(".parquet") + SUFFIX)


def encode(theta: Array, key: str) -> bytes:
    """The file's content; it depends on nothing else."""
    return seal({"theta": theta, "key": np.array(key)})


def decode(content: bytes, path: Path) -> Parameters:
    """Read parameters from the bytes of `path`; CorruptFileError if a bit has changed."""
    try:
        arrays = unseal(content)
        found = Parameters(arrays["theta"], str(arrays["key"]))
    except (ValueError, KeyError):
        raise CorruptFileError(path) from None
    if found.theta.ndim != 2 or found.theta.dtype.kind != "f":
        raise CorruptFileError(path)
    return found


def read(path: Path) -> Parameters | None:
    """The verified parameters in a file, or None if there is no such file."""
    content = read_if_there(path)
    return None if content is None else decode(content, path)
