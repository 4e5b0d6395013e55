"""GridWorld: reach a goal cell; agents differ in how often they slip and in their wind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from envs.family import Array, Knob, heterogeneity_level, perturb, require
from envs.tabular import Tabular, TabularTask, tabular_task

MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))  # up, right, down, left as (row, column)
Cell = tuple[int, int]


@dataclass(frozen=True)
class GridWorld(Tabular):
    """A width × height grid. Reward -step_cost a step and +1 on entering the goal, which ends it.

    An intended move is replaced by one of the two perpendicular ones with probability `slip`; then,
    with probability `wind`, the agent is pushed one further cell in its own wind direction. Moves
    into walls or out of the grid leave the agent where it is.
    """

    summary: ClassVar[str] = "Reach a goal cell; every agent slips and is blown differently"
    source: ClassVar[str] = "after Sutton & Barto 2018, examples 3.5 and 6.5"
    heterogeneity: ClassVar[str] = "slip probability and wind (strength, direction), κ in [0, 1]"
    gymnasium_id: ClassVar[str] = "FedRL/GridWorld-v0"
    knobs: ClassVar[dict[str, Knob]] = {
        "slip": Knob(0.1, 0.0, 0.5, "probability", "a move goes sideways instead", -1e-12),
        "wind": Knob(0.0, 0.0, 0.5, "probability", "the wind pushes one further cell", -1e-12),
        "direction": Knob(0.0, 0.0, 4.0, "quarter turns", "wind direction: up, right, down, left"),
    }

    horizon: int = 50
    discount: float = 0.95
    width: int = 5  # columns
    height: int = 5  # rows
    start: Cell = (0, 0)  # (row, column)
    goal: Cell = (-1, -1)  # negative indices count from the far side
    walls: tuple[Cell, ...] = ()
    step_cost: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.width >= 2, "width", self.width, "at least 2 cells")
        require(self.height >= 2, "height", self.height, "at least 2 cells")
        ends = [("start", self.start), ("goal", self.goal)]
        for name, cell in [*ends, *(("wall", cell) for cell in self.walls)]:
            require(len(cell) == 2, name, cell, "(row, column)")
            row, column = cell
            inside = -self.height <= row < self.height and -self.width <= column < self.width
            require(inside, name, cell, f"inside the {self.height} × {self.width} grid")
        for name, cell in ends:
            free = self._index(cell) not in self._walls
            require(free, name, cell, "a free cell, not a wall")
        goal = self._index(self.goal)
        require(self._index(self.start) != goal, "goal", self.goal, "different from the start")
        require(goal in self._reachable(), "goal", self.goal, "reachable from the start")

    @property
    def states(self) -> int:
        return self.width * self.height

    @property
    def actions(self) -> int:
        return len(MOVES)

    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> TabularTask:
        heterogeneity_level(kappa, highest=1.0)
        values = perturb(self.knobs, self.knobs, agents, kappa, generator)
        for name in ("slip", "wind"):
            largest = np.max(values[name], initial=0.0)
            require(largest <= 1, name, float(largest), "a probability, at most 1")
        kernels = np.stack(
            [
                self._kernel(slip, wind, int(direction) % 4)
                for slip, wind, direction in zip(*values.values(), strict=True)
            ]
        )
        goal = self._index(self.goal)
        reward = kernels[..., goal] - self.step_cost  # expected over the next cell
        reward[:, goal] = 0.0
        start = np.zeros((agents, self.states))
        start[:, self._index(self.start)] = 1.0
        return tabular_task(kernels, reward, start)

    def text(self, agent: int) -> str:
        """A map with the agent in state `agent` (A), the goal (G), walls (#) and free cells (.)."""
        cells = ["#" if state in self._walls else "." for state in range(self.states)]
        cells[self._index(self.goal)] = "G"
        cells[agent] = "A"
        rows = [cells[at : at + self.width] for at in range(0, self.states, self.width)]
        return "\n".join(" ".join(row) for row in rows)

    def _kernel(self, slip: float, wind: float, direction: int) -> Array:
        """P(s'|s,a) of one agent: (Z, A, Z)."""
        goal = self._index(self.goal)
        kernel = np.zeros((self.states, self.actions, self.states))
        kernel[goal, :, goal] = 1.0
        for state in range(self.states):
            if state == goal:
                continue
            for action in range(self.actions):
                for turn, chance in ((0, 1 - slip), (1, slip / 2), (3, slip / 2)):
                    moved = self._move(state, (action + turn) % 4)
                    blown = moved if moved == goal else self._move(moved, direction)
                    kernel[state, action, moved] += chance * (1 - wind)
                    kernel[state, action, blown] += chance * wind
        return kernel

    def _move(self, state: int, action: int) -> int:
        row, column = divmod(state, self.width)
        row, column = row + MOVES[action][0], column + MOVES[action][1]
        if not (0 <= row < self.height and 0 <= column < self.width):
            return state
        following = row * self.width + column
        return state if following in self._walls else following

    def _reachable(self) -> set[int]:
        found, frontier = set(), [self._index(self.start)]
        while frontier:
            state = frontier.pop()
            if state not in found:
                found.add(state)
                frontier.extend(self._move(state, action) for action in range(self.actions))
        return found

    def _index(self, cell: Cell) -> int:
        return cell[0] % self.height * self.width + cell[1] % self.width

    @property
    def _walls(self) -> frozenset[int]:
        return frozenset(self._index(cell) for cell in self.walls)
