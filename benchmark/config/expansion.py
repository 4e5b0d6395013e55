"""From a study's configurations and its design to the configurations that are run."""

from collections.abc import Iterable
from dataclasses import fields
from types import NoneType
from typing import Any, NamedTuple, get_args, get_type_hints

from fedrl.benchmark.config import limits, registry
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.crossing import Tables
from fedrl.benchmark.config.settings import SettingError, check_known, config_fields, explained
from fedrl.benchmark.config.spaces.design import Design, Point, projected

ENVIRONMENT = ("kappa", "agents")  # numbers that tell environments apart, not settings to choose
AVERAGING = "server_step_size"  # its multiple is of ηK of the same point


class Expanded(NamedTuple):
    """The configurations of a design."""

    configs: list[Config]
    coordinates: dict[str, Point]  # id of a configuration -> its place in the design, as declared


def expand(configs: Iterable[Config], design: Design, tables: Tables) -> Expanded:
    """Every configuration at every point of the design's projection on what its algorithm has."""
    whole = check_names(design, tables)
    points = design.coordinates({name for name, is_whole in whole.items() if is_whole})
    configs = list(configs)
    mine = [frozenset(design.space) & {*config_fields(), *c.hyperparameters} for c in configs]
    parts = {names: projected(points, names) for names in set(mine)}
    limits.check_count(
        sum(len(parts[names]) for names in mine),
        limits.CONFIGURATIONS,
        f"the number of configurations is, of {len(configs):,} at every point of [design],",
        f"give fewer levels or points, or shorter lists ({_longest(tables)})",
    )
    found: dict[str, Config] = {}
    coordinates: dict[str, Point] = {}
    for config, names in zip(configs, mine, strict=True):
        for point in parts[names]:
            there = _at(config, point, design, whole)
            known = coordinates.setdefault(there.id, point)
            if known != point:
                raise SettingError(
                    f"design: {_told(known)} and {_told(point)} are one configuration of "
                    f"{config.family} with {config.algorithm}; give values that stay different "
                    "when they are rounded"
                )
            found.setdefault(there.id, there)
    return Expanded(list(found.values()), coordinates)


def _longest(tables: Tables) -> str:
    lengths = {
        f"{place}.{key}": len(value)
        for place, table, _, _ in tables.every()
        for key, value in table.items()
        if isinstance(value, list)
    }
    longest = sorted(lengths, key=lambda key: -lengths[key])[:3]
    return ", ".join(f"{key} has {lengths[key]}" for key in longest) or "there are none"


def check_names(design: Design, tables: Tables) -> dict[str, bool]:
    """Names a design may have, and whether they are whole numbers; SettingError for others.

    Neither may a table of the study say what the design decides.
    """
    known = _numbers(Config, [name for name in config_fields() if name not in ENVIRONMENT])
    for algorithm in tables.algorithms:
        kind = registry.algorithms()[algorithm]
        known |= _numbers(kind, [field.name for field in fields(kind)])
    for name in design.space:
        if name in ENVIRONMENT:
            raise SettingError(
                f"design.space.{name}: {name} tells environments apart; list its values in "
                f"settings.{name}"
            )
        check_known("hyperparameter", [name], known, f"design.space.{name}: ")
    decided = set(design.space)
    if design.evaluations is not None:
        if "evaluate_every" in design.space:
            raise SettingError("design.evaluations decides evaluate_every; leave one of them out")
        decided.add("evaluate_every")
    for place, table, _, _ in tables.every():
        for name in decided & set(table):
            _check_beside(design, name, f"{place}.{name}", table[name])
    return known


def _check_beside(design: Design, name: str, place: str, value: Any) -> None:
    """A setting that the design decides, given in a table too."""
    if name not in design.space:
        raise SettingError(f"{place} is overruled by design.evaluations; leave one of them out")
    if isinstance(value, list) and len(value) > 1:
        raise SettingError(
            f"{place} is a crossed list and design.space.{name} varies it as well; leave one out"
        )
    if not design.space[name].relative:
        raise SettingError(
            f"{place} is overruled by design.space.{name}; leave one out, or let the design hold "
            "multiples of it: relative = true"
        )
    if name == AVERAGING:
        raise SettingError(
            f"{place} is overruled by design.space.{name}, whose multiples are of ηK; leave one out"
        )


def _at(config: Config, point: Point, design: Design, whole: dict[str, bool]) -> Config:
    """The configuration with the settings of one point."""
    values = config.model_dump()
    hyperparameters = dict(config.hyperparameters)
    # ηK is known before its multiple.
    for name in sorted(point, key=lambda name: name == AVERAGING):
        number = point[name]
        if design.space[name].relative:
            number *= _base(values | hyperparameters, name, config)
        value = round(number) if whole[name] else number
        (values if name in config_fields() else hyperparameters)[name] = value
    values["hyperparameters"] = hyperparameters
    if design.evaluations is not None:
        values["evaluate_every"] = _every(values, config, design.evaluations)
    place = f"design, {_told(point)} of {config.family} with {config.algorithm}: "
    with explained(SettingError, place):
        placed = Config(**values)
    return placed


def _base(values: dict[str, Any], name: str, config: Config) -> float:
    """Return the value that a relative coordinate is a multiple of."""
    value = values["step_size"] * values["local_steps"] if name == AVERAGING else values[name]
    if value is None:
        raise SettingError(
            f"design.space.{name} is relative, and {name} has no value for {config.family} with "
            f"{config.algorithm}; set settings.{name}, or leave relative out"
        )
    return float(value)


def _every(values: dict[str, Any], config: Config, evaluations: int) -> int:
    """Rounds between evaluations, so that a budget of full episodes has that many."""
    if values["budget"] is None:
        raise SettingError(
            f"design.evaluations needs a budget, and {config.family} with {config.algorithm} has "
            "none; set settings.budget, or evaluate_every instead of design.evaluations"
        )
    episodes = values["local_steps"] * values["episodes"] * config.build_algorithm().batches
    # Of a round; 0 is refused by the configuration.
    steps = max(1, episodes * config.build_family().horizon)
    return max(1, round(values["budget"] / (steps * evaluations)))


def _told(point: Point) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in point.items())


def _numbers(owner: type, names: Iterable[str]) -> dict[str, bool]:
    """Names of the numbers among the fields of these names, and whether they are whole."""
    hints = get_type_hints(owner)
    kinds = {name: set(get_args(hints[name]) or (hints[name],)) - {NoneType} for name in names}
    return {name: int in kind for name, kind in kinds.items() if kind and kind <= {int, float}}
