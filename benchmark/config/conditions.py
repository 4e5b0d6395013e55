"""Beyond the papers' assumptions: conditions that any family and any algorithm can be put under.

Convergence proofs assume that gradients have bounded variance, that J is smooth and that agents'
MDPs stand still. Each condition breaks one of the three; each is off unless a study turns it on.
A study writes them as inline tables, `reward_cliff = {height = 1.0, threshold = 0.6}`; they can be
crossed as a list, in which "none" is the undisturbed problem.
"""

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from fedrl.envs.validation import nearest, require, require_known, shown

NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Heavy = Annotated[float, Field(gt=1, allow_inf_nan=False)]  # the mean exists above 1 only
Share = Annotated[float, Field(ge=0, le=1)]
Draw = Callable[[float, float, float], float]  # (u, v, tail index) -> a number of scale 1
Reader = Callable[[Any], Any]  # of a table in a study


class Condition(BaseModel):
    """A value that is part of a config."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    setting: ClassVar[str]  # field of the configuration
    example: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _known(cls, table: Any) -> Any:
        """A misspelt name is told before a missing one."""
        if isinstance(table, cls):
            return table
        require(isinstance(table, dict), cls.setting, table, f'"none" or a table: {cls.example}')
        require_known(f"setting of {cls.setting}", table, cls.model_fields)
        return table


class RewardNoise(Condition):
    """scale · X, X of mean zero, added to the training reward of every step; never to a score."""

    setting: ClassVar[str] = "reward_noise"
    example: ClassVar[str] = '{distribution = "normal", scale = 1.0}'

    scale: NotNegative = 1.0

    @staticmethod
    def draw(u: float, v: float, tail: float) -> float:
        """X from two uniform numbers, u on (0, 1] and v on [0, 1), and the tail index."""
        raise NotImplementedError

    @property
    def tail(self) -> float:
        """Tail index α: P(|X| > x) falls like x^-α, so E|X|^p is finite for p < α only."""
        raise NotImplementedError


class StudentT(RewardNoise):
    """X ~ t with ν degrees of freedom: its variance is ν/(ν-2), infinite for ν ≤ 2."""

    distribution: Literal["student-t"] = "student-t"
    degrees: Heavy = 2.0  # ν

    @staticmethod
    def draw(u: float, v: float, tail: float) -> float:
        """√(ν (u^(-2/ν) - 1)) cos 2πv, exactly t-distributed (Bailey, Math. Comp. 1994)."""
        return math.sqrt(tail * math.expm1(-2.0 / tail * math.log(u))) * math.cos(math.tau * v)

    @property
    def tail(self) -> float:
        return self.degrees


class Pareto(RewardNoise):
    """X = Y - E Y, P(Y > y) = y^-α on y ≥ 1: one-sided, of infinite variance for α ≤ 2."""

    distribution: Literal["pareto"] = "pareto"
    index: Heavy = 2.0  # α

    @staticmethod
    def draw(u: float, v: float, tail: float) -> float:
        """u^(-1/α) - α/(α-1), the inverse of the distribution function less its mean."""
        return u ** (-1.0 / tail) - tail / (tail - 1.0)

    @property
    def tail(self) -> float:
        return self.index


class Normal(RewardNoise):
    """X ~ N(0, 1): the light-tailed control."""

    distribution: Literal["normal"] = "normal"

    @staticmethod
    def draw(u: float, v: float, tail: float) -> float:
        """√(-2 ln u) cos 2πv, Student's with ν → ∞ (Box & Muller 1958)."""
        return math.sqrt(-2.0 * math.log(u)) * math.cos(math.tau * v)

    @property
    def tail(self) -> float:
        return math.inf


class RewardCliff(Condition):
    """A step whose action had π(a|s) > threshold under the acting policy costs `height`.

    The reward depends on θ through an indicator, so J_i jumps where a probability crosses the
    threshold. For continuous actions π(a|s) is the density.
    """

    setting: ClassVar[str] = "reward_cliff"
    example: ClassVar[str] = "{height = 1.0, threshold = 0.6}"

    height: NotNegative
    threshold: Positive

    def check(self, discrete: bool) -> None:
        """Probabilities of discrete actions are at most 1."""
        require(
            self.threshold < 1 or not discrete,
            "reward_cliff.threshold",
            self.threshold,
            "a probability below 1 for discrete actions: none is above 1",
        )


