"""Tuned values for a configuration of a study, or why there are none."""

import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.settings import SettingError
from fedrl.benchmark.config.spaces.search_space import applied, outside
from fedrl.benchmark.config.tuned import identity
from fedrl.benchmark.config.tuned.entries import Entry, path_of, read


class UntunedError(SettingError):
    """A study asks for tuned values that are not there yet."""


Layers = Sequence[tuple[str, Mapping[str, Any]]]


def shipped() -> Path:
    """The folder of tuned values that comes with the package."""
    return Path(str(files("fedrl.benchmark").joinpath("tuned")))


def places(folder: str) -> list[Path]:
    """Folders of tuned values, in the order in which they are looked at."""
    return [Path(folder), shipped()]


def tuned_config(config: Config, entry: Entry, layers: Layers) -> Config:
    """The config with tuned values; `layers` are the table that asks for them and narrower ones.

    Values of wider tables are replaced. Values that were tuned together stay together: what the
    asking table or a narrower one sets by hand is refused.
    """
    asking = layers[0][0]
    for place, table in layers:
        for name in entry.values:
            if name in table:
                raise SettingError(
                    f"{place}.{name} is set by hand, but {asking}.hyperparameters = 'tuned' takes "
                    f"{', '.join(entry.values)} together from a file; remove {place}.{name}, or "
                    f"write {place}.hyperparameters = 'given'"
                )
    return applied(config, entry.values)


def tuned_names(family: str, algorithm: str, folder: str) -> set[str]:
    """List the tuned values of a pair, by name."""
    paths = [path_of(place, family, algorithm) for place in places(folder)]
    return {name for p in paths if p.exists() for entry in read(p) for name in entry.values}


def find(config: Config, folders: Sequence[Path]) -> Entry:
    """The entry made for this configuration's problem, of the first folder that has one."""
    seen: list[tuple[Path, Entry]] = []
    for folder in folders:
        path = path_of(folder, config.family, config.algorithm)
        entries = read(path) if path.exists() else []
        # Told apart at once; the other differences take long.
        near = [e for e in entries if (e.kappa, e.agents) == (config.kappa, config.agents)]
        fitting = [entry for entry in near if not differences(config, entry)]
        if fitting:
            return min(fitting, key=lambda entry: _apart(config, entry))
        seen += [(path, entry) for entry in entries]
    raise UntunedError(_missing(config, folders, seen))


def differences(config: Config, entry: Entry) -> list[str]:
    """Name each difference between configuration and entry: `what is X, tuned for Y`."""
    if gone := outside(config, entry.values):
        return gone
    found = [
        f"{name} is {mine:g}, tuned for {theirs:g}"
        for name, mine, theirs in (
            ("kappa", config.kappa, entry.kappa),
            ("agents", config.agents, entry.agents),
        )
        if mine != theirs
    ]
    settings = identity.settings_of(config, list(entry.values))
    for kind, mine, theirs in (
        ("option ", identity.options_of(config), entry.options),
        ("", settings, entry.settings),
    ):
        for name in sorted({*mine, *theirs}):
            one, other = mine.get(name, "the default"), theirs.get(name, "the default")
            if one != other:
                found.append(f"{kind}{name} is {_word(one)}, tuned for {_word(other)}")
    if not found and identity.problem_of(config) != entry.problem:
        found.append("the family draws other MDPs or has other knobs than when it was tuned")
    return found


def _apart(config: Config, entry: Entry) -> float:
    """How far the budgets are apart, as a ratio; none is as far as it gets."""
    mine, theirs = config.budget or 0, entry.budget
    return math.inf if not mine or not theirs else abs(math.log(mine / theirs))


def _missing(config: Config, folders: Sequence[Path], seen: list[tuple[Path, Entry]]) -> str:
    """Say which values were expected, which are nearest, and how to get them."""
    wanted = (
        f"{config.family} / {config.algorithm} at kappa {config.kappa:g}, agents {config.agents}"
    )
    remedy = "tune them with `fedrl tune STUDY`, or write hyperparameters = 'given'"
    if not seen:
        near = _pairs(folders, config)
        there = f"; there are values of {near}" if near else ""
        return (
            f"no tuned values of {wanted}: neither {folders[0]} nor the package has "
            f"{config.family}/{config.algorithm}.toml{there}; {remedy}"
        )
    path, entry = min(
        seen,
        key=lambda pair: (
            len(differences(config, pair[1])),
            abs(pair[1].kappa - config.kappa),
            abs(pair[1].agents - config.agents),
        ),
    )
    shown = path if shipped() not in path.parents else f"the package's {config.algorithm}.toml"
    reasons = "; ".join(differences(config, entry))
    return (
        f"no tuned values of {wanted}: the nearest, in {shown} (kappa {entry.kappa:g}, agents "
        f"{entry.agents}, study {entry.study}), do not fit: {reasons}; {remedy}"
    )


def _pairs(folders: Sequence[Path], config: Config) -> str:
    """Families or algorithms near by that have values."""
    pairs = sorted(
        {
            (p.parent.name, p.stem)
            for folder in folders
            if folder.is_dir()
            for p in folder.glob("*/*.toml")
        }
    )
    near = [p for p in pairs if config.family == p[0] or config.algorithm == p[1]] or pairs
    return ", ".join(f"{family} / {algorithm}" for family, algorithm in near[:5])


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
