"""WindyCliff: wind blows down towards a cliff, stronger for some agents than for others."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fedrl.envs.family import Array, Knob, heterogeneity_level, perturb
from fedrl.envs.finite.maps import Layout, drawn, require_small
from fedrl.envs.finite.mdp import TabularTask, tabular_task
from fedrl.envs.finite.tabular import Tabular
from fedrl.envs.validation import require

DOWN = 2  # among up, right, down, left


@dataclass(frozen=True)
class WindyCliff(Tabular):
    """From the lower left to the lower right corner, a cliff in between; both lead to the start.

    A move other than down is replaced by down with probability θ_i/3. Rewards belong to the cell
    one is in: -1, on the cliff -100, on the goal +100. From there every action leads back to the
    start, and the episode goes on.
    """

    summary: ClassVar[str] = "Walk along a cliff; every agent has its own wind towards it"
    source: ClassVar[str] = "Jin, Peng, Yang, Wang, Zhang, AISTATS 2022, section 7"
    heterogeneity: ClassVar[str] = "wind strength θ_i ~ U(½ - κ/2, ½ + κ/2), κ in [0, 1]"
    gymnasium_id: ClassVar[str] = "FedRL/WindyCliff-v0"
    actions: ClassVar[int] = 4
    knobs: ClassVar[dict[str, Knob]] = {
        "wind": Knob(0.5, 0.0, 1.0, "θ, 3 × probability", "a move goes down instead", -1e-12),
    }

    horizon: int = 100
    discount: float = 0.95
    width: int = 4  # columns
    height: int = 4  # rows

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.width >= 3, "width", self.width, "at least 3 cells")
        require(self.height >= 2, "height", self.height, "at least 2 cells")
        require_small(self.height, self.width)

    @property
    def states(self) -> int:
        return self.width * self.height

    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> TabularTask:
        heterogeneity_level(kappa, highest=1.0)
        wind = perturb(self.knobs, self.knobs, agents, kappa, generator)["wind"]
        strongest = float(np.max(wind, initial=0.0))
        require(strongest <= 3, "wind", strongest, "at most 3, where every move goes down")
        kernel = np.stack([self._kernel(strength / 3) for strength in wind])
        reward = np.full((agents, self.states, self.actions), -1.0)
        reward[:, self._start + 1 : -1] = -100.0  # the cliff
        reward[:, -1] = 100.0
        start = np.zeros((agents, self.states))
        start[:, self._start] = 1.0
        return tabular_task(kernel, reward, start, 2)

    def text(self, cell: int) -> str:
        """The map with the agent (A), the goal (G), the cliff (C) and free cells (.)."""
        rows = [["."] * self.width for _ in range(self.height)]
        rows[-1][1:] = [*"C" * (self.width - 2), "G"]
        return drawn(rows, cell)

    def _kernel(self, blown: float) -> Array:
        """P(s'|s,a) of one agent: (Z, A, Z)."""
        moves = Layout(self.height, self.width, self._start, (), frozenset()).moves
        kernel = np.zeros((self.states, self.actions, self.states))
        state, action = np.indices(kernel.shape[:2], sparse=True)
        kernel[state, action, moves] += 1 - blown
        kernel[state, action, moves[:, [DOWN]]] += blown
        kernel[:, DOWN] = np.eye(self.states)[moves[:, DOWN]]  # moving down is certain
        kernel[self._start + 1 :] = np.eye(self.states)[self._start]
        return kernel

    @property
    def _start(self) -> int:
        return (self.height - 1) * self.width
