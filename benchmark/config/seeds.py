"""Seeds: namespaces keep tuning, selection and tests disjoint, purposes keep streams apart."""

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

Namespace = Literal["tune", "select", "test"]


@dataclass(frozen=True, order=True)
class Seed:
    """The seed of one run. Namespaces keep tuning, selection and test seeds disjoint.

    >>> seed = Seed("test", 0)
    >>> bool(seed.generator("task").random() == seed.generator("task").random())
    True
    >>> seed.key("task") == seed.key("noise"), seed.key("task") == Seed("tune", 0).key("task")
    (False, False)
    """

    namespace: Namespace
    index: int

    def key(self, purpose: str) -> int:
        """64-bit key of this seed's stream for `purpose`."""
        text = f"fedrl/{self.namespace}/{self.index}/{purpose}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")

    def generator(self, purpose: str) -> np.random.Generator:
        """A sequential generator, for what is drawn once per run."""
        return np.random.Generator(np.random.PCG64(self.key(purpose)))
