"""Plain arrays in an npz archive that its digest seals: opening it executes nothing."""

import hashlib
import io
import zipfile
from collections.abc import Mapping

import numpy as np

from fedrl.envs.family import Array

DIGEST = 32  # characters; the archive's comment, so that numpy does not mind


def seal(arrays: Mapping[str, Array]) -> bytes:
    """The archive, whose comment is a digest of all that stands before it."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = bytes(DIGEST)
    content = buffer.getvalue()[:-DIGEST]
    return content + _digest(content)


def unseal(content: bytes) -> dict[str, Array]:
    """The arrays; ValueError if a single bit has changed, or it holds anything else."""
    if content[-DIGEST:] != _digest(content[:-DIGEST]):
        raise ValueError("the digest of the archive does not match its content")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as loaded:
            return dict(loaded)
    except Exception as error:  # zipfile, zlib and numpy have a dozen kinds
        raise ValueError(f"it is no archive of plain arrays: {error}") from None


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST // 2).hexdigest().encode()
