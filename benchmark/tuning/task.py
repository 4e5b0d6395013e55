"""One thing to tune: all configurations of a study that share everything but what is tuned."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fedrl.benchmark.config import registry
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.parameter import Space, Values
from fedrl.benchmark.config.protocol import Protocol
from fedrl.benchmark.config.search_space import (
    AROUND,
    applied,
    check_names,
    own_values,
    searched,
    space_of,
)
from fedrl.benchmark.config.settings import SettingError
from fedrl.benchmark.config.study import Study
from fedrl.benchmark.execution.estimate import work


@dataclass(frozen=True)
class Task:
    """Tune `space` around `base`, whose budget every trial has."""

    base: Config
    space: Space
    own: tuple[Values, ...]  # the study's own values that lie in the space
    derived: bool  # the study has no budget; it was derived from its rounds

    def config(self, values: Values) -> Config:
        return applied(self.base, values)

    @property
    def id(self) -> str:
        """Hash of what is tuned; two studies that ask the same have the same."""
        text = json.dumps([_shared(self.base, self.names), *map(list, self.space)], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self.space)

    @property
    def label(self) -> str:
        base = self.base
        return f"{base.family}/kappa{base.kappa:g}/n{base.agents}/{base.algorithm}"

    def seed(self, tuner: int, wave: int) -> int:
        """Return the 32-bit seed of a wave's draws."""
        text = f"fedrl/tuner/{self.id}/{tuner}/{wave}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "little")


def tasks_of(study: Study, protocol: Protocol) -> list[Task]:
    """The tasks of a study in the order of its file; SettingError before any compute."""
    configs = study.configs()
    check_names(protocol, [registry.algorithms()[n] for n in {c.algorithm: 0 for c in configs}])
    groups: dict[str, list[Config]] = {}
    for config in configs:
        names = searched(type(config.build_algorithm()), protocol)
        shared = _shared(config, names)
        # How long a run may last is scaled with K and B: it must not tell such configs apart.
        groups.setdefault(json.dumps(shared, sort_keys=True), []).append(config)
    return [_task(group, protocol) for group in groups.values()]


def _task(configs: Sequence[Config], protocol: Protocol) -> Task:
    space = space_of(configs, protocol)
    base, derived = _budgeted(configs[0])
    own = [own_values(config, space) for config in configs]
    inside = [v for v in own if all(p.holds(v[p.name]) for p in space)]
    return Task(base, space, tuple(inside[: protocol.wave]), derived)


def _budgeted(config: Config) -> tuple[Config, bool]:
    """With a budget of steps per agent: the study's, or what its rounds cost at most."""
    if config.budget is not None or config.gradients == "exact":  # no samples: rounds are the cost
        return config, False
    steps = work(config).training_steps // config.agents
    if steps < 1:
        raise SettingError(f"{config.id} has no rounds: there is nothing to tune")
    return Config(**(config.model_dump() | {"budget": steps})), True


def _shared(config: Config, names: Sequence[str]) -> dict[str, Any]:
    """The whole configuration without what is tuned."""
    plain = config.model_dump(mode="json")
    inner = {n: v for n, v in plain["hyperparameters"].items() if n not in names}
    outer = {n: v for n, v in plain.items() if not (n in AROUND and n in names)}
    return outer | {"hyperparameters": inner}
