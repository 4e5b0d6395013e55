"""Ordinary Gymnasium environments with numbers changed in them: finding, making, examining.

A *knob* is named by where its number is: a keyword of the environment's constructor, which comes
first because the constructor then derives what depends on it, or a path of attributes, keys and
indices from `env.unwrapped`, such as `force_mag` or `demand_engine.base_mu`. A keyword that holds a
table is entered by a path too: `demand_config.base_mu`. Where the environment has a whole number, a
whole number is written. Constants that MuJoCo derives from a model follow its numbers.
"""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from numbers import Integral, Real
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec, load_env_creator

from fedrl.envs.validation import nearest, require

Values = tuple[tuple[str, float], ...]  # knob, number
Keywords = tuple[tuple[str, Any], ...]  # keyword of the constructor, value
Env = gymnasium.Env[Any, Any]


_trusted: ContextVar[bool] = ContextVar("trusted", default=True)


@contextmanager
def importing(allowed: bool) -> Iterator[None]:
    """Whether an id in what is read here may import its package; outside, ids are the user's."""
    before = _trusted.set(allowed)
    try:
        yield
    finally:
        _trusted.reset(before)


def is_trusted() -> bool:
    """Whether what is read here may import packages it names."""
    return _trusted.get()


@lru_cache
def specification(name: str) -> EnvSpec:
    """The entry of Gymnasium's registry; "package:id" imports the package first."""
    package, _, own = name.rpartition(":")
    if package and not _trusted.get():
        raise ValueError(
            f"id is {name!r}; that imports the package {package!r}, which a stored file names: "
            "if you know whose file it is, allow it with --trust"
        )
    if package:
        parts = package.split(".")
        require(all(map(str.isidentifier, parts)), "id", name, "an id, or 'package:id'")
        try:
            import_module(package)
        except ImportError as error:
            raise ValueError(
                f"id is {name!r}; {package!r} cannot be imported ({error}): install its package"
            ) from None
    if own not in gymnasium.registry:
        close = get_close_matches(own, gymnasium.registry, n=4, cutoff=0.0)
        raise ValueError(
            f"id is {name!r}; Gymnasium knows no {own!r}; did you mean {close[0]!r}? Also near: "
            f"{', '.join(close[1:])}. An id of another package is written 'package:id'"
        )
    return gymnasium.registry[own]


@lru_cache
def creator(name: str) -> Callable[..., Any]:
    """The class or function that makes the environment."""
    entry = specification(name).entry_point
    try:
        made_by = load_env_creator(entry) if isinstance(entry, str) else entry
    except (ImportError, gymnasium.error.DependencyNotInstalled) as error:
        raise ValueError(
            f"id is {name!r}; it needs a package that is not installed: {error}"
        ) from None
    assert made_by is not None
    return made_by


@lru_cache
def constructor(name: str) -> tuple[dict[str, Any], bool]:
    """Keywords with their values in this id, and whether the constructor takes others too."""
    spec = specification(name)
    parameters = inspect.signature(creator(name)).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    named = {p.name: p.default for p in parameters if p.kind in kinds}
    others = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)
    return named | spec.kwargs, others


def make(name: str, keywords: Keywords, values: Values) -> Env:
    """A new environment without time limit, its knobs set; the horizon is the family's."""
    settings = settings_of(name, keywords)
    given = deepcopy(dict(keywords))
    attributes = []
    for path, value in values:
        first, *rest = path.split(".")
        if first not in settings:
            attributes.append((path, value))
        elif rest:
            given[first] = put(deepcopy(given.get(first, settings[first])), rest, value)
        else:
            given[first] = _like(settings[first], value)
    try:
        env = gymnasium.make(name, max_episode_steps=-1, disable_env_checker=True, **given)
    except Exception as error:  # every environment has its own way to refuse
        told = ", ".join(f"{keyword}={value!r}" for keyword, value in given.items())
        raise ValueError(f"{name} cannot be made with {told or 'its defaults'}: {error}") from error
    for path, value in attributes:
        put(env.unwrapped, path.split("."), value)
    if any(path.startswith("model.") for path, _ in attributes):
        _derive(env.unwrapped)
    return env


def settings_of(name: str, keywords: Keywords) -> dict[str, Any]:
    """Every keyword of the constructor with the value it gets."""
    return constructor(name)[0] | dict(keywords)


def read(name: str, keywords: Keywords, env: Env, path: str) -> Any:
    """The number a knob stands for now, or a ValueError that names the nearest there is."""
    settings = settings_of(name, keywords)
    parts = path.split(".")
    target: Any = settings if parts[0] in settings else env.unwrapped
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        members = dict(_members(target))
        if place == 0:
            members = settings | members
        try:
            target = _one(target, part)
        except (AttributeError, KeyError, IndexError, ValueError, TypeError):
            fitting = [m for m, value in members.items() if is_number(value) or not last]
            where = ".".join(parts[:place]) or name
            raise ValueError(nearest(f"knob of {where}", part, fitting)) from None
    if not is_number(target):
        fitting = [m for m, value in members.items() if is_number(value)]
        raise ValueError(
            f"{path} of {name} is {target!r}; a knob must be a number, such as {', '.join(fitting)}"
        )
    return target


def put(target: Any, path: list[str], value: Any) -> Any:
    """Write a number at the end of a path that exists; return the target, if a tuple a new one."""
    part, *rest = path
    there = _one(target, part)
    value = put(there, rest, value) if rest else _like(there, value)
    if rest and value is there:
        return target
    if isinstance(target, tuple):
        entries = [value if place == int(part) else entry for place, entry in enumerate(target)]
        return type(target)(*entries) if hasattr(target, "_fields") else tuple(entries)
    if isinstance(target, dict):
        target[part] = value
    elif isinstance(target, list | np.ndarray):
        target[int(part)] = value
    else:
        setattr(target, part, value)
    return target


def is_whole(value: Any) -> bool:
    """Whether a number counts something: frames, cells, steps."""
    return isinstance(value, Integral)


def _like(there: Any, value: float) -> float:
    """A whole number as one where one is."""
    return int(value) if is_whole(there) and float(value).is_integer() else value


def _derive(env: Any) -> None:
    """Let MuJoCo compute again what it derived from `env.model`, such as masses of subtrees.

    Inertias are numbers of the model themselves: they do not follow a mass.
    """
    engine: Any = sys.modules.get(type(env.model).__module__.partition(".")[0])
    if hasattr(engine, "mj_setConst"):
        engine.mj_setConst(env.model, env.data)


def _one(target: Any, part: str) -> Any:
    if isinstance(target, Mapping):
        return target[part]
    if isinstance(target, list | tuple | np.ndarray):
        return target[int(part)]
    return getattr(target, part)


def _members(target: Any) -> list[tuple[str, Any]]:
    """Names within an object that a path could go on with."""
    if isinstance(target, Mapping):
        return [(str(key), value) for key, value in target.items()]
    if isinstance(target, list | tuple | np.ndarray):
        return [(str(index), value) for index, value in enumerate(target)]
    own = [*vars(type(target)).items(), *getattr(target, "__dict__", {}).items()]
    return [(name, value) for name, value in own if not name.startswith("__")]


def is_number(value: Any) -> bool:
    """Whether a knob may stand for it: a whole or real number, no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)
