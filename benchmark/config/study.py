"""A study: families × algorithms × settings × seeds, as one TOML file.

A setting is looked up from the widest table to the narrowest, the narrowest wins: defaults of
`Config` < [settings] < [families.X] < [algorithms.Y] < [families.X.algorithms.Y]. A list of values
is crossed with all other lists, and all with the points of the table [design], if there is one.
Everything is checked when a study is loaded, before any compute.
"""

import tomllib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from fedrl.benchmark.config import limits, selection
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.crossing import Tables, cross, deciding, without_directives
from fedrl.benchmark.config.expansion import Expanded, expand
from fedrl.benchmark.config.schedule import Schedule, check_schedule, scheduled
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.config.settings import SettingError, check_known, config_fields, explain
from fedrl.benchmark.config.spaces.design import Design, Point
from fedrl.benchmark.config.spaces.protocol import protocol_of
from fedrl.benchmark.config.study_file import StudyError, UntunedStudyError, override, read_text
from fedrl.benchmark.config.tuned.entries import Entry
from fedrl.benchmark.config.tuned.lookup import UntunedError
from fedrl.envs.validation import shown

DEFAULT_RESULTS = "results"


class Study(BaseModel):
    """A study whose every configuration is valid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str  # of its folder of results
    title: str
    description: str = ""
    seeds: tuple[int, ...]  # indices of the test seeds; a count n stands for 0..n-1
    diagnostics: bool = True  # whether records and reports have what is measured inside rounds
    # "gradients": records have scores, ‖∇J‖² and costs only; "scores": no ‖∇J‖² either
    measured: Literal["all", "gradients", "scores"] = "all"
    # Records have a point of a run only where rounds grew by this factor since the one before it.
    thinning: Annotated[float, Field(ge=1, le=10)] = 1.0
    # How often claims are judged on the way to these seeds, each time at α over it.
    looks: Annotated[int, Field(ge=1, le=64)] = 1
    settings: dict[str, Any] = {}
    families: dict[str, dict[str, Any]]
    algorithms: dict[str, dict[str, Any]]
    design: Design | None = None  # of hyperparameters; see `benchmark.sensitivity`
    schedule: Schedule | None = None  # step sizes as theorems choose them
    tuning: dict[
        str, Any
    ] = {}  # how `fedrl tune` tunes it, see `fedrl.benchmark.config.spaces.protocol`
    tuned: str = "tuned"  # folder of tuned values, looked at before those of the package
    only: tuple[str, ...] = ()  # conditions `field=value`, see `fedrl.benchmark.config.selection`

    @field_validator("seeds", mode="before")
    @classmethod
    def _indices(cls, seeds: Any) -> Any:
        if type(seeds) is int and seeds > limits.RUNS:
            raise ValueError(f"seeds is {shown(seeds)}; it must be at most {limits.RUNS:,}")
        listed = list(range(seeds)) if type(seeds) is int else seeds
        indices = listed if isinstance(listed, list | tuple) else []
        whole = all(type(index) is int and index >= 0 for index in indices)
        if not indices or not whole or len(set(indices)) < len(indices):
            raise ValueError(
                f"seeds is {shown(seeds)}; it must be a count of at least 1, or a list of "
                "different indices, 0 or larger"
            )
        return tuple(indices)

    @property
    def _tables(self) -> Tables:
        return Tables(self.settings, self.families, self.algorithms, self.tuned)

    @cached_property
    def _crossed(self) -> list[tuple[Config, Entry | None]]:
        return cross(self._tables)

    @cached_property
    def _expanded(self) -> Expanded:
        if self.schedule is not None:
            check_schedule(self._tables)
        configs = [config for config, _ in self._crossed]
        if self.design is not None and self.schedule is not None:
            raise SettingError("[design] and [schedule] both decide settings; leave one out")
        if self.design is not None:
            return expand(configs, self.design, self._tables)
        if self.schedule is not None:
            return scheduled(configs, self.schedule)
        return Expanded(configs, {})

    @cached_property
    def every_run(self) -> list[Run]:
        """All runs before `only`."""
        configs = self._expanded.configs
        limits.check_count(
            len(configs) * len(self.seeds),
            limits.RUNS,
            f"{len(configs):,} configurations × {len(self.seeds):,} seeds is",
            "give fewer seeds or shorter lists",
        )
        return [Run(config, Seed("test", index)) for config in configs for index in self.seeds]

    @property
    def coordinates(self) -> dict[str, Point]:
        """Id of a configuration -> its place in [design] or [schedule]; empty without either."""
        return self._expanded.coordinates

    def tuned_entries(self) -> list[tuple[Config, Entry]]:
        """Configurations, of pairs that `runs` has, with the tuned values that they took."""
        pairs = {(config.family, config.algorithm) for config in self.configs()}
        return [
            (config, entry)
            for config, entry in self._crossed
            if entry is not None and (config.family, config.algorithm) in pairs
        ]

    @cached_property
    def _selected(self) -> list[Run]:
        return selection.select(self.every_run, self.only)

    def runs(self) -> list[Run]:
        """Every configuration with every seed."""
        return list(self._selected)

    def configs(self) -> list[Config]:
        """The configurations of `runs`, without duplicates, in the order of the file."""
        return list({run.config.id: run.config for run in self._selected}.values())


def load_study(
    name_or_path: str | Path,
    overrides: Sequence[str] = (),
    only: Sequence[str] = (),
    *,
    given: bool = False,
) -> Study:
    """The built-in study of that name, or the study in that TOML file.

    `overrides` are `path=value` with a dotted path, for example `settings.agents=[1, 2]`; `only`
    are `field=value[,value]` and keep the runs that match. `given` reads the study as if no table
    asked for tuned hyperparameters.

    Raises StudyError with one line that says what is wrong and what would be right.

    >>> study = load_study("quick", ["seeds=2"], ["family=gridworld"])
    >>> len(study.configs()), len(study.runs())
    (8, 16)
    """
    name, text = read_text(str(name_or_path))
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also dates and digits that Python refuses
        what = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise StudyError(f"{name_or_path} is not valid TOML: {what}") from None
    try:
        for change in overrides:
            override(table, change)
        limits.check_values(table)
        _check_keys(table)
        table = without_directives(table) if given else table
        study = Study.model_validate({**table, "name": name, "only": tuple(only)})
        protocol_of(study.tuning)
        study.runs()
        _check_effect(study, overrides)
    except ValidationError as error:
        raise StudyError(f"study {name}: {explain(error)}") from None
    except UntunedError as error:
        raise UntunedStudyError(f"study {name}: {error}") from None
    except SettingError as error:
        raise StudyError(f"study {name}: {error}") from None
    return study


def _check_effect(study: Study, overrides: Sequence[str]) -> None:
    """An override that narrower tables overrule would silently do nothing."""
    tables = study._tables
    effective = deciding(tables)
    for change in overrides:
        keys = [key.strip() for key in change.partition("=")[0].split(".")]
        value: Any = {"settings": tables.settings, "families": tables.families} | {
            "algorithms": tables.algorithms
        }
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        # A value may be a table itself: then the setting is a key before the last, or the last.
        setting = next((n for n, key in enumerate(keys) if key in config_fields()), len(keys) - 1)
        path = ".".join(keys[: setting + 1])
        inside = not isinstance(value, dict) or keys[setting] in config_fields()
        if keys[0] in ("settings", "families", "algorithms") and inside:
            rivals = sorted(p for p in effective if p.endswith(f".{keys[setting]}"))
            # An option may itself be a table: then its entries are set one by one.
            if not any(f"{path}.".startswith(f"{place}.") for place in effective):
                raise SettingError(
                    f"--set {change} has no effect: narrower tables set {keys[setting]}; "
                    f"set {' or '.join(rivals)} instead"
                )


def _check_keys(table: dict[str, Any]) -> None:
    known = [field for field in Study.model_fields if field not in ("name", "only")]
    for key in table:
        if key in config_fields():
            raise SettingError(f"{key} stands outside of a table; write settings.{key}")
        check_known("key of a study", [key], known)
