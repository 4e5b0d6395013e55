"""From the tables of a study to its configurations: route names, apply precedence, cross lists."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from itertools import product
from math import prod
from typing import Any, NamedTuple

from pydantic import ValidationError

from fedrl.benchmark.config import limits, registry
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.settings import (
    SettingError,
    alternatives,
    check_known,
    config_fields,
    explain,
)
from fedrl.benchmark.config.tuned.entries import Entry
from fedrl.benchmark.config.tuned.lookup import find, places, tuned_config, tuned_names

Place = str  # dotted path of a table in the file
Table = Mapping[str, Any]
DIRECTIVE = "hyperparameters"  # in a table: "tuned" takes them from a file, "given" from the study
DIRECTIVES = ("tuned", "given")


class Tables(NamedTuple):
    """The tables of a study that hold settings."""

    settings: Table
    families: Mapping[str, Table]
    algorithms: Mapping[str, Table]
    tuned: str = "tuned"  # folder of files of tuned values

    def layers(self, family: str, algorithm: str) -> list[tuple[Place, Table]]:
        """The tables that apply to one pair, the widest first."""
        pairs = self.pairs(family)
        return [
            ("settings", self.settings),
            (f"families.{family}", without_pairs(self.families[family])),
            (f"algorithms.{algorithm}", self.algorithms.get(algorithm, {})),
            (f"families.{family}.algorithms.{algorithm}", pairs.get(algorithm, {})),
        ]

    def pairs(self, family: str) -> Mapping[str, Table]:
        """Tables [families.X.algorithms.Y] of one family."""
        pairs = self.families[family].get("algorithms", {})
        if not isinstance(pairs, dict) or not all(isinstance(t, dict) for t in pairs.values()):
            raise SettingError(f"families.{family}.algorithms must hold one table per algorithm")
        return pairs

    def every(self) -> Iterator[tuple[Place, Table, list[str], list[str]]]:
        """All tables, each with the families and algorithms that it is about."""
        families, algorithms = list(self.families), list(self.algorithms)
        yield "settings", self.settings, families, algorithms
        for algorithm, table in self.algorithms.items():
            yield f"algorithms.{algorithm}", table, families, [algorithm]
        for family, table in self.families.items():
            place = f"families.{family}"
            yield place, without_pairs(table), [family], algorithms
            for algorithm, pair in self.pairs(family).items():
                inner = f"{place}.algorithms.{algorithm}"
                check_known("algorithm of this study", [algorithm], algorithms, f"{inner}: ")
                yield inner, pair, [family], [algorithm]

    def tuning(self, family: str, algorithm: str) -> list[tuple[Place, Table]] | None:
        """The table that asks for tuned values and those narrower than it; None if none does."""
        layers = self.layers(family, algorithm)
        asking = [n for n, (_, table) in enumerate(layers) if DIRECTIVE in table]
        if not asking or layers[asking[-1]][1][DIRECTIVE] == "given":
            return None
        return layers[asking[-1] :]


def cross(tables: Tables) -> list[tuple[Config, Entry | None]]:
    """All configs, in the order of the file, with the entry of their tuned values, if they ask.

    Spellings of one are one.
    """
    _check_names(tables)
    _check_size(tables)
    configs: dict[str, tuple[Config, Entry | None]] = {}
    for family, algorithm in product(tables.families, tables.algorithms):
        asking = tables.tuning(family, algorithm)
        for config in _configs(tables, family, algorithm):
            entry = None
            if asking is not None:
                entry = find(config, places(tables.tuned))
                config = tuned_config(config, entry, asking)
            configs.setdefault(config.id, (config, entry))
    return list(configs.values())


def deciding(tables: Tables) -> set[Place]:
    """Dotted paths of the settings that decide at least one config; all others are overruled."""
    paths = set()
    for family, algorithm in product(tables.families, tables.algorithms):
        owners = _owners([family], [algorithm])
        chosen: dict[str, Place] = {}
        for place, table in tables.layers(family, algorithm):
            named = (key for key in table if key in owners or key == DIRECTIVE)
            chosen |= {key: f"{place}.{key}" for key in named}
        asking = tables.tuning(family, algorithm)
        for name in () if asking is None else tuned_names(family, algorithm, tables.tuned):
            chosen.pop(name, None)  # a tuned value is there in its place
        paths |= set(chosen.values())
    return paths


def without_directives(table: dict[str, Any]) -> dict[str, Any]:
    """A study's file as if no table asked for tuned values."""
    return {
        name: without_directives(value) if isinstance(value, dict) else value
        for name, value in table.items()
        if not (name == DIRECTIVE and value in DIRECTIVES)
    }


def without_pairs(table: Table) -> Table:
    """A family's own settings."""
    return {key: value for key, value in table.items() if key != "algorithms"}


