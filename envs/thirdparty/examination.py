"""Examine a Gymnasium environment before anything is computed with it."""

import inspect
import sys
from contextlib import suppress
from copy import deepcopy
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
    is_whole,
    make,
    read,
    settings_of,
)
from fedrl.envs.thirdparty.seen import Seen
from fedrl.envs.validation import require_known, shown

AS_IT_IS = Seen()
TRIALS = ((1, 200), (2, 3), (3, 40))  # seed and steps of the episodes that are played


class Examined(NamedTuple):
    """The spaces a policy sees, and what is known of the knobs."""

    observation: spaces.Space[Any]  # Box (o,), or Discrete from 0
    action: spaces.Space[Any]  # Box (a,) or Discrete
    whole: frozenset[str] = frozenset()  # knobs whose values are whole numbers
    attributes: frozenset[str] = frozenset()  # knobs that are no keywords of the constructor


@lru_cache(maxsize=256)
def examine(
    name: str,
    keywords: Keywords,
    low: Values,
    stock: Values,
    high: Values,
    *,
    renew: bool = False,
    seen: Seen = AS_IT_IS,
) -> Examined:
    """Spaces of the environment, or a ValueError that says why it cannot be used.

    The middle of every range must be what the environment has; the ends must be accepted; writes
    must outlive a reset; one seed must give one finite episode, in new objects and, unless every
    episode gets a new object (`renew`), in a used one; and every knob must change an episode.
    """
    known, others = constructor(name)
    if not others:
        require_known(f"keyword of {name}", dict(keywords), known)
    bare = make(name, keywords, ())
    whole = set()
    for (knob, least), (_, value), (_, most) in zip(low, stock, high, strict=True):
        own = read(name, keywords, bare, knob)
        if is_whole(own) and least.is_integer() and most.is_integer():
            whole.add(knob)
        if own != value:
            raise ValueError(
                f"{knob} is {value!r} in the middle of its range; {name} has {own!r}, and κ = 0 "
                "must be the stock environment"
            )
    for values in (low, high):
        require_kept(name, keywords, values)
    _repeats(name, keywords, stock, seen, renew=renew)
    settings = settings_of(name, keywords)
    attributes = {knob for knob, _ in stock if knob.split(".")[0] not in settings}
    for place, (knob, _) in enumerate(stock):
        ends = [low[place], high[place]]
        _acts(name, keywords, stock, ends, seen, attribute=knob in attributes)
    one = prepared(name, keywords, stock, seen)
    spaces_of = one.observation_space, one.action_space
    return Examined(*spaces_of, frozenset(whole), frozenset(attributes))


def _repeats(name: str, keywords: Keywords, stock: Values, seen: Seen, *, renew: bool) -> None:
    """Refuse what does not repeat itself, and say in which of three ways."""

    def new() -> list[Array]:
        return _played(name, keywords, stock, seen)

    first = new()
    if not all(np.isfinite(episode).all() for episode in first):
        raise ValueError(
            f"id is {name!r}; observations and rewards must be finite, and those of an episode "
            "under random actions are not"
        )
    if not all(map(np.array_equal, first, new())):
        raise ValueError(
            f"id is {name!r}; two new objects of it play different episodes from one seed: it "
            "draws numbers that reset(seed=...) does not decide, such as those of its own action "
            "space or of a global generator, and no run could be repeated"
        )
    if renew:
        return
    used = prepared(name, keywords, stock, seen)
    for _ in range(2):  # the second time after episodes of several lengths
        again = [_episode(used, *trial) for trial in TRIALS]
        if not all(map(np.array_equal, first, again)):
            raise ValueError(
                f"id is {name!r}; an object of it that was used plays another episode from the "
                "same seed than a new one: it keeps what reset() should forget. With "
                "renew = true every episode gets a new object"
            )


def _acts(
    name: str,
    keywords: Keywords,
    stock: Values,
    ends: Values | list[Any],
    seen: Seen,
    *,
    attribute: bool,
) -> None:
    """Refuse a knob without effect: at both ends every episode is the stock one."""
    at_stock = dict(stock)
    moved = [tuple({**at_stock, knob: end}.items()) for knob, end in ends if end != at_stock[knob]]
    before = _played(name, keywords, stock, seen) if moved else []
    # All are played: whatever an end makes impossible is told now.
    same = [all(map(np.array_equal, before, _played(name, keywords, one, seen))) for one in moved]
    if moved and all(same):
        knob, (least, most) = ends[0][0], (end for _, end in ends)
        derived = (
            ". It is an attribute: what the constructor derived from it does not follow; take a "
            "keyword of the constructor, or the derived number itself"
        )
        raise ValueError(
            f"ranges of {knob} is {[least, at_stock[knob], most]}; it must change something, and "
            f"the episodes of {name} are the same at both ends{derived * attribute}"
        )


def _played(name: str, keywords: Keywords, values: Values, seen: Seen) -> list[Array]:
    """The trial episodes, each in a new object; ValueError if one cannot be played."""
    try:
        return [_episode(prepared(name, keywords, values, seen), *trial) for trial in TRIALS]
    except ValueError:
        raise
    except Exception as error:  # every environment has its own way to fail
        told = ", ".join(f"{knob}={value!r}" for knob, value in values) or "its defaults"
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{name} cannot play an episode with {told}: {type(error).__name__}: {reason}"
        ) from error


def prepared(name: str, keywords: Keywords, values: Values, seen: Seen = AS_IT_IS) -> Env:
    """The environment behind spaces a policy can deal with; ValueError if there are none."""
    env = seen.of(make(name, keywords, values))
    shown = env.observation_space
    plain = isinstance(shown, spaces.Box) and len(shown.shape) == 1
    if not plain and not (isinstance(shown, spaces.Discrete) and shown.start == 0):
        with suppress(NotImplementedError):
            env = FlattenObservation(env)
        flat = env.observation_space
        if not (isinstance(flat, spaces.Box) and len(flat.shape) == 1):
            raise ValueError(
                f"id is {name!r}; its observations {shown} cannot be flattened to one vector"
            )
    taken = env.action_space
    vector = isinstance(taken, spaces.Box) and len(taken.shape) == 1
    if not vector and not isinstance(taken, spaces.Discrete):
        raise ValueError(
            f"id is {name!r}; its actions are {taken}; they must be Discrete or a Box of one axis"
        )
    return env


@lru_cache(maxsize=1024)
def require_kept(name: str, keywords: Keywords, values: Values) -> None:
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


def _episode(env: Env, seed: int, steps: int) -> Array:
    """Everything seen in an episode under random actions, as one vector.

    Actions come from a copy of the space: the environment may draw from its own, and must seed it.
    """
    seen = [np.ravel(env.reset(seed=seed)[0])]
    space = deepcopy(env.action_space)
    space.seed(seed)
    for _ in range(steps):
        answer = env.step(space.sample())
        if len(answer) != 5:
            raise ValueError(
                f"id is that of {type(env.unwrapped).__name__}, whose step() gives {len(answer)} "
                "values; it must give five, as Gymnasium's do: observation, reward, terminated, "
                "truncated, info"
            )
        observation, reward, terminated, truncated, _ = answer
        if np.size(np.asarray(reward)) != 1:
            raise ValueError(
                f"id is that of {type(env.unwrapped).__name__}, whose reward is {shown(reward)}; "
                "it must be one number, such as their sum"
            )
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
