"""Entries to check: a family or an algorithm, by name or by its path `module:Class`."""

import importlib
import inspect
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

from fedrl.algorithms import Algorithm
from fedrl.benchmark.config import registry
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.settings import SettingError, explained, parse_value
from fedrl.envs.family import Family
from fedrl.envs.validation import nearest


class Entry(NamedTuple):
    """A registered class."""

    kind: str  # "family" or "algorithm"
    name: str  # under which configurations know it
    value: type[Any]


def find_entry(name: str) -> Entry:
    """The entry of that name; a path `module:Class` is registered under itself.

    Raises SettingError with the nearest name, or with what is wrong about the path.
    """
    if ":" in name:
        return admit(name, _load(name))
    known = {n: Entry("algorithm", n, value) for n, value in registry.algorithms().items()}
    known |= {n: Entry("family", n, value) for n, value in registry.families().items()}
    if name not in known:
        raise SettingError(nearest("family or algorithm", name, known))
    return known[name]


def with_settings(entry: Entry, settings: Sequence[str]) -> Entry:
    """The entry whose defaults are these, `name=value`: what the laws are tried on.

    Raises SettingError: unknown names with the nearest one, values with what would be right.
    """
    given: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise SettingError(f"{setting!r} is not a setting; write NAME=VALUE")
        given[name] = parse_value(text)
    family = entry.kind == "family"
    named = {
        "family": entry.name if family else "random-mdp",
        "algorithm": "fedpg" if family else entry.name,
        "options" if family else "hyperparameters": given,
    }
    with explained():
        config = Config.model_validate(named)
    made: Any = config.build_family() if family else config.build_algorithm()
    kind, hints = entry.value, get_type_hints(entry.value, include_extras=True)
    body: dict[str, Any] = {
        one.name: field(default=getattr(made, one.name), metadata=one.metadata)
        for one in fields(made)
    }
    body["__annotations__"] = {name: hints[name] for name in body}
    body |= {"__module__": kind.__module__, "__doc__": kind.__doc__}
    body |= {"knobs": made.knobs} if family else {}
    return admit(entry.name, dataclass(frozen=True)(type(kind.__name__, (kind,), body)))


def family_entry(name: str) -> Entry:
    """The same for what must be a family."""
    if ":" not in name and name not in registry.families():
        raise SettingError(nearest("family", name, registry.families()))
    entry = find_entry(name)
    if entry.kind != "family":
        raise SettingError(f"{name} is an algorithm; it must be a family")
    return entry


def name_of(value: type[Any]) -> str:
    """The name under which configurations know the class; it gets one if it has none."""
    for known in (registry.families(), registry.algorithms()):
        for name, entry in known.items():
            if entry is value:
                return name
    return admit(f"{value.__module__}:{value.__qualname__}", value).name


def admit(name: str, value: type[Any]) -> Entry:
    """Register a class under a name in this process only."""
    if issubclass(value, Family):
        registry.families()[name] = value
        return Entry("family", name, value)
    if issubclass(value, Algorithm):
        registry.algorithms()[name] = value
        return Entry("algorithm", name, value)
    raise SettingError(f"{name} is neither a Family nor an Algorithm; it must extend one of them")


def _load(path: str) -> type[Any]:
    module, _, attribute = path.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:  # as `python -m` does: a file beside you is a module
        sys.path.insert(0, here)
    try:
        value = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise SettingError(f"cannot import {path}: {error}") from None
    except AttributeError:
        known = [name for name, _ in inspect.getmembers(sys.modules[module], _is_entry)]
        raise SettingError(nearest(f"class in {module}", attribute, known)) from None
    except Exception as error:  # whatever the module does when it is imported
        reason = " ".join(str(error).split())
        raise SettingError(f"cannot import {path}: {type(error).__name__}: {reason}") from None
    if not inspect.isclass(value):
        raise SettingError(f"{path} is not a class")
    return value


def _is_entry(value: Any) -> bool:
    return inspect.isclass(value) and issubclass(value, Family | Algorithm)
