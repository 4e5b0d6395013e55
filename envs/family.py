"""The contract of an environment family: one description yields N heterogeneous MDPs.

A family turns (number of agents, heterogeneity level κ, generator) into a *task*: a NamedTuple of
arrays whose leading axis is the agent. Everything an agent's MDP needs is in its row of the task.

Axes used throughout: S runs, N agents, B episodes, T steps, o observation, a action.

Dynamics are written for ONE agent and lifted:

- a `CompiledFamily` gives three plain scalar functions (`Kernel`) that numba compiles into the
  batched engine and that the Gymnasium view calls directly;
- a `SimulatedFamily` gives a `Simulator` that advances many states per call (MuJoCo).

Randomness is an argument: both receive uniform numbers on [0, 1), and never draw any.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from gymnasium import spaces

from fedrl.envs.validation import require, require_known

Array = np.ndarray[Any, np.dtype[Any]]
Task = Any  # a NamedTuple of arrays with leading axis N (one lane of it: the same type, no axis)


class Knob(NamedTuple):
    """One physical quantity that may differ between agents."""

    stock: float  # the value every agent has at κ = 0
    low: float  # smallest value at κ = 1
    high: float  # largest value at κ = 1
    unit: str
    meaning: str
    minimum: float = -np.inf  # physically possible values are above `minimum`


class Kernel(NamedTuple):
    """One agent's MDP as three scalar functions in the subset of Python that numba compiles.

    initial(task, uniform) -> state          uniform: (start_draws,)
    observe(task, state, out) -> None        writes the observation into out: (o,)
    transition(task, state, action, uniform) -> (state, reward, terminated)
        action: (a,), for discrete actions action[0] holds the index; uniform: (step_draws,),
        of any stride
    """

    initial: Callable[..., Any]
    observe: Callable[..., None]
    transition: Callable[..., Any]
    start_draws: int
    step_draws: int


class Step(NamedTuple):
    """Next states, rewards and terminations of L lanes."""

    state: Array  # (L, x)
    reward: Array  # (L,)
    terminated: Array  # (L,) bool


class Native(NamedTuple):
    """A simulator's `observe` and `step` of one lane, in the subset of Python that numba compiles.

    observe(data, state, out) -> None            writes the observation into out: (o,)
    advance(data, lane, state, action) -> (reward, terminated)   changes the state (x,) in place

    Their bits are those of the simulator's own methods; a step reads no random number.
    """

    observe: Callable[..., None]
    advance: Callable[..., Any]
    data: Any  # a NamedTuple


class Simulator(ABC):
    """Physics of L lanes at once; lane l is one episode of one agent of one run."""

    start_draws: int
    step_draws: int
    native: Native | None = None  # what compiled code calls instead, if there is one
    # Whether `step` goes on from any state; if not, it refuses all but the last one it returned.
    replayable: ClassVar[bool] = True

    @abstractmethod
    def start(self, uniform: Array) -> Array:
        """Initial states (L, x) from uniform numbers (L, start_draws)."""

    @abstractmethod
    def observe(self, state: Array) -> Array:
        """Observations (L, o) of states (L, x)."""

    @abstractmethod
    def step(self, state: Array, action: Array, uniform: Array) -> Step:
        """Advance states (L, x) under actions (L, a); uniform: (L, step_draws).

        A lane that diverges is terminated with reward NaN and keeps its last finite state.
        """

    def rest(self, over: Array) -> None:  # noqa: B027  # a simulator may well do nothing
        """Lanes (L,) bool whose episodes are over: `step` need not advance them until `start`."""


class Reference(NamedTuple):
    """Score a report measures against, and where it comes from."""

    value: float
    meaning: str


class ClosedForm(NamedTuple):
    """Exact scores of the parameters θ of L lanes, each in the MDP of its own agent."""

    objective: Array  # (L,), J_i(θ)
    undiscounted: Array  # (L,), the same with γ = 1
    gradient: Array  # (L, d), ∇J_i(θ)


@dataclass(frozen=True)
class Family(ABC):
    """Settings of a family. Subclasses add their own fields (options) and the dynamics."""

    summary: ClassVar[str]
    source: ClassVar[str]
    metric: ClassVar[str] = "return"  # what is scored: "return" (undiscounted) or "objective" (J)
    knobs: ClassVar[dict[str, Knob]] = {}
    heterogeneity: ClassVar[str]  # what κ scales, in words
    gymnasium_id: ClassVar[str]  # id of the Gymnasium view
    resumable: ClassVar[bool] = False  # a simulator's state is all that an episode needs to go on

    horizon: int = 200  # steps, T
    discount: float = 0.99  # γ

    def __post_init__(self) -> None:
        require(self.horizon >= 1, "horizon", self.horizon, "at least 1")
        require(0 < self.discount <= 1, "discount", self.discount, "in (0, 1]")

    @property
    @abstractmethod
    def observation_space(self) -> spaces.Space[Any]: ...

    @property
    @abstractmethod
    def action_space(self) -> spaces.Space[Any]: ...

    @abstractmethod
    def sample(self, agents: int, kappa: float, generator: np.random.Generator) -> Task:
        """Draw the MDPs of one run. Agent i's row depends on the generator and i, never on N."""

    def between(self, one: Task, two: Task, share: float) -> Task:
        """The agents (1 - share) `one` + share `two`, share in [0, 1]: their quantities mixed.

        Raises ValueError if agents differ in something that is not a real number.
        """
        return type(one)(
            *(
                mixed(first, second, share, name)
                for name, first, second in zip(one._fields, one, two, strict=True)
            )
        )

    def pinned(self, values: Mapping[str, float]) -> Self:
        """This family with known values of some knobs: every agent has them, whatever κ is."""
        require_known("knob", values, self.knobs)
        knobs = dict(self.knobs)
        for name, value in values.items():
            knob = knobs[name]
            possible = isinstance(value, Real) and knob.minimum < value < np.inf
            least = "0 or more" if -1e-9 < knob.minimum < 0 else f"above {knob.minimum:g}"
            require(possible, name, value, f"a finite number, {least} ({knob.unit})")
            knobs[name] = knob._replace(stock=float(value), low=float(value), high=float(value))
        family = copy(self)
        object.__setattr__(family, "knobs", knobs)  # shadows the class's; `perturb` reads it
        return family

    def closed_form(self, task: Task, shape: tuple[int, ...], theta: Array) -> ClosedForm | None:
        """Exact scores of θ (L, d) of a policy of this shape in the L MDPs; None: sample them."""
        return None

    @property
    def packages(self) -> Iterable[str]:
        """Further distributions whose versions decide this family's numbers."""
        return ()

    @property
    def modules(self) -> Iterable[str]:
        """Further imported modules of other packages whose source decides this family's numbers."""
        return ()

    def reference(self, task: Task) -> Reference | None:
        """Best known score for the average of these agents, or None if none is known."""
        return None