class Drift(Condition):
    """Agents' MDPs move towards those of a second draw of the family and back, over and over."""

    setting: ClassVar[str] = "drift"
    example: ClassVar[str] = "{period = 50, amplitude = 1.0}"

    period: Annotated[int, Field(ge=2)]  # rounds
    amplitude: Share = 1.0  # how far towards the second draw
    every: Annotated[int, Field(ge=1)] = 1  # rounds between two moves

    def share(self, number: int) -> float:
        """Share of the second draw in round r: amplitude · ½ (1 - cos(2π r / period))."""
        moved = number // self.every * self.every % self.period  # reduced: whole periods are exact
        return self.amplitude * (1 - math.cos(2 * math.pi * moved / self.period)) / 2


class ServerStep(Condition):
    """What a server that remembers makes of u = u_{r+1} before it steps, θ_{r+1} = θ_r + λ (…).

    momentum: m ← β₁ m + u (FedAvgM, Hsu et al. 2019). adam and yogi: m / (√v + τ) with
    m ← β₁ m + (1 - β₁) u and v ← β₂ v + (1 - β₂) u², or v ← v - (1 - β₂) u² sign(v - u²), from
    m = 0 and v = τ² (FedAdam, FedYogi: Reddi et al., ICLR 2021, Algorithm 2). normalised: u / ‖u‖.
    """

    setting: ClassVar[str] = "server_optimiser"
    example: ClassVar[str] = '{kind = "adam"}'

    kind: Literal["momentum", "adam", "yogi", "normalised"]
    first_decay: Annotated[float, Field(ge=0, lt=1)] = 0.9  # β₁
    second_decay: Annotated[float, Field(ge=0, lt=1)] = 0.99  # β₂, of adam and yogi
    floor: Positive = 1e-3  # τ, of adam and yogi


class Critic(Condition):
    """A value network beside the policy, whose advantages take the place of rewards to go.

    Schulman et al., ICLR 2016, eq. 16. Steps are then not weighted by γ^h. V is fitted by Adam to
    the batch of every local step, after its advantages are known.
    """

    setting: ClassVar[str] = "critic"
    example: ClassVar[str] = "{decay = 0.95}"

    decay: Share = 0.95  # λ; 1 is Monte Carlo, 0 is TD
    step_size: Positive = 1e-3  # of Adam
    epochs: Annotated[int, Field(ge=1)] = 10  # passes over a batch
    minibatches: Annotated[int, Field(ge=1)] = 4  # updates per pass
    kept: Literal["own", "averaged"] = "averaged"  # by its agent, or exchanged like the policy


class Attack(Condition):
    """How many agents are Byzantine and what they do."""

    setting: ClassVar[str] = "attack"
    example: ClassVar[str] = '{agents = 1, kind = "sign-flip"}'

    agents: Annotated[int, Field(ge=1)]
    kind: Literal[  # docs/conditions.md tells what each does
        "sign-flip",
        "noise",
        "random-action",
        "zero-gradient",
        "reward-flip",
        "alie",
        "fedpg-attack",
    ]
    scale: Positive = 2.5  # c, as Fan et al. 2021


NOISES: dict[str, type[RewardNoise]] = {"student-t": StudentT, "pareto": Pareto, "normal": Normal}


def one_of(base: type[Condition], key: str, kinds: Mapping[str, type[Condition]]) -> Reader:
    """A reader of tables whose `key` names one of `kinds`; its errors are of one line."""
    setting = base.setting

    def read(table: Any) -> Any:
        if table is None or isinstance(table, base):
            return table
        wanted = f'"none" or a table: {base.example}'
        require(isinstance(table, dict), setting, table, wanted)
        if key not in table:
            raise ValueError(f"{setting} lacks a {key}; known: {', '.join(kinds)}")
        name = str(table[key])
        if name not in kinds:
            raise ValueError(nearest(f"{key} of {setting}", name, kinds))
        try:
            return kinds[name].model_validate(table)
        except ValidationError as error:
            raise ValueError(explain(error, setting)) from None

    return read


def explain(error: ValidationError, *above: str) -> str:
    """The first mistake of a pydantic error: where, what is wrong, what would be right."""
    first = error.errors()[0]
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    place = ".".join(map(str, (*above, *first["loc"])))
    if first["type"] == "missing":
        return f"{place} is missing"
    if first["type"] == "extra_forbidden":
        return f"there is no {place}"
    message = first["msg"].removeprefix("Input should be ")
    message = "a table" if "valid dictionary" in message else message
    return f"{place} is {shown(first['input'])}; it must be {message}"


AnyNoise = Annotated[
    StudentT | Pareto | Normal, BeforeValidator(one_of(RewardNoise, "distribution", NOISES))
]
