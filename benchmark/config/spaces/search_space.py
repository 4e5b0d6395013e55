"""The search space of an algorithm: hyperparameters and their ranges."""

import math
from collections.abc import Sequence
from dataclasses import Field
from typing import Any

from fedrl.algorithms.algorithm import Algorithm
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.settings import SettingError, check_known
from fedrl.benchmark.config.spaces.axis import Axis
from fedrl.benchmark.config.spaces.parameter import Parameter, Space, Value, Values
from fedrl.benchmark.config.spaces.protocol import Protocol, Range
from fedrl.envs.validation import nearest

# Of a config, with how far around the study's own value is searched, and whether it is whole.
AROUND = {
    "step_size": (32.0, False),  # η: a thousandfold
    "server_step_size": (8.0, False),  # λ, around plain averaging, ηK
    "local_steps": (4.0, True),  # K
    "episodes": (4.0, True),  # B
}
UNITS = {"server_step_size": "ηK"}  # what a range of these is in
WIDE = 50.0  # ratio of an algorithm's own bounds from which they are searched in logarithms


def searched(algorithm: type[Algorithm], protocol: Protocol) -> list[str]:
    """Names that are tuned: what the study says, or η and the algorithm's own.

    K and B are left to the study by default: they are what communication and a gradient cost. λ is
    ηK by default, plain averaging, and follows η.
    """
    if protocol.tune is None:
        return ["step_size", *algorithm.tunables()]
    return [n for n in protocol.tune if n in AROUND or n in algorithm.tunables()]


def space_of(configs: Sequence[Config], protocol: Protocol) -> Space:
    """The space around configurations that differ in nothing but what is tuned."""
    algorithm = type(configs[0].build_algorithm())
    names = searched(algorithm, protocol)
    if not names:
        listed = ", ".join(protocol.tune or ()) or "nothing"
        raise SettingError(
            f"the search space of {configs[0].algorithm} is empty: tuning.tune lists {listed}; add "
            f"one of {', '.join([*AROUND, *algorithm.tunables()])}, or leave the algorithm out "
            "with --only"
        )
    return tuple(_parameter(name, configs, algorithm.tunables(), protocol) for name in names)


def own_values(config: Config, space: Space) -> Values:
    """The study's own values of what is tuned."""
    return {parameter.name: _own(config, parameter.name) for parameter in space}


def values_at(config: Config, space: Space, point: Values) -> Values:
    """The values at a point whose coordinates may be multiples of ηK or 1/η."""
    return {
        p.name: float(f"{point[p.name] * _unit(config, p, point):.6g}") if p.unit else point[p.name]
        for p in space
    }


def point_of(config: Config, space: Space, values: Values) -> Values:
    """Coordinates of values: the inverse of `values_at`, but for rounding."""
    return {
        p.name: p.rounded(values[p.name] / _unit(config, p, values)) if p.unit else values[p.name]
        for p in space
    }


def _unit(config: Config, parameter: Parameter, values: Values) -> float:
    eta = values.get("step_size", config.step_size)
    steps = values.get("local_steps", config.local_steps)
    return {"": 1.0, "ηK": eta * steps, "1/η": 1 / eta}[parameter.unit]


def _own(config: Config, name: str) -> Value:
    if name == "server_step_size":
        return config.server_step
    if name in AROUND:
        value: Value = getattr(config, name)
        return value
    return float(config.hyperparameters[name])


