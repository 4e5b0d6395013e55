"""Maps of grids: reading them from a study file, walking in them, drawing an agent in them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fedrl.envs.family import Array
from fedrl.envs.validation import require

MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))  # up, right, down, left as (row, column)
MOST_CELLS = 1024  # a kernel P(s'|s,a) of 1024 states and 4 actions takes 32 MB per agent
MEANINGS = {"S": "start", "G": "goal", "#": "wall", ".": "free cell"}


class Layout(NamedTuple):
    """A grid; cells are counted row by row from the upper left corner."""

    height: int  # rows
    width: int  # columns
    start: int
    goals: tuple[int, ...]
    walls: frozenset[int]

    @property
    def states(self) -> int:
        return self.height * self.width

    @property
    def moves(self) -> Array:
        """Where each move leads: (Z, 4). Walls and edges leave one where one is."""
        states = np.arange(self.states)
        moves = np.empty((self.states, len(MOVES)), np.int64)
        for action, (down, right) in enumerate(MOVES):
            row, column = states // self.width + down, states % self.width + right
            inside = (row >= 0) & (row < self.height) & (column >= 0) & (column < self.width)
            following = np.where(inside, row * self.width + column, states)
            moves[:, action] = np.where(np.isin(following, [*self.walls]), states, following)
        return moves

    @property
    def reachable(self) -> list[int]:
        """Cells that can be reached from the start, itself included."""
        moves, found, frontier = self.moves, {self.start}, [self.start]
        while frontier:
            new = set(moves[frontier.pop()].tolist()) - found
            found |= new
            frontier.extend(new)
        return sorted(found)

    def cell(self, state: int) -> tuple[int, int]:
        """(row, column) of a state."""
        return divmod(state, self.width)


def require_small(height: int, width: int) -> None:
    """Refuse a grid whose tables would not fit in memory, before any is made."""
    longer = "width" if width >= height else "height"
    allowed = f"such that width × height is at most {MOST_CELLS} cells"
    require(height * width <= MOST_CELLS, longer, max(height, width), allowed)


def read(text: str | Sequence[str]) -> Layout:
    """A layout from lines of S (start), G (goals), # (walls) and . (free cells)."""
    lines = text.strip("\n").splitlines() if isinstance(text, str) else list(text)
    lines = [line.strip() for line in lines]
    require(len(lines) > 0, "map", text, "one line of characters per row of the grid")
    most = f"at most {MOST_CELLS}"
    cells = sum(map(len, lines))
    require(cells <= MOST_CELLS, "number of cells in the map", cells, most)
    known = ", ".join(f"{character} ({meaning})" for character, meaning in MEANINGS.items())
    for at, line in enumerate(lines, 1):
        fits = len(line) == len(lines[0])
        require(fits, f"line {at} of the map", line, f"as long as the first: {len(lines[0])} cells")
        for character in line:
            require(character in MEANINGS, f"a cell in line {at} of the map", character, known)
    joined = "".join(lines)
    starts, goals = ([i for i, c in enumerate(joined) if c == kind] for kind in "SG")
    require(len(starts) == 1, "number of S (start) in the map", len(starts), "1")
    require(len(goals) >= 1, "number of G (goals) in the map", len(goals), "1 or more")
    walls = frozenset(i for i, c in enumerate(joined) if c == "#")
    return Layout(len(lines), len(lines[0]), starts[0], tuple(goals), walls)


def drawn(rows: Sequence[Sequence[str]], cell: int) -> str:
    """A map with the agent (A) in state `cell`, counted row by row."""
    row, column = divmod(cell, len(rows[0]))
    lines = [list(line) for line in rows]
    lines[row][column] = "A"
    return "\n".join(" ".join(line) for line in lines)
