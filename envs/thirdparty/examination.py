"""Examine a Gymnasium environment before anything is computed with it."""

import inspect
import sys
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import packages_distributions
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import FlattenObservation

from fedrl.envs.family import Array
from fedrl.envs.thirdparty.making import (
    Env,
    Keywords,
    Values,
    constructor,
    creator,
    make,
    read,
    settings_of,
)
from fedrl.envs.validation import require_known

TRIAL = 20  # steps of the episode that is played twice


class Examined(NamedTuple):
    """The spaces a policy sees."""

    observation: spaces.Space[Any]  # Box (o,), or Discrete from 0
    action: spaces.Space[Any]  # Box (a,) or Discrete


@lru_cache(maxsize=256)
def examine(name: str, keywords: Keywords, low: Values, stock: Values, high: Values) -> Examined:
    """Spaces of the environment, or a ValueError that says why it cannot be used.

    The middle of every range must be what the environment has; the ends must be accepted; writes
    must outlive a reset; one seed must give one episode, in a new environment and in a used one.
    """
    known, others = constructor(name)
    if not others:
        require_known(f"keyword of {name}", dict(keywords), known)
    bare = make(name, keywords, ())
    for knob, value in stock:
        own = read(name, keywords, bare, knob)
        if own != value:
            raise ValueError(
                f"{knob} is {value!r} in the middle of its range; {name} has {own!r}, and κ = 0 "
                "must be the stock environment"
            )
    for values in (low, high):
        _keeps(name, keywords, values)
    one = prepared(name, keywords, stock)
    first, _, again = (_episode(one, seed) for seed in (1, 2, 1))
    anew = _episode(prepared(name, keywords, stock), 1)
    if not (np.array_equal(first, again) and np.array_equal(first, anew)):
        raise ValueError(
            f"id is {name!r}; two episodes of it from one seed differ, so it draws numbers that "
            "reset(seed=...) does not decide, and no run could be repeated"
        )
    return Examined(one.observation_space, one.action_space)


@lru_cache(maxsize=1024)
def accepted(name: str, keywords: Keywords, values: Values) -> bool:
    """True, or the ValueError with which the environment refuses these numbers."""
    _keeps(name, keywords, values)
    return True


def prepared(name: str, keywords: Keywords, values: Values) -> Env:
    """The environment behind spaces a policy can deal with; ValueError if there are none."""
    env = make(name, keywords, values)
    seen = env.observation_space
    plain = isinstance(seen, spaces.Box) and len(seen.shape) == 1
    if not plain and not (isinstance(seen, spaces.Discrete) and seen.start == 0):
        with suppress(NotImplementedError):
            env = FlattenObservation(env)
        flat = env.observation_space
        if not (isinstance(flat, spaces.Box) and len(flat.shape) == 1):
            raise ValueError(
                f"id is {name!r}; its observations {seen} cannot be flattened to one vector"
            )
    taken = env.action_space
    vector = isinstance(taken, spaces.Box) and len(taken.shape) == 1
    if not vector and not isinstance(taken, spaces.Discrete):
        raise ValueError(
            f"id is {name!r}; its actions are {taken}; they must be Discrete or a Box of one axis"
        )
    return env


def _keeps(name: str, keywords: Keywords, values: Values) -> None:
    """Refuse numbers that the environment refuses, or overwrites when an episode begins."""
    env = make(name, keywords, values)
    settings = settings_of(name, keywords)
    try:
        env.reset(seed=0)
    except Exception as error:
        told = ", ".join(f"{knob}={value!r}" for knob, value in values)
        raise ValueError(f"{name} cannot begin an episode with {told}: {error}") from error
    for knob, value in values:
        if knob.split(".")[0] in settings:
            continue
        kept = read(name, keywords, env, knob)
        if kept != value:
            raise ValueError(
                f"{knob} was set to {value!r}, but reset() of {name} made it {kept!r}: "
                "a knob must be something that reset() leaves alone"
            )


def _episode(env: Env, seed: int) -> Array:
    """Everything seen in one short episode under fixed actions, as one vector."""
    seen = [np.ravel(env.reset(seed=seed)[0])]
    space = env.action_space
    space.seed(seed)
    for _ in range(TRIAL):
        observation, reward, terminated, truncated, _ = env.step(space.sample())
        seen += [np.ravel(observation), np.ravel([reward, terminated, truncated])]
        if terminated or truncated:
            break
    return np.concatenate([np.asarray(part, np.float64) for part in seen])


@lru_cache
def modules_of(name: str, keywords: Keywords) -> tuple[str, ...]:
    """Modules that define the environment: what registers it, what makes it, classes, wrappers."""
    found = [name.rpartition(":")[0], creator(name).__module__]
    layer: Any = make(name, keywords, ())
    while True:
        found += [base.__module__ for base in type(layer).__mro__]
        if layer is layer.unwrapped:
            return tuple(dict.fromkeys(filter(None, found)))
        layer = layer.env


@lru_cache
def distributions_of(name: str, keywords: Keywords) -> list[str]:
    """Installed distributions whose code the environment's module uses, by name.

    What those use in their turn is not looked for.
    """
    module = sys.modules[type(make(name, keywords, ()).unwrapped).__module__]
    used = [
        value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", "")
        for value in vars(module).values()
    ]
    owners = packages_distributions()
    tops = {str(one).split(".")[0] for one in [module.__name__, *used]}
    return sorted({owner for top in tops for owner in owners.get(top, [])})