def applied(config: Config, values: Values) -> Config:
    """The configuration with these values.

    Where K or B change, the largest number of rounds and the distance of evaluation points change
    inversely: episodes, and so samples, stay comparable.
    """
    plain = config.model_dump()
    inner = {name: value for name, value in values.items() if name not in AROUND}
    plain |= {name: value for name, value in values.items() if name in AROUND}
    plain["hyperparameters"] = plain["hyperparameters"] | inner
    before, after = config.local_steps * config.episodes, plain["local_steps"] * plain["episodes"]
    if before != after:
        plain["rounds"] = -(-config.rounds * before // after)
        plain["evaluate_every"] = max(1, round(config.evaluate_every * before / after))
    return Config(**plain)


def outside(config: Config, values: Values) -> list[str]:
    """Which of the values the configuration's algorithm does not have, or cannot have."""
    own = config.build_algorithm().tunables()
    found = []
    for name, value in values.items():
        low, high = own[name].metadata["domain"] if name in own else (0.0, math.inf)
        if name not in own and name not in AROUND:
            found.append(nearest(f"hyperparameter of {config.algorithm}", name, [*own, *AROUND]))
        elif not low <= value <= high:
            found.append(f"{name} = {value:g} is not in [{low:g}, {high:g}]")
    return found


def check_names(protocol: Protocol, algorithms: Sequence[type[Algorithm]]) -> None:
    """Every name in [tuning] must be something that can be tuned here."""
    own = [name for algorithm in algorithms for name in algorithm.tunables()]
    known = list(dict.fromkeys([*AROUND, *own]))
    for place, names in (
        ("tuning.tune", protocol.tune or ()),
        ("tuning.ranges", protocol.ranges),
        ("tuning.levels", protocol.levels),
    ):
        check_known("hyperparameter to tune", names, known, f"{place}: ")
    if protocol.tune is not None and not protocol.tune:
        raise SettingError(f"tuning.tune is empty: nothing to tune; known: {', '.join(known)}")


def _parameter(
    name: str, configs: Sequence[Config], own: dict[str, Field[Any]], protocol: Protocol
) -> Parameter:
    around, details = name in AROUND, own[name].metadata if name in own else {}
    whole = around and AROUND[name][1]
    unit = UNITS.get(name, "") if around else details["unit"]
    domain = (1 if whole else 5e-324, math.inf) if around else details["domain"]
    if name in protocol.levels:
        return _levelled(name, configs[0], protocol.levels[name], unit, whole, domain)
    given = protocol.ranges.get(name)
    if around:
        factor = AROUND[name][0]
        here = [1.0] if unit else [_own(config, name) for config in configs]
        low, high = given or (min(here) / factor, max(here) * factor)
        if whole and given is None:
            low, high = max(1, math.ceil(low)), math.floor(high)
    else:
        low, high = given or (details["low"], details["high"])
    _check(name, (low, high), (5e-324, math.inf) if unit else domain, whole)
    return Parameter(name, low, high, around or (low > 0 and high / low > WIDE), whole, unit)


def _levelled(
    name: str, config: Config, axis: Axis, unit: str, whole: bool, domain: Range
) -> Parameter:
    """The values of an axis: multiples of λ's are of ηK, of others of the study's own value."""
    base = 1.0 if unit or not axis.relative else float(_own(config, name))
    unit = unit if axis.relative else ""
    listed = sorted(float(f"{base * level:.6g}") for level in axis.listed or ())
    levels = tuple(round(level) if whole else level for level in listed)
    inside = all(domain[0] <= level <= domain[1] for level in levels) or unit
    if not inside or len(set(levels)) < len(levels) or (whole and list(levels) != listed):
        kind = "different whole numbers, 1 or larger" if whole else "different numbers"
        bounds = "" if domain[1] == math.inf else f" in [{domain[0]:g}, {domain[1]:g}]"
        told = ", ".join(f"{level:g}" for level in listed)
        raise SettingError(f"tuning.levels.{name} is {told}; it must be {kind}{bounds}")
    return Parameter(name, levels[0], levels[-1], levels[0] > 0, whole, unit, levels)


def _check(name: str, bounds: Range, domain: Range, whole: bool) -> None:
    low, high = bounds
    inside = domain[0] <= low < high <= domain[1] and math.isfinite(high)
    if not inside or (whole and (low != round(low) or high != round(high))):
        kind = "whole numbers, 1 or larger" if whole else "positive"
        allowed = kind if domain[1] == math.inf else f"in [{domain[0]:g}, {domain[1]:g}]"
        raise SettingError(
            f"tuning.ranges.{name} is [{low:g}, {high:g}]; it must be [low, high] with "
            f"low < high, both {allowed}"
        )
