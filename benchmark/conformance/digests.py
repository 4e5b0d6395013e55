"""Digests of what the families of this suite draw: a change here changes every published result."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

# Of `sample(3, 0.7, PCG64(5))`.
DIGESTS = {
    "gridworld": "9ae88c92fd65ed4e",
    "random-mdp": "0a27adb5a138fd28",
    "cartpole": "004293a8b6168231",
    "halfcheetah": "b85c3ae484ffd9e0",
}


def digest_of(task: Any) -> str:
    """Of names, shapes and values, rounded to 12 digits: processors may differ in the last ones."""
    digest = hashlib.blake2b(digest_size=8)
    for field, values in zip(task._fields, task, strict=True):
        rounded = np.round(np.asarray(values, np.float64), 12) + 0.0  # no negative zero
        digest.update(f"{field}{rounded.shape}".encode() + rounded.astype("<f8").tobytes())
    return digest.hexdigest()
