"""The digest of the MDPs that a family draws."""

import hashlib
from typing import Any

import numpy as np

from fedrl.envs.finite.mdp import TabularTask


def digest_of(task: Any) -> str:
    """Digest names, shapes and values to 12 digits: processors may differ in the last ones."""
    fields = dict(zip(task._fields, task, strict=True))
    if isinstance(task, TabularTask):  # the MDP in full, however it is stored
        names = ("kernel", "reward", "start", "terminal")
        fields = {name: getattr(task, name) for name in names}
    digest = hashlib.blake2b(digest_size=8)
    for field, values in fields.items():
        rounded = np.round(np.asarray(values, np.float64), 12) + 0.0  # no negative zero
        digest.update(f"{field}{rounded.shape}".encode() + rounded.astype("<f8").tobytes())
    return digest.hexdigest()
