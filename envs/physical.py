"""Families of systems whose agents differ in physical constants."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fedrl.envs.family import Family, Task, perturb
from fedrl.envs.validation import require_known


@dataclass(frozen=True)
class PhysicalFamily(Family):
    """Agents differ in the knobs named in `vary`, all of them by default."""

    heterogeneity: ClassVar[str] = "physical constants drawn from [low, high] scaled by κ"
    task: ClassVar[type]  # NamedTuple with a field (N,) for every knob

    vary: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        require_known(f"knob of {type(self).__name__.lower()}", self.vary, self.knobs)

    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> Task:
        """Knob values of N agents: stock + κ (uniform on [low, high] - stock)."""
        return self.task(**perturb(self.knobs, self.vary, agents, kappa, generator))