def _check_size(tables: Tables) -> None:
    """Refuse more configurations than a study may have, and name the longest lists."""
    total = 0
    for family, algorithm in product(tables.families, tables.algorithms):
        crossed = _crossed(tables, family, algorithm)
        total += prod(len(values) for _, _, values in crossed.values())
        options = {
            f"{place}.{key}": len(values)
            for key, (owner, place, values) in crossed.items()
            if owner is registry.families()[family]
        }
        limits.check_count(
            prod(options.values()),
            limits.ENVIRONMENTS,
            f"the number of different environments families.{family} is",
            f"give shorter lists ({', '.join(sorted(options, key=lambda key: -options[key])[:3])})",
        )
        longest = sorted(crossed.items(), key=lambda entry: -len(entry[1][2]))[:3]
        lists = ", ".join(f"{place}.{key} has {len(v)}" for key, (_, place, v) in longest)
        limits.check_count(
            total,
            limits.CONFIGURATIONS,
            f"the number of configurations is, with families.{family} and algorithms.{algorithm},",
            f"give shorter lists ({lists})",
        )


def _crossed(
    tables: Tables, family: str, algorithm: str
) -> dict[str, tuple[type, Place, list[Any]]]:
    """Every setting of one pair: whose it is, the table that decides it, its values to cross."""
    owners = _owners([family], [algorithm])
    chosen: dict[str, tuple[Place, Any]] = {}
    for place, table in tables.layers(family, algorithm):
        chosen |= {key: (place, value) for key, value in table.items() if key in owners}
    crossed = {}
    for key, (place, value) in chosen.items():
        values = alternatives(owners[key], key, value)
        if not values:
            raise SettingError(f"{place}.{key} is an empty list; give at least one value")
        crossed[key] = owners[key], place, values
    return crossed


def _configs(tables: Tables, family: str, algorithm: str) -> Iterator[Config]:
    crossed = _crossed(tables, family, algorithm)
    origin = {key: place for key, (_, place, _) in crossed.items()}
    owners = set(_owners([family], [algorithm]).values())

    def made(values: Iterable[Any]) -> Config:
        routed: dict[type, dict[str, Any]] = {owner: {} for owner in owners}
        for (key, (owner, _, _)), value in zip(crossed.items(), values, strict=True):
            routed[owner][key] = value
        return _config(family, algorithm, routed, origin)

    # The largest level κ first: where it is possible the others are, and need not be tried.
    made(
        _largest(values) if key == "kappa" else values[0] for key, (_, _, values) in crossed.items()
    )
    yield from map(made, product(*(values for _, _, values in crossed.values())))


def _largest(levels: list[Any]) -> Any:
    return max((level for level in levels if type(level) in (int, float)), default=levels[0])


def _config(
    family: str, algorithm: str, routed: Mapping[type, dict[str, Any]], origin: Mapping[str, Place]
) -> Config:
    try:
        return Config(
            family=family,
            algorithm=algorithm,
            options=routed.get(registry.families()[family], {}),
            hyperparameters=routed.get(registry.algorithms()[algorithm], {}),
            **routed[Config],
        )
    except ValidationError as error:
        message = explain(error)
        named = message.replace("=", " ").split()[0].split(".")[0]  # messages begin so
        place = origin.get(named, f"families.{family} with algorithms.{algorithm}")
        raise SettingError(f"in {place}: {message}") from None


def _owners(families: Iterable[str], algorithms: Iterable[str]) -> dict[str, type]:
    """Which class each name belongs to: a config's field, else an option, else a hyperparameter."""
    owners: dict[str, type] = {}
    for algorithm in algorithms:
        owners |= _names(registry.algorithms()[algorithm])
    for family in families:
        owners |= _names(registry.families()[family])
    return owners | dict.fromkeys(config_fields(), Config)


def _names(owner: type) -> dict[str, type]:
    return {field.name: owner for field in fields(owner)}


def _check_names(tables: Tables) -> None:
    """Every name in every table must mean something there."""
    for kind, known, given in (
        ("family", registry.families(), tables.families),
        ("algorithm", registry.algorithms(), tables.algorithms),
    ):
        if not given:
            raise SettingError(f"no {kind} is listed; known: {', '.join(known)}")
        check_known(kind, given, known)
    for one in tables.every():
        _check_table(*one)


def _check_table(
    place: Place, table: Table, families: Iterable[str], algorithms: Iterable[str]
) -> None:
    known = _owners(families, algorithms)
    for key, value in table.items():
        if key == DIRECTIVE:
            check_known("kind of hyperparameters", [str(value)], DIRECTIVES, f"{place}.{key}: ")
        else:
            check_known("setting", [key], known, f"{place}.{key}: ")
