"""Families and algorithms, made once per settings: one object serves all configurations.

A study has many configurations and few environments, and to make one may take milliseconds.
"""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, fields
from functools import cache, lru_cache
from typing import Any, NamedTuple, get_type_hints

from gymnasium import spaces
from pydantic import TypeAdapter, ValidationError

from fedrl.benchmark.config.seeds import Seed
from fedrl.envs.family import Family
from fedrl.envs.validation import nearest, require, shown

KEPT = 256  # of those made last
PLAIN = frozenset((bool, float, int, str, type(None)))
ENCODER = json.JSONEncoder(default=lambda value: getattr(value, "item", value.__str__)())


class Described(NamedTuple):
    """Facts of a family with its options."""

    observations: spaces.Space[Any]
    actions: spaces.Space[Any]
    options: dict[str, Any]  # every field; lists instead of tuples


def made(kind: str, known: Mapping[str, Any], name: str, settings: Mapping[str, Any]) -> Any:
    """The entry of that name with these settings; ValueError of one line if it cannot have them."""
    if name not in known:
        raise ValueError(nearest(kind, name, known))
    entry = known[name]
    for setting in settings:
        if setting not in _names(entry):
            what = "option" if kind == "family" else "hyperparameter"
            raise ValueError(nearest(f"{what} of {name}", setting, _names(entry)))
    # Types too, for 1, 1.0 and True are one key: this is asked for far oftener than JSON is cheap.
    items = tuple((setting, type(value), value) for setting, value in settings.items())
    with _told(kind, name):
        try:
            hash(items)
        except TypeError:  # a list or a table among them
            return _made(entry, _text(settings))
        return _made_of(entry, items)


@lru_cache(maxsize=KEPT)
def _made_of(entry: Any, items: tuple[tuple[str, type, Any], ...]) -> Any:
    return _made(entry, _text({setting: value for setting, _, value in items}))


def described(name: str, family: type[Family], options: Mapping[str, Any]) -> Described:
    """What a configuration asks of the family with these options."""
    with _told("family", name):
        return _described(family, _text(options))


def check_kappa(name: str, family: type[Family], options: Mapping[str, Any], kappa: float) -> None:
    """ValueError for a level κ that the family cannot have; it can have all below one it can."""
    text = _text(options)
    largest = _possible(family, text)
    if kappa > largest[0]:
        with _told("family", name):
            _made(family, text).sample(1, kappa, Seed("test", 0).generator("environment"))
        largest[0] = kappa


def same_kinds(given: Any, typed: Any) -> bool:
    """Whether truth values, words and numbers were given as what they were taken for."""
    if type(given) is type(typed) and type(given) in PLAIN:
        return True
    if isinstance(given, Mapping):
        taken = typed if isinstance(typed, Mapping) else getattr(typed, "__dict__", {})
        return all(same_kinds(value, taken.get(name, value)) for name, value in given.items())
    if isinstance(given, list | tuple) and isinstance(typed, list | tuple):
        return len(given) != len(typed) or all(map(same_kinds, given, typed))
    return all(isinstance(given, kind) == isinstance(typed, kind) for kind in (bool, str))


@lru_cache(maxsize=KEPT)
def _made(entry: type, settings: str) -> Any:
    """A family or an algorithm by the JSON of its settings; one object serves all configs."""
    given = json.loads(settings)
    return entry(**{name: _typed(entry, name, value) for name, value in given.items()})


@lru_cache(maxsize=KEPT)
def _described(family: type[Family], options: str) -> Described:
    one = _made(family, options)
    plain = {f.name: _plain(getattr(one, f.name)) for f in fields(family)}
    return Described(one.observation_space, one.action_space, plain)


@lru_cache(maxsize=KEPT)
def _possible(family: type[Family], options: str) -> list[float]:
    """The largest level κ that was found to be possible."""
    return [-1.0]


@contextmanager
def _told(kind: str, name: str) -> Iterator[None]:
    """Whatever the code of a third party raises is a ValueError of one line."""
    try:
        yield
    except ValueError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or "no message"
        raise ValueError(
            f"{kind} {name} cannot be made with these settings: {type(error).__name__}: {reason}"
        ) from error


@cache
def _names(entry: Any) -> tuple[str, ...]:
    """Fields that a study may set: those with a default."""
    return tuple(f.name for f in fields(entry) if f.default is not MISSING)


def _text(settings: Mapping[str, Any]) -> str:
    """Settings as JSON, in their order; what JSON has no word for, such as a date, as a string."""
    return ENCODER.encode(settings) if settings else "{}"


def _plain(value: Any) -> Any:
    """Tuples as lists, so that a configuration equals itself after a round trip through JSON."""
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} cannot be an option: it must be finite")
    return value


def _typed(owner: type, name: str, value: Any) -> Any:
    """The value as the type its field declares, lists as tuples; or an error that says so."""
    try:
        typed = _adapter(owner, name).validate_python(value)
    except ValidationError as error:
        problem = error.errors()[0]["msg"].removeprefix("Input should be ")
        problem = problem.removeprefix("Value error, ")
        raise ValueError(f"{name} is {shown(value)}; it must be {problem}") from None
    require(same_kinds(value, typed), name, value, f"{typed!r}, if that is meant")
    return typed


@cache
def _adapter(owner: type, name: str) -> TypeAdapter[Any]:
    return TypeAdapter(get_type_hints(owner, include_extras=True)[name])
