"""Where the states of a finite MDP lie, if the family can draw itself in characters."""

from typing import Any, NamedTuple

from fedrl.envs.family import Family
from fedrl.envs.finite.tabular import Tabular

AGENT, WALL = "A", "#"
Place = tuple[int, int]  # (row, column)


class Layout(NamedTuple):
    """A grid: characters without the agent, and the place of every state."""

    rows: list[list[str]]  # characters, "." for a free cell
    places: list[Place | None]  # of every state; None where the text does not show it

    @property
    def height(self) -> int:
        return len(self.rows)

    @property
    def width(self) -> int:
        return max(map(len, self.rows))


def layout_of(family: Family) -> Layout | None:
    """The grid of a finite family with a method `text(state)`; None for all others."""
    text: Any = getattr(family, "text", None)
    if not isinstance(family, Tabular) or not callable(text):
        return None
    maps = [[line.split() for line in text(state).splitlines()] for state in range(family.states)]
    places: list[Place | None] = [_place(rows) for rows in maps]
    found = {place for place in places if place is not None}
    if len(found) < 2:
        return None
    rows = [list(row) for row in maps[0]]
    first = places[0]
    if first is not None:  # what the agent hides in the first map, another map shows
        other = next(i for i, place in enumerate(places) if place not in (None, first))
        rows[first[0]][first[1]] = maps[other][first[0]][first[1]]
    return Layout(rows, places)


def _place(rows: list[list[str]]) -> Place | None:
    at = [(r, c) for r, row in enumerate(rows) for c, mark in enumerate(row) if mark == AGENT]
    return at[0] if len(at) == 1 else None
