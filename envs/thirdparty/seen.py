"""What a policy sees of an environment and how its actions are read: wrappers, a part, scales.

All of it is off unless it is asked for, and belongs to the environment: κ, rewards and references
are of what comes out.
"""

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import TransformAction, TransformObservation

from fedrl.envs.thirdparty.making import Env, is_trusted
from fedrl.envs.validation import nearest, require

UNBOUNDED = 1e30  # a bound beyond it says that there is none, as the largest float32 does


class Seen(NamedTuple):
    """Applied in this order."""

    wrappers: tuple[str, ...] = ()  # "module:Wrapper", innermost first
    component: str = ""  # the only entry of a Dict observation that is seen
    scale_observations: bool = False  # what has bounds is mapped to [-1, 1]
    scale_actions: bool = False  # [-1, 1] is mapped to the bounds of the actions

    def of(self, env: Env) -> Env:
        """The environment as it is seen; ValueError where something cannot be done."""
        for path in self.wrappers:
            env = _wrapped(env, path)
        if self.component:
            env = _component(env, self.component)
        if self.scale_observations:
            env = _scaled_observations(env)
        return _scaled_actions(env) if self.scale_actions else env


@lru_cache
def wrapper(path: str) -> Callable[[Env], Env]:
    """The class or function at module:Name; ValueError that says what is wrong with it."""
    module, _, name = path.partition(":")
    parts = (*module.split("."), *name.split("."))
    require(bool(name) and all(map(str.isidentifier, parts)), "wrappers", path, "'module:Wrapper'")
    if not is_trusted():
        raise ValueError(
            f"wrappers has {path!r}; that imports the package {module!r}, which a stored file "
            "names: if you know whose file it is, allow it with --trust"
        )
    try:
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except ImportError as error:
        raise ValueError(f"wrappers has {path!r}; it cannot be imported: {error}") from None
    except AttributeError:
        there = [key for key, value in vars(import_module(module)).items() if callable(value)]
        raise ValueError(f"wrappers: {nearest(f'wrapper in {module}', name, there)}") from None
    require(callable(found), "wrappers", path, "a wrapper, which takes an environment")
    return found  # type: ignore[no-any-return]


def _wrapped(env: Env, path: str) -> Env:
    take = wrapper(path)
    try:
        found = take(env)
    except Exception as error:  # every wrapper has its own way to refuse
        raise ValueError(f"wrappers: {path} cannot wrap this environment: {error}") from error
    require(isinstance(found, gymnasium.Env), "wrappers", path, "one that returns an environment")
    return found


def _component(env: Env, name: str) -> Env:
    space = env.observation_space
    if not isinstance(space, spaces.Dict):
        raise ValueError(f"component is {name!r}; the observations are {space}, which is no Dict")
    if name not in space.spaces:
        raise ValueError(nearest("component of the observations", name, list(space.spaces)))
    return TransformObservation(env, lambda seen: seen[name], space[name])


def _scaled_observations(env: Env) -> Env:
    """2 (o - low) / (high - low) - 1 where both bounds are finite, o elsewhere, in float64."""
    space = env.observation_space
    if not isinstance(space, spaces.Box):
        raise ValueError(f"scale_observations needs a Box of observations, not {space}")
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    bounded = (np.abs(low) < UNBOUNDED) & (np.abs(high) < UNBOUNDED) & (low < high)
    require(bool(bounded.any()), "scale_observations", True, "false: no observation has bounds")
    least, most = np.where(bounded, low, -1.0), np.where(bounded, high, 1.0)
    middle, half = (least + most) / 2, (most - least) / 2
    least, most = (low - middle) / half, (high - middle) / half
    shown = spaces.Box(least, most, dtype=np.float64)
    return TransformObservation(env, lambda seen: (seen - middle) / half, shown)


def _scaled_actions(env: Env) -> Env:
    """a ↦ low + (a + 1) (high - low) / 2; the space becomes [-1, 1]."""
    space = env.action_space
    if not isinstance(space, spaces.Box):
        raise ValueError(f"scale_actions needs a Box of actions, not {space}")
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    require(space.is_bounded(), "scale_actions", True, f"false: {space} has no bounds to scale to")
    unit = spaces.Box(-1.0, 1.0, space.shape, np.float64)

    def taken(action: Any) -> Any:
        return (low + (np.asarray(action, np.float64) + 1) * (high - low) / 2).astype(space.dtype)

    return TransformAction(env, taken, unit)
