"""The agents that a family draws, and what is known about each of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.config.settings import SettingError, explain, parse_value
from fedrl.benchmark.conformance.entries import family_entry
from fedrl.benchmark.training.rollout import Episodes, Sampler, Stream
from fedrl.envs.family import Array, Family, perturb
from fedrl.envs.finite.tabular import Tabular
from fedrl.envs.thirdparty.third_party import GymnasiumFamily
from fedrl.envs.validation import nearest


class Federation(NamedTuple):
    """N agents of one family: those of a run with this κ and seed."""

    name: str
    family: Family
    kappa: float
    seed: Seed
    task: Any  # leading axis N
    policy: Any

    @property
    def agents(self) -> int:
        return len(self.task[0])

    @property
    def knobs(self) -> dict[str, Array]:
        """Knob values (N,): a family draws them from the generator before all else."""
        family = self.family
        if isinstance(family, GymnasiumFamily):  # which rounds what is a whole number
            return dict(zip(family.knobs, self.task.values.T, strict=True))
        vary = getattr(family, "vary", family.knobs)
        generator = self.seed.generator("environment")
        return perturb(family.knobs, vary, self.agents, self.kappa, generator)

    def episodes(self, count: int) -> Episodes:
        """Episodes of every agent under the random policy."""
        keys = np.full(self.agents, self.seed.key("random-policy"), np.uint64)
        theta = self.policy.uniform()[np.newaxis].repeat(self.agents, axis=0)
        stream = Stream(keys, np.arange(self.agents), 0)
        return Sampler(self.family, self.policy, self.task).sample(theta, stream, count)


def federation(
    name: str,
    agents: int,
    kappa: float,
    seed: int,
    settings: Sequence[str],
    base: Mapping[str, Any] | None = None,
    hidden: tuple[int, ...] = (8, 8),
) -> Federation:
    """The agents of a family; `settings` are its options and knobs as `name=value`, over `base`.

    Raises SettingError: unknown names with the nearest one, values with their range.
    """
    name = family_entry(name).name
    options, pins = split_settings(name, settings)
    options = {**(base or {}), **options}
    try:
        config = Config(
            family=name,
            algorithm="fedpg",
            options=options,
            kappa=kappa,
            agents=agents,
            dtype="float64",
            hidden=hidden,
        )
        family = config.build_family().pinned(pins)
        chosen = Seed("test", seed)
        task = family.sample(agents, kappa, chosen.generator("environment"))
    except ValueError as error:
        told = explain(error) if isinstance(error, ValidationError) else str(error)
        raise SettingError(told) from None
    return Federation(name, family, kappa, chosen, task, config.build_policy())


def split_settings(name: str, settings: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options and pinned knobs of a family from `name=value`."""
    kind = family_entry(name).value
    known = [*(field.name for field in fields(kind)), *kind.knobs]
    options: dict[str, Any] = {}
    pins: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise SettingError(f"{setting!r} is not a setting; write NAME=VALUE")
        if key not in known:
            raise SettingError(nearest(f"option or knob of {name}", key, known))
        (pins if key in kind.knobs else options)[key] = parse_value(text)
    return options, pins


class Fact(NamedTuple):
    """One quantity of every agent."""

    name: str
    unit: str
    stock: float  # at κ = 0; NaN where there is no such thing
    values: Array  # (N,)


def facts(federation: Federation) -> list[Fact]:
    """Knob values; for finite MDPs also optima and distances to the agents' mean kernel."""
    family = federation.family
    found = [
        Fact(name, family.knobs[name].unit, family.knobs[name].stock, values)
        for name, values in federation.knobs.items()
    ]
    if isinstance(family, Tabular):
        distance = total_variation(federation.task.kernel)
        found += [
            Fact("optimum", "J", math.nan, family.optimum(federation.task)),
            Fact("TV, mean", "to mean P", math.nan, distance.mean(axis=(1, 2))),
            Fact("TV, largest", "to mean P", math.nan, distance.max(axis=(1, 2))),
        ]
    return found


def total_variation(kernel: Array) -> Array:
    """½ Σ_x |P_i(x|s,a) - P̄(x|s,a)| with P̄ the agents' mean: (N, Z, A)."""
    return np.abs(kernel - kernel.mean(axis=0)).sum(axis=-1) / 2
