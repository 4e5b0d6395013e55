"""η, λ, β and u_0 as convergence theorems choose them, at constants nobody knows.

With s = LΔ/σ², N agents, K local steps, R rounds and η = λ/K,

    no variance reduction, ρ = 2:  λ = min{1, √(NKs/R)} / L, and β, if there is one, is λL
    variance reduction, ρ = 3/2:   β = min{1, (NKs²/R²)^(1/3)}, λ = min{1, √(βNK)} / L,
                                   u_0 from B_0 = ⌈K/(Rβ²)⌉ episodes

up to constant factors, which L and s take up when they are swept. L is the smoothness of J, Δ what
is left to gain at the start, σ² the variance of one episode's gradient. These are the values that
balance the terms of the bounds (LΔσ²/(NKR))^(1/2) and (LΔσ/(NKR))^(2/3) of federated averaging with
momentum (Cheng, Huang, Wu, Yuan, ICLR 2024); the papers' own constants are not verified.
"""

from collections.abc import Iterable
from itertools import product
from math import ceil, sqrt
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from fedrl.algorithms.algorithm import Algorithm
from fedrl.benchmark.config import limits, registry
from fedrl.benchmark.config.conditions import Positive
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.crossing import DIRECTIVE, Tables
from fedrl.benchmark.config.expansion import Expanded
from fedrl.benchmark.config.settings import SettingError

Levels = Annotated[tuple[Positive, ...], Field(min_length=1)]
PLAIN, REDUCED = 2.0, 1.5  # ρ of the rates whose schedules are known


class Schedule(BaseModel):
    """The table [schedule] of a study: every L with every s."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    smoothness: Levels  # L, in units of J per squared unit of θ
    signal: Levels  # s = LΔ/σ²

    @field_validator("smoothness", "signal", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """A value alone is a list of one, as in every table."""
        return [value] if type(value) in (int, float) else value


def check_schedule(tables: Tables) -> None:
    """SettingError where an algorithm has no schedule, or a table says what the schedule does."""
    kinds = registry.algorithms()
    known = [name for name, kind in kinds.items() if _known(kind)]
    for name in tables.algorithms:
        if name not in known:
            raise SettingError(
                f"schedule: no theorem's step sizes are known for {name}; leave it out, or "
                f"[schedule]. They are for {', '.join(known)}"
            )
    for place, table, _, algorithms in tables.every():
        overruled = set.intersection(*(_decides(kinds[name]) for name in algorithms))
        for name in sorted(overruled & set(table)):
            raise SettingError(f"{place}.{name} is overruled by [schedule]; leave one of them out")


def scheduled(configs: Iterable[Config], schedule: Schedule) -> Expanded:
    """Every configuration at every L and s; SettingError where two points are one configuration."""
    configs = list(configs)
    points = list(product(dict.fromkeys(schedule.smoothness), dict.fromkeys(schedule.signal)))
    limits.check_count(
        len(configs) * len(points),
        limits.CONFIGURATIONS,
        f"the number of configurations is, of {len(configs):,} at every point of [schedule],",
        "give fewer values of smoothness or signal, or shorter lists",
    )
    found: dict[str, Config] = {}
    coordinates: dict[str, dict[str, float]] = {}
    for config, (smoothness, signal) in product(configs, points):
        there = _at(config, smoothness, signal)
        place = {"smoothness": smoothness, "signal": signal}
        if (known := coordinates.setdefault(there.id, place)) != place:
            raise SettingError(
                f"schedule: {_told(known)} and {_told(place)} are one configuration of "
                f"{config.family} with {config.algorithm} and N = {config.agents}; give values "
                "that stay different, signals below where the minima of the schedule are 1"
            )
        found[there.id] = there
    return Expanded(list(found.values()), coordinates)


def _told(place: dict[str, float]) -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in place.items())


def _known(kind: type[Algorithm]) -> bool:
    """Whether the rate is one of the two, and β all there is to choose beside η and λ."""
    momentum = {"beta"} if kind.uses_global_momentum else set()
    return kind.exponent in (PLAIN, REDUCED) and set(kind.tunables()) == momentum


def _decides(kind: type[Algorithm]) -> set[str]:
    momentum = {"beta"} if kind.uses_global_momentum else set()
    start = {"initial_momentum", "initial_episodes"} if kind.exponent == REDUCED else set()
    return {"step_size", "server_step_size", DIRECTIVE} | momentum | start


def _at(config: Config, smoothness: float, signal: float) -> Config:
    kind = registry.algorithms()[config.algorithm]
    if config.budget is not None:
        raise SettingError(
            "schedule: step sizes depend on the number of rounds, which a budget may cut short; "
            f"leave the budget of {config.family} with {config.algorithm} out"
        )
    agents, steps, rounds = config.agents, config.local_steps, config.rounds
    values: dict[str, Any] = {}
    if kind.exponent == REDUCED:
        beta = min(1.0, (agents * steps * (signal / rounds) ** 2) ** (1 / 3))
        share = min(1.0, sqrt(beta * agents * steps))
        first = max(1, ceil(steps / (rounds * beta**2)))
        values |= {"initial_momentum": "batch", "initial_episodes": first}
    else:
        beta = share = min(1.0, sqrt(agents * steps * signal / rounds))
    average = share / smoothness
    values |= {"step_size": average / steps, "server_step_size": average}
    own = {"beta": beta} if kind.uses_global_momentum else {}
    return Config(
        **config.model_dump() | values | {"hyperparameters": {**config.hyperparameters, **own}}
    )
