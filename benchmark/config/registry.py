"""Names to classes: the built-in registries and what other packages add through entry points."""

from collections.abc import Collection, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from re import fullmatch
from typing import Any

from fedrl.algorithms import ALGORITHMS, Algorithm
from fedrl.envs import FAMILIES, Family
from fedrl.envs.validation import nearest


class Labelled(dict[str, Any]):
    """Entries that are also found as name@label, which tells two uses in one study apart."""

    def __missing__(self, name: str) -> Any:
        entry, at, label = name.partition("@")
        if not at or not fullmatch(r"[A-Za-z0-9_.-]+", label):
            raise KeyError(name)
        return self[entry]

    def __contains__(self, name: object) -> bool:
        try:
            self[str(name)]
        except KeyError:
            return False
        return True


@cache
def algorithms() -> dict[str, type[Algorithm]]:
    """Every known algorithm by name; group `fedrl.algorithms`."""
    return _with_entry_points(ALGORITHMS, "fedrl.algorithms")


@cache
def families() -> dict[str, type[Family]]:
    """Every known environment family by name, or name@label; group `fedrl.families`."""
    return Labelled(_with_entry_points(FAMILIES, "fedrl.families"))


def find(kind: str, name: str, known: Mapping[str, Any]) -> Any:
    """known[name], or a ValueError that names the nearest known one."""
    if name not in known:
        raise ValueError(nearest(kind, name, known))
    return known[name]


def added(known: Collection[str], group: str) -> dict[str, EntryPoint]:
    """Find entries of other packages, not loaded; ValueError if a name is taken."""
    points: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        if point.name in known or point.name in points:
            raise ValueError(
                f"entry point {point.name!r} = {point.value!r} of group {group} has the name of a "
                "known entry; rename it"
            )
        points[point.name] = point
    return points


def _with_entry_points(built_in: Mapping[str, Any], group: str) -> dict[str, Any]:
    points = added(built_in, group)
    return {**built_in, **{name: point.load() for name, point in points.items()}}