@dataclass(frozen=True)
class CompiledFamily(Family):
    """A family whose dynamics numba compiles into the batched engine."""

    @property
    @abstractmethod
    def kernel(self) -> Kernel: ...


@dataclass(frozen=True)
class SimulatedFamily(Family):
    """A family whose physics advances many states per call."""

    @abstractmethod
    def simulator(self, task: Task, episodes: int, threads: int = 1) -> Simulator:
        """Physics of all agents in a task, `episodes` consecutive lanes each, so L = N·B.

        `threads` native threads share the lanes; it must not change a single bit of the result.
        """


def perturb(
    knobs: Mapping[str, Knob],
    vary: Collection[str],
    agents: int,
    kappa: float,
    generator: np.random.Generator,
) -> dict[str, Array]:
    """Knob values (N,): stock + κ z, z uniform on [low - stock, high - stock] for knobs in `vary`.

    Numbers are drawn for every knob, one row per agent: agent i is the same in a larger federation,
    and a knob's values are the same whichever other knobs vary.
    """
    kappa = heterogeneity_level(kappa)
    z = generator.random((agents, len(knobs)))
    values = {}
    for column, (name, knob) in enumerate(knobs.items()):
        low, high = knob.low - knob.stock, knob.high - knob.stock
        scale = kappa if name in vary else 0.0
        value = knob.stock + scale * (low + (high - low) * z[:, column])
        if np.any(value <= knob.minimum):
            raise ValueError(
                f"kappa={kappa} gives {name} {value.min():.3g} {knob.unit}; "
                f"it must stay above {knob.minimum:g} {knob.unit}"
            )
        values[name] = value
    return values


def mixed(one: Array, two: Array, share: float, name: str) -> Array:
    """one + share (two - one), which is `one` itself, bit for bit, where both are equal.

    >>> mixed(np.array([0.0, 1.0]), np.array([1.0, 1.0]), 0.25, "reward")
    array([0.25, 1.  ])
    """
    if np.issubdtype(one.dtype, np.floating):
        return one + share * (two - one)  # type: ignore[no-any-return]
    if not np.array_equal(one, two):
        raise ValueError(f"{name} of a task is {one.dtype}: agents that differ in it do not mix")
    return one


def heterogeneity_level(kappa: float, highest: float = np.inf) -> float:
    """κ itself, or an error when it is negative or above what the family can express.

    >>> heterogeneity_level(0.5, highest=1.0)
    0.5
    >>> heterogeneity_level(2.0, highest=1.0)
    Traceback (most recent call last):
    ValueError: kappa is 2.0; it must be in [0, 1]
    """
    allowed = "finite, 0 or more" if np.isinf(highest) else f"in [0, {highest:g}]"
    require(0 <= kappa <= highest and kappa < np.inf, "kappa", kappa, allowed)
    return kappa
