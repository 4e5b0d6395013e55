"""The cost of a federation so far; evaluation is not charged."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fedrl.benchmark.training.messages.compression import Size
from fedrl.envs.family import Array


class Ledger(NamedTuple):
    """Sums over all agents of G federations, the server's own samples included."""

    steps: Array  # (G,), environment steps
    trajectories: Array  # (G,), episodes
    floats_up: Array  # (G,), floats sent to the server
    floats_down: Array  # (G,), floats received from it
    bits_up: Array  # (G,), bits sent to the server
    bits_down: Array  # (G,), bits received from it

    @classmethod
    def empty(cls, federations: int) -> Ledger:
        """Before the first round."""
        return cls(*(np.zeros(federations, np.int64) for _ in cls._fields))

    def played(self, length: Array) -> Ledger:
        """With episodes of these lengths (L, B); those of length 0 are none."""
        steps = length.reshape(len(self.steps), -1)
        return self._replace(
            steps=self.steps + steps.sum(axis=1),
            trajectories=self.trajectories + (steps > 0).sum(axis=1),
        )

    def sent(self, up: Size, down: Size) -> Ledger:
        """With what every federation's agents sent and received."""
        return self._replace(
            floats_up=self.floats_up + up.numbers,
            floats_down=self.floats_down + down.numbers,
            bits_up=self.bits_up + up.bits,
            bits_down=self.bits_down + down.bits,
        )
