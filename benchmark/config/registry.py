"""Names to classes: the built-in registries and what other packages add through entry points.

What another package adds and cannot be used is told in one line and left out: whoever does not use
it loses nothing.
"""

import inspect
import warnings
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from re import fullmatch
from typing import Any, cast

from fedrl.algorithms import ALGORITHMS, Algorithm
from fedrl.envs import FAMILIES, Family


class EntryPointWarning(UserWarning):
    """An entry of another package that cannot be used."""


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
    return _with_entry_points(ALGORITHMS, Algorithm, "fedrl.algorithms")


@cache
def families() -> dict[str, type[Family]]:
    """Every known environment family by name, or name@label; group `fedrl.families`."""
    return Labelled(_with_entry_points(FAMILIES, Family, "fedrl.families"))


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


def _with_entry_points(built_in: Mapping[str, Any], base: type, group: str) -> dict[str, Any]:
    known = dict(built_in)
    for point in entry_points(group=group):
        try:
            value = point.load()
            problem = _problem(value, base)
            problem = "its name is taken: rename it" if point.name in known else problem
        except (Exception, SystemExit) as error:  # whatever the package does when it is imported
            reason = " ".join(str(error).split())
            problem = f"it cannot be imported ({type(error).__name__}: {reason:.300})"
        if problem:
            told = f"{point.name!r} = {point.value!r} of group {group} is left out: {problem}"
            warnings.warn(f"entry point {told}", EntryPointWarning, stacklevel=2)
        else:
            known[point.name] = value
    return known


def _problem(value: Any, base: type) -> str:
    """Why a class is no entry; empty if it is one."""
    if not (inspect.isclass(value) and issubclass(value, base)):
        return f"it does not extend {base.__name__}"
    if missing := sorted(getattr(value, "__abstractmethods__", ())):
        return f"it does not define {', '.join(missing)}"
    for one in fields(cast(Any, value)):
        if one.default is MISSING and one.default_factory is MISSING:
            return f"its field {one.name} has no default"
        ranged = {"low", "high", "domain", "meaning"} <= one.metadata.keys()
        if base is Algorithm and not ranged and not one.metadata.get("structural"):
            return f"its field {one.name} has no range: write it as tunable(...) or structural(...)"
    return ""
