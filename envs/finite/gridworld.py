"""GridWorld: reach a goal cell; agents differ in how often they slip, their wind and their goal."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from fedrl.envs.family import Array, Knob, heterogeneity_level, perturb
from fedrl.envs.finite import maps
from fedrl.envs.finite.mdp import TabularTask, tabular_task
from fedrl.envs.finite.tabular import Tabular
from fedrl.envs.validation import require

Cell = tuple[int, int]
TURNS = (0, 1, 3)  # a move, the one to its right and the one to its left
SUCCESSORS = 6  # each of the three with and without wind


@dataclass(frozen=True)
class GridWorld(Tabular):
    """A grid. Reward -step_cost a step and +1 on entering a goal, which ends the episode.

    An intended move is replaced by one of the two perpendicular ones with probability `slip`; then,
    with probability `wind`, the agent is pushed one further cell in its own wind direction. Moves
    into walls or out of the grid leave the agent where it is.

    The grid is width × height with a start, a goal and walls, or it is drawn in `map`.
    """

    summary: ClassVar[str] = "Reach a goal cell; every agent slips and is blown differently"
    source: ClassVar[str] = "after Sutton & Barto 2018, examples 3.5 and 6.5"
    heterogeneity: ClassVar[str] = (
        "slip probability and wind (strength, direction), with vary_goal also the goal; κ in [0, 1]"
    )
    gymnasium_id: ClassVar[str] = "FedRL/GridWorld-v0"
    actions: ClassVar[int] = len(maps.MOVES)
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
    map: str | tuple[str, ...] = (
        ""  # lines of S start, G goals, # walls, . free; replaces the above
    )
    vary_goal: bool = False  # each agent has one goal, with probability κ another than the first

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.map:
            for field in fields(self):
                if field.name in ("width", "height", "start", "goal", "walls"):
                    value = getattr(self, field.name)
                    require(value == field.default, field.name, value, "left out: a map is given")
        else:
            self._check_coordinates()
        reachable = self.layout.reachable
        for goal in self.layout.goals:
            require(goal in reachable, "goal", self.layout.cell(goal), "reachable from the start")

    def _check_coordinates(self) -> None:
        require(self.width >= 2, "width", self.width, "at least 2 cells")
        require(self.height >= 2, "height", self.height, "at least 2 cells")
        maps.require_small(self.height, self.width)
        ends = [("start", self.start), ("goal", self.goal)]
        for name, cell in [*ends, *(("wall", cell) for cell in self.walls)]:
            require(len(cell) == 2, name, cell, "(row, column)")
            row, column = cell
            inside = -self.height <= row < self.height and -self.width <= column < self.width
            require(inside, name, cell, f"inside the {self.height} × {self.width} grid")
        for name, cell in ends:
            free = self._index(cell) not in self.layout.walls
            require(free, name, cell, "a free cell, not a wall")
        apart = self.layout.goals != (self.layout.start,)
        require(apart, "goal", self.goal, "different from the start")

    @cached_property
    def layout(self) -> maps.Layout:
        """The grid, whichever way it is given."""
        if self.map:
            return maps.read(self.map)
        start, goal = self._index(self.start), self._index(self.goal)
        walls = frozenset(self._index(cell) for cell in self.walls)
        return maps.Layout(self.height, self.width, start, (goal,), walls)

    @property
    def states(self) -> int:
        return self.layout.states

    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> TabularTask:
        heterogeneity_level(kappa, highest=1.0)
        # A stream of its own, so that the knobs are the same whether goals vary or not.
        goals = self._goals(agents, kappa, generator.bit_generator.jumped())  # type: ignore[attr-defined]
        values = perturb(self.knobs, self.knobs, agents, kappa, generator)
        for name in ("slip", "wind"):
            largest = np.max(values[name], initial=0.0)
            require(largest <= 1, name, float(largest), "a probability, at most 1")
        start = np.zeros((1, self.states))
        start[:, self.layout.start] = 1.0
        one_by_one = [
            self._task(own, start, slip, wind, int(direction) % 4)
            for own, slip, wind, direction in zip(goals, *values.values(), strict=True)
        ]
        return TabularTask(*map(np.concatenate, zip(*one_by_one, strict=True)))

    def text(self, agent: int, goals: Collection[int] | None = None) -> str:
        """A map with the agent in state `agent` (A), goals (G), walls (#) and free cells (.)."""
        goals = self.layout.goals if goals is None else goals
        cells = np.full(self.states, ".")
        cells[[*goals]] = "G"
        cells[[*self.layout.walls]] = "#"
        return maps.drawn(cells.reshape(-1, self.layout.width).tolist(), agent)

    def _goals(self, agents: int, kappa: float, numbers: Any) -> list[list[int]]:
        """Goals of each agent: all of the grid, or one of its own."""
        goals = [*self.layout.goals]
        if not self.vary_goal:
            return [goals] * agents
        others = goals[1:] or sorted({*self.layout.reachable} - {self.layout.start, *goals})
        z = np.random.Generator(numbers).random((agents, 2))
        return [
            [others[int(place * len(others))] if others and moved < kappa else goals[0]]
            for moved, place in z
        ]

    def _task(
        self, goals: list[int], start: Array, slip: float, wind: float, direction: int
    ) -> TabularTask:
        """The MDP of one agent, with a leading axis of 1."""
        moves = self.layout.moves
        kernel = np.zeros((self.states, self.actions, self.states))
        state, action = np.indices(kernel.shape[:2], sparse=True)
        for turn, chance in zip(TURNS, (1 - slip, slip / 2, slip / 2), strict=True):
            moved = moves[state, (action + turn) % 4]
            blown = np.where(np.isin(moved, goals), moved, moves[moved, direction])
            kernel[state, action, moved] += chance * (1 - wind)
            kernel[state, action, blown] += chance * wind
        kernel[goals] = 0.0
        kernel[goals, :, goals] = 1.0
        reward = kernel[..., goals].sum(axis=-1) - self.step_cost  # expected over the next cell
        reward[goals] = 0.0
        return tabular_task(kernel[None], reward[None], start, SUCCESSORS)

    def _index(self, cell: Cell) -> int:
        return cell[0] % self.height * self.width + cell[1] % self.width
