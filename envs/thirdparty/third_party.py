"""Any Gymnasium environment as a family: an id and a table of knobs, no code.

    [families.gymnasium]
    id = "LunarLander-v3"
    keywords = { enable_wind = true }
    [families.gymnasium.ranges]
    gravity = [-11.9, -10.0, -8.0]   # at κ = 1: lowest, stock, highest
    wind_power = [10.0, 15.0, 20.0]

Every lane has an environment object of its own and every episode begins with `reset(seed=...)`, the
seed made from a uniform number of the episode's own stream: what a lane sees depends on its knobs,
its seeds and its actions, and on nothing beside it. That this is so is tried before anything is
computed, on episodes of up to 200 steps, as is that every knob changes something. It cannot be
promised for an environment that keeps something from one episode to a much later one, shares
something between its objects, or reads the clock; nor that a constant which the environment once
derived from an attribute follows that attribute: where the constructor has a keyword for it, the
keyword is used.

A knob may be a vector: `wind = [[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]]` is `wind.0` and `wind.1`.
The knob `action_noise = [0.0, 0.0, 0.3]` disturbs what arrives of an agent's actions, by Gaussian
noise of that spread or, where actions are discrete, by a random action with that probability.

Where the environment has a whole number and the range is of whole numbers, so is every agent's
value: what is drawn is rounded.

Steps are taken one by one in Python, at 0.85 of the speed of a bare loop around the environment: on
one core of an AMD EPYC 30 000 a second of LunarLander-v3, 17 000 of gym-invmgmt's Serial-v0, 12
lanes, random actions. Threads change nothing, neither numbers nor speed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
from gymnasium import spaces
from pydantic import BeforeValidator

from fedrl.envs.family import Array, Knob, SimulatedFamily, Simulator, heterogeneity_level, perturb
from fedrl.envs.thirdparty import action_noise
from fedrl.envs.thirdparty.examination import (
    Examined,
    distributions_of,
    examine,
    modules_of,
    prepared,
    require_kept,
)
from fedrl.envs.thirdparty.making import Env, Values
from fedrl.envs.thirdparty.seen import Seen
from fedrl.envs.thirdparty.stepping import GymnasiumSimulator
from fedrl.envs.validation import require


def rows(table: Any) -> Any:
    """A table {name: value or values} as rows (name, value, ...); anything else as it is."""
    if not isinstance(table, Mapping):
        return table
    listed = [(name, v if isinstance(v, list | tuple) else [v]) for name, v in table.items()]
    return tuple((name, *values) for name, values in listed)


def ranges(table: Any) -> Any:
    """The rows of a table of knobs, each with its three numbers; of a vector one per entry."""
    given = rows(table)
    if not isinstance(given, list | tuple):
        return given
    single: list[Any] = []
    for row in given:
        if isinstance(row, list | tuple) and row and len(row) != 4:
            raise ValueError(f"[lowest, stock, highest] for every knob, as {row[0]!r} has not")
        single += _entries(row) if isinstance(row, list | tuple) and row else [row]
    return tuple(single)


def _entries(row: Any) -> list[Any]:
    name, *ends = row
    vectors = [end for end in ends if isinstance(end, list | tuple)]
    if not vectors:
        return [tuple(row)]
    if len(vectors) < 3 or len(set(map(len, vectors))) > 1:
        raise ValueError(f"three vectors of one length for {name!r}, or three numbers")
    return [(f"{name}.{place}", *entry) for place, entry in enumerate(zip(*ends, strict=True))]


UNIT = "of the environment"
ATTRIBUTE = "an attribute: what was derived from it does not follow"
STOCK_ID = "CartPole-v1"
STOCK_RANGES = (("gravity", 7.8, 9.8, 11.8), ("force_mag", 6.0, 10.0, 14.0))
Ranges = Annotated[tuple[tuple[str, float, float, float], ...], BeforeValidator(ranges)]
Fixed = Annotated[tuple[tuple[str, bool | int | float | str], ...], BeforeValidator(rows)]


class GymnasiumTask(NamedTuple):
    """The environments of N agents."""

    values: Array  # (N, k), the knobs in the order of the table


@dataclass(frozen=True)
class GymnasiumFamily(SimulatedFamily):
    """The environment `id`; its knobs are `ranges`, (path, low, stock, high) each.

    An id without a table has no knobs; the default id has two. `keywords` go to the constructor.
    With `renew` every episode gets a new object, where reset() leaves something of the last one.
    An episode ends when the environment says so, terminated or truncated, or at the horizon, which
    replaces the limit the id is registered with. Box actions are clipped to the space's bounds:
    that belongs to the environment, log π is of the unclipped. `wrappers`, "module:Wrapper" each,
    stand between it and the policy; `component` is the only part seen of a Dict;
    `scale_observations` and `scale_actions` make [-1, 1] of what has bounds.
    `gymnasium.make` keeps the word id for itself: FamilyEnv("gymnasium", id=...) is the other view.
    """

    summary: ClassVar[str] = "Any Gymnasium environment with a table of knobs, stepped one by one"
    source: ClassVar[str] = "the package that registers the id"
    heterogeneity: ClassVar[str] = "the numbers in `ranges`, drawn from [low, high] scaled by κ"
    gymnasium_id: ClassVar[str] = "FedRL/Gymnasium-v0"
    knobs: ClassVar[dict[str, Knob]] = {
        name: Knob(stock, low, high, UNIT, f"{name} in {STOCK_ID}, {ATTRIBUTE}", 0.0)
        for name, low, stock, high in STOCK_RANGES
    }

    id: str = STOCK_ID
    ranges: Ranges = STOCK_RANGES
    keywords: Fixed = ()
    renew: bool = False
    wrappers: tuple[str, ...] = ()
    component: str = ""
    scale_observations: bool = False
    scale_actions: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ranges is STOCK_RANGES and self.id != STOCK_ID:
            object.__setattr__(self, "ranges", ())
        table = tuple((str(n), float(a), float(b), float(c)) for n, a, b, c in ranges(self.ranges))
        object.__setattr__(self, "ranges", table)
        object.__setattr__(self, "keywords", tuple(tuple(row) for row in rows(self.keywords)))
        object.__setattr__(self, "wrappers", tuple(self.wrappers))
        knobs: dict[str, Knob] = {}
        for name, low, stock, high in table:
            ordered = low <= stock <= high and bool(np.isfinite([low, high]).all())
            require(ordered, f"ranges of {name}", [low, stock, high], "finite and in order")
            require(name not in knobs, "ranges", name, "given once only")
            taken = name in self.__dataclass_fields__
            require(not taken, "ranges", name, "no option of the family: a keyword cannot be both")
            # What is positive throughout stays so at every κ and when it is pinned.
            minimum = 0.0 if low > 0 else -np.inf
            knobs[name] = Knob(stock, low, high, UNIT, f"{name} in {self.id}", minimum)
            if name == action_noise.NAME:
                ends = low == stock == 0 and high > 0
                require(ends, f"ranges of {name}", [low, stock, high], "[0, 0, most]")
                knobs[name] = Knob(0.0, 0.0, high, "of the actions", "noise on actions", -np.inf)
        for name in self._examined.attributes:
            knobs[name] = knobs[name]._replace(meaning=f"{knobs[name].meaning}, {ATTRIBUTE}")
        if knobs != type(self).knobs:
            object.__setattr__(self, "knobs", knobs)

    @property
    def _examined(self) -> Examined:
        own = [row for row in self.ranges if row[0] != action_noise.NAME]
        low, stock, high = (tuple((row[0], row[column]) for row in own) for column in (1, 2, 3))
        return examine(self.id, self.keywords, low, stock, high, renew=self.renew, seen=self.seen)

    @property
    def seen(self) -> Seen:
        """What stands between environment and policy."""
        scales = self.scale_observations, self.scale_actions
        return Seen(tuple(self.wrappers), self.component, *scales)

    @property
    def observation_space(self) -> spaces.Space[Any]:
        """The environment's: a Box of one axis or Discrete as it is, all else flattened."""
        return self._examined.observation

    @property
    def action_space(self) -> spaces.Space[Any]:
        """The environment's, [-1, 1] where actions are scaled."""
        return self._examined.action

    @property
    def packages(self) -> Iterable[str]:
        return distributions_of(self.id, self.keywords)

    @property
    def modules(self) -> Iterable[str]:
        own = (path.partition(":")[0] for path in self.wrappers)
        return (*modules_of(self.id, self.keywords), *own)

    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> GymnasiumTask:
        """Knob values of N agents: stock + κ (uniform on [low, high] - stock)."""
        drawn = perturb(self.knobs, self.knobs, agents, kappa, generator)
        if heterogeneity_level(kappa) > 1:  # beyond the ends that were tried
            for end in ("low", "high"):
                require_kept(self.id, self.keywords, self._at(end, kappa))
        whole = self._examined.whole
        columns = [np.rint(drawn[name]) if name in whole else drawn[name] for name in self.knobs]
        return GymnasiumTask(np.stack(columns, axis=1) if columns else np.zeros((agents, 0)))

    def simulator(self, task: GymnasiumTask, episodes: int, threads: int = 1) -> Simulator:
        """L = N·B environment objects, each with its agent's numbers."""

        def made(values: Values) -> Env:
            return prepared(self.id, self.keywords, values, self.seen)

        width = (self.observation_space.shape or (1,))[0]
        lanes = [tuple(zip(self.knobs, row, strict=True)) for row in task.values.tolist()]
        of_lanes = [lane for lane in lanes for _ in range(episodes)]
        return GymnasiumSimulator(made, of_lanes, self.action_space, width, renew=self.renew)

    def _at(self, end: str, kappa: float) -> Values:
        at = {n: k.stock + kappa * (getattr(k, end) - k.stock) for n, k in self.knobs.items()}
        whole = self._examined.whole
        at.pop(action_noise.NAME, None)
        return tuple((name, float(round(at[name])) if name in whole else at[name]) for name in at)
