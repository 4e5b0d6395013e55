"""Studies with one thing wrong in them: drawn from a seed, so that each comes back."""

from __future__ import annotations

import copy
import json
import random
from typing import Any, NamedTuple

EXTREME: tuple[Any, ...] = (
    *(0, -1, 1, 2, 3, 10**6, 10**12, 2**63, -(2**63), 10**400),
    *(0.0, -0.0, 1e308, -1e308, 5e-324, 1e-12, float("nan"), float("inf"), float("-inf")),
    *(True, False, "", "none", "3", "x" * 10_000, "\x1b[31m", "../..", ".os:X", "a\nb", "é\u202e"),
    *([], [[]], [0], [1, 1], ["none"], [[[[1]]]], [0.5] * 2000, list(range(1000))),
    *({}, {"x": 1}, {"values": [1, 2]}, {"": {}}, {"distribution": "normal", "scale": 1e300}),
)
Path = tuple[str, ...]


class Mutated(NamedTuple):
    """A table with one mutation."""

    table: dict[str, Any]
    path: Path  # what was changed
    kind: str


def mutated(table: dict[str, Any], draw: random.Random) -> Mutated:
    """A copy of a study's table with one entry dropped, doubled, retyped, renamed or extreme."""
    table = copy.deepcopy(table)
    path = draw.choice(_paths(table))
    *way, last = path
    owner = table
    for key in way:
        owner = owner[key]
    kind = draw.choice(("drop", "duplicate", "retype", "rename", "extreme", "extreme", "foreign"))
    value = owner[last]
    if kind == "drop":
        del owner[last]
    elif kind == "duplicate":
        owner[last] = [value, value]
    elif kind == "retype":
        owner[last] = draw.choice((str(value), [value], {"value": value}, bool(value)))
    elif kind == "rename":
        at = draw.randrange(len(last) + 1)
        renamed = last[:at] + draw.choice("xz_-. /\\\"'é") + last[at + 1 :]
        owner[renamed] = owner.pop(last)
        path = (*way, renamed)
    elif kind == "extreme":
        owner[last] = draw.choice(EXTREME)
    else:  # a value from elsewhere in the study
        other: Any = table
        for key in draw.choice(_paths(table)):
            other = other[key]
        owner[last] = copy.deepcopy(other)
    return Mutated(table, path, kind)


def to_toml(table: dict[str, Any]) -> str:
    """A table as TOML, all tables within the first level inline."""
    return "".join(f"{json.dumps(key)} = {_value(value)}\n" for key, value in table.items())


def _paths(table: dict[str, Any], way: Path = ()) -> list[Path]:
    found = []
    for key, value in table.items():
        found.append((*way, key))
        if isinstance(value, dict):
            found += _paths(value, (*way, key))
    return found


def _value(value: Any) -> str:
    if isinstance(value, dict):
        inner = (f"{json.dumps(key)} = {_value(entry)}" for key, entry in value.items())
        return f"{{{', '.join(inner)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str | bool):
        return json.dumps(value)
    return repr(value)
