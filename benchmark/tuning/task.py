"""One thing to tune: all configurations of a study that share everything but what is tuned."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from pydantic import ValidationError

from fedrl.benchmark.config import registry
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.settings import SettingError
from fedrl.benchmark.config.spaces.parameter import Space, Values, is_grid
from fedrl.benchmark.config.spaces.protocol import Protocol
from fedrl.benchmark.config.spaces.search_space import (
    AROUND,
    applied,
    check_names,
    own_values,
    point_of,
    searched,
    space_of,
    values_at,
)
from fedrl.benchmark.config.study import Study
from fedrl.benchmark.execution.estimate import work

UNREAD = ("initial_momentum", "initial_episodes")  # by an algorithm that does not use u_r


@dataclass(frozen=True)
class Task:
    """Tune `space` around `base`, whose budget every trial has."""

    base: Config
    space: Space
    own: tuple[Values, ...]  # the study's own values that lie in the space, as points of it
    derived: bool  # the study has no budget; it was derived from its rounds
    contained: tuple["Contained", ...] = ()
    apart: tuple[tuple[str, Any], ...] = ()  # settings in which tasks of one place differ

    def config(self, values: Values) -> Config:
        return applied(self.base, values)

    def values(self, point: Values) -> Values:
        """The values at a point of the space."""
        return values_at(self.base, self.space, point)

    def point(self, values: Values) -> Values:
        """The point of the space where these values are."""
        return point_of(self.base, self.space, values)

    def holds(self, values: Values) -> bool:
        """Whether the values lie in the space."""
        point = self.point(values)
        return all(p.holds(point[p.name]) for p in self.space)

    @property
    def depth(self) -> int:
        """How many tasks must be tuned one after the other before it."""
        return max((1 + one.task.depth for one in self.contained if one.task), default=0)

    @property
    def id(self) -> str:
        """Hash of what is tuned; two studies that ask the same have the same."""
        text = json.dumps([_shared(self.base, self.names), *map(list, self.space)], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self.space)

    @property
    def place(self) -> str:
        base = self.base
        return f"{base.family}/kappa{base.kappa:g}/n{base.agents}/{base.algorithm}"

    @property
    def label(self) -> str:
        """The place, and what tells the task from others there: `…/fedsvrpg-m, beta 0.2`."""
        apart = (f"{name} {'none' if value is None else value}" for name, value in self.apart)
        return ", ".join([self.place, *apart])

    def seed(self, tuner: int, wave: int) -> int:
        """Return the 32-bit seed of a wave's draws."""
        text = f"fedrl/tuner/{self.id}/{tuner}/{wave}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "little")


class Contained(NamedTuple):
    """An algorithm that the task's own is at some of its values: the search starts from it."""

    algorithm: str
    values: Values  # of the containing algorithm's hyperparameters
    task: Task | None  # whose winner has the rest; None where nothing of it is tuned


def tasks_of(study: Study, protocol: Protocol) -> list[Task]:
    """The tasks of a study in the order of its file, each after what it contains.

    What a task contains is tuned too, whether it was asked for or not: the winner must not depend
    on what else is. SettingError before any compute.
    """
    asked = {config.id for config in study.configs()}
    configs = list({run.config.id: run.config for run in study.every_run}.values())
    known = [registry.algorithms()[n] for n in {c.algorithm: 0 for c in configs}]
    check_names(protocol, known)
    groups: dict[str, list[Config]] = {}
    for config in configs:
        groups.setdefault(_key(config, protocol), []).append(config)
    found: dict[str, Task] = {}
    for group in list(groups.values()):
        if any(config.id in asked for config in group):
            for task in _with_contained(_task(group, groups, protocol)):
                found.setdefault(task.id, task)
    return _told_apart(list(found.values()))


def _told_apart(tasks: Sequence[Task]) -> list[Task]:
    """The tasks, those of one place with the settings in which they differ."""
    shared: dict[str, list[dict[str, Any]]] = {}
    for task in tasks:
        shared.setdefault(task.place, []).append(_flat(task))
    found = []
    for task in tasks:
        every, own = shared[task.place], _flat(task)
        names = [n for n in own if any(other.get(n) != own[n] for other in every)]
        found.append(replace(task, apart=tuple((n, own[n]) for n in names)))
    return found


def _flat(task: Task) -> dict[str, Any]:
    """What decides the runs of a task, options and hyperparameters beside settings."""
    own = _shared(task.base, task.names)
    inner = [own.pop(name) for name in ("options", "hyperparameters")]
    return own | inner[0] | inner[1]


def _with_contained(task: Task) -> Iterator[Task]:
    for one in task.contained:
        if one.task is not None:
            yield from _with_contained(one.task)
    yield task


def _key(config: Config, protocol: Protocol) -> str:
    """Configurations with one key are tuned together."""
    names = searched(type(config.build_algorithm()), protocol)
    # How long a run may last is scaled with K and B: it must not tell such configs apart.
    return json.dumps(_shared(config, names), sort_keys=True)


def _task(configs: Sequence[Config], groups: dict[str, list[Config]], protocol: Protocol) -> Task:
    space = space_of(configs, protocol)
    base, derived = _budgeted(configs[0])
    own = [point_of(config, space, own_values(config, space)) for config in configs]
    inside = [v for v in own if all(p.holds(v[p.name]) for p in space)]
    contained = tuple(_contained(configs[0], space, groups, protocol))
    if is_grid(space):  # which has been searched whole where it holds them
        contained = tuple(one for one in contained if not _held(one.values, space))
    return Task(base, space, tuple(inside[: protocol.wave]), derived, contained)


def _held(values: Values, space: Space) -> bool:
    return all(p.holds(values[p.name]) for p in space if p.name in values)


def _contained(
    config: Config, space: Space, groups: dict[str, list[Config]], protocol: Protocol
) -> Iterator[Contained]:
    """What can be reached within the space: other values of the algorithm are as they must be."""
    free = {parameter.name for parameter in space}
    for name, values in type(config.build_algorithm()).contains.items():
        needed = {n: v for n, v in values.items() if n not in free}
        if name not in registry.algorithms() or any(
            config.hyperparameters[n] != v for n, v in needed.items()
        ):
            continue
        inner = {n: v for n, v in values.items() if n in free}
        try:
            other = Config(**config.model_dump() | {"algorithm": name, "hyperparameters": {}})
        except ValidationError:  # a setting that the other algorithm refuses
            continue
        if not searched(type(other.build_algorithm()), protocol):
            yield Contained(name, inner, None)
            continue
        group = groups.get(_key(other, protocol), [other])
        yield Contained(name, inner, _task(group, groups, protocol))


def _budgeted(config: Config) -> tuple[Config, bool]:
    """With a budget of steps per agent: the study's, or what its rounds cost at most."""
    if config.budget is not None or config.gradients == "exact":  # no samples: rounds are the cost
        return config, False
    steps = work(config).training_steps // config.agents
    if steps < 1:
        raise SettingError(f"{config.id} has no rounds: there is nothing to tune")
    return Config(**(config.model_dump() | {"budget": steps})), True


def _shared(config: Config, names: Sequence[str]) -> dict[str, Any]:
    """What decides a run, without what is tuned."""
    plain = config.model_dump(mode="json")
    inner = {n: v for n, v in plain["hyperparameters"].items() if n not in names}
    unread = () if config.build_algorithm().uses_global_momentum else UNREAD
    outer = {n: v for n, v in plain.items() if n not in unread and not (n in AROUND and n in names)}
    return outer | {"hyperparameters": inner}
