"""A configuration: everything that decides a run's numbers, except its seed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from functools import cached_property
from re import sub
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from gymnasium import spaces
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from fedrl.algorithms.algorithm import Algorithm
from fedrl.algorithms.estimators.policy import (
    CategoricalMLP,
    GaussianMLP,
    Policy,
    Table,
    TabularSoftmax,
)
from fedrl.algorithms.estimators.tabular import TabularBits, TabularDirect, TabularGreedy
from fedrl.benchmark.config import registry
from fedrl.benchmark.config.communication import AnyAggregator, AnyCompression, Clock, Lazy, Privacy
from fedrl.benchmark.config.compatibility import check_compatible, check_personal
from fedrl.benchmark.config.conditions import (
    AnyNoise,
    Attack,
    Critic,
    Drift,
    NotNegative,
    Positive,
    RewardCliff,
    ServerStep,
)
from fedrl.benchmark.config.making import check_kappa, described, made, same_kinds
from fedrl.benchmark.config.seeds import Seed
from fedrl.envs.family import Array, Family
from fedrl.envs.finite.tabular import Tabular

WHOLE = 2**63  # columns of records are of 64 bits
Count = Annotated[int, Field(ge=1, lt=WHOLE)]

IF_MEANT = "Input should be {value}, if that is meant"
LATER = (  # settings younger than published results, whose names must not change
    "critic",
    "normalise",
    "segment",
    "server_optimiser",
    "compression",
    "aggregator",
    "personal",
    "agent_scores",
    "clock",
    "privacy",
    "lazy",
)
LATER_OPTIONS: dict[str, dict[str, Any]] = {  # of families, likewise
    "gymnasium": {
        **{"renew": False, "wrappers": [], "component": ""},
        **{"scale_observations": False, "scale_actions": False},
    }
}
TABLES: dict[str, type[Table]] = {
    "softmax": TabularSoftmax,
    "direct": TabularDirect,
    "greedy": TabularGreedy,
    "bits": TabularBits,
}


class Config(BaseModel):
    """One configuration. Symbols in brackets are those of the equations.

    `options` are the family's fields (horizon, discount, …), `hyperparameters` the algorithm's.

    >>> config = Config(family="random-mdp", algorithm="fedpg", kappa=0.5, local_steps=4)
    >>> config.options["horizon"], config.server_step
    (50, 0.04)
    >>> Config(family="random-mdp", algorithm="fedpg", kappa=0.5, local_steps=4).id == config.id
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    algorithm: str
    options: dict[str, Any] = {}
    hyperparameters: dict[str, bool | int | float | str] = {}
    kappa: NotNegative = 0.0  # heterogeneity level [κ]
    agents: Count = 5  # [N]
    rounds: Annotated[int, Field(ge=0, lt=WHOLE)] = 100  # at most [R]
    budget: Count | None = None  # training steps per agent; the round that spends it is the last
    local_steps: Count = 10  # [K]
    episodes: Count = 1  # per agent and local step [B]
    # Steps that each of `episodes` environments takes per local step, going on where it stopped; a
    # piece of an episode counts as one. None: whole episodes.
    segment: Count | None = None
    step_size: Positive = 0.01  # local [η]
    server_step_size: Positive | None = None  # [λ]; None is ηK, plain averaging
    server_optimiser: ServerStep | None = None  # what the server makes of u_{r+1}; None: nothing
    initial_momentum: Literal["zero", "batch"] = "zero"  # [u_0]; "batch" samples are counted
    initial_episodes: Count = 10  # per agent, for u_0 = "batch"
    snapshot_episodes: Count = 10  # per agent and round, of algorithms that take snapshots
    gradients: Literal["sampled", "exact"] = "sampled"  # exact: finite MDPs, no samples
    participation: Annotated[float, Field(gt=0, le=1)] = 1.0  # share of agents in a round
    agent_weights: tuple[Positive, ...] | None = None  # of J = Σ_i w_i J_i; None is 1/N each
    attack: Attack | None = None  # by Byzantine agents
    personal: tuple[str, ...] | None = None  # layers of the policy that agents keep to themselves
    privacy: Privacy | None = None  # of what agents send
    compression: AnyCompression | None = None  # of what agents send
    lazy: Lazy | None = None  # None: agents send every update
    aggregator: AnyAggregator | None = None  # in place of the mean over agents
    # Tricks: each is off unless a study turns it on.
    weight_cap: Annotated[float, Field(gt=1)] | None = None  # largest importance weight
    per_decision: bool = False  # weights of the steps so far instead of whole episodes
    baseline: Literal["none", "linear"] = "none"  # state values, fitted on past rounds
    critic: Critic | None = None  # a value network and its advantages, instead of rewards to go
    entropy: NotNegative = 0.0  # reward -entropy · log π
    whiten: bool = False  # returns to go to mean 0 and deviation 1, per batch; biased
    per_step_mean: bool = False  # gradients divided by steps instead of episodes
    clip_norm: Positive | None = None  # largest norm of a local direction
    clip_value: Positive | None = None  # largest entry of a local direction
    weight_decay: NotNegative = 0.0  # u - weight_decay · θ
    step_decay: Annotated[float, Field(gt=0, le=1)] = 1.0  # η and λ shrink by it every round
    # Observations and rewards by running statistics: each agent's own, or those of all, sent along.
    normalise: Literal["none", "own", "pooled"] = "none"
    hidden: tuple[Count, ...] = (8, 8)  # widths of the tanh network; unused by tabular families
    initial_log_std: float = -0.5  # of the Gaussian policy
    reward_noise: AnyNoise | None = None  # in training; scores are free of it
    reward_cliff: RewardCliff | None = None  # in training and in scores
    clock: Clock | None = None  # None: a gradient takes a second, an exchange none
    drift: Drift | None = None  # of the agents' MDPs over rounds
    evaluate_every: Count = 5  # rounds
    evaluation_episodes: Count = 10  # per agent, where scores are not exact
    evaluation_gradients: bool = False  # estimate ‖∇J‖² and ζ² from evaluation episodes
    agent_scores: bool = False  # records have the score of every agent
    dtype: Literal["auto", "float32", "float64"] = "auto"  # auto: float64 tabular, float32 neural

    @field_validator("*", mode="wrap")
    @classmethod
    def _as_given(cls, given: Any, typed: ValidatorFunctionWrapHandler) -> Any:
        """True is no count, and "3" is no number."""
        value = typed(given)
        if not same_kinds(given, value):
            raise PydanticCustomError("kind", IF_MEANT, {"value": repr(value)})
        return value

    @model_validator(mode="after")
    def _resolve(self) -> Self:
        """Fill defaults in, so that two spellings of one configuration are one config."""
        object.__setattr__(self, "kappa", self.kappa + 0.0)  # -0.0 is 0.0
        family = self.build_family()
        algorithm = self.build_algorithm()
        known = described(self.family, type(family), self.options)
        object.__setattr__(self, "options", dict(known.options))
        values = {f.name: getattr(algorithm, f.name) for f in fields(algorithm)}
        object.__setattr__(self, "hyperparameters", values)
        if self.dtype == "auto":
            tabular = isinstance(known.observations, spaces.Discrete)
            object.__setattr__(self, "dtype", "float64" if tabular else "float32")
        if self.reward_cliff is not None:
            self.reward_cliff.check(isinstance(known.actions, spaces.Discrete))
        if algorithm.model_based:
            object.__setattr__(self, "gradients", "exact")
        check_compatible(self, family, algorithm, known[:2])
        if self.personal is not None and algorithm.federated:
            check_personal(self, self.build_policy(), algorithm)
        check_kappa(self.family, type(family), self.options, self.kappa)
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, which has an id of its own."""
        copy = super().model_copy(update=update, deep=deep)
        for name in ("id", "program"):
            copy.__dict__.pop(name, None)
        return copy

    def build_family(self) -> Family:
        return made("family", registry.families(), self.family, self.options)  # type: ignore[no-any-return]

    def build_algorithm(self) -> Algorithm:
        return made(  # type: ignore[no-any-return]
            "algorithm", registry.algorithms(), self.algorithm, self.hyperparameters
        )

    def build_policy(self) -> Policy:
        """Tabular softmax, categorical or Gaussian network, as the family's spaces require."""
        family = self.build_family()
        seen, taken = family.observation_space, family.action_space
        if isinstance(seen, spaces.Discrete) and isinstance(taken, spaces.Discrete):
            table = TABLES[self.build_algorithm().table]
            return table(int(seen.n), int(taken.n))
        if isinstance(seen, spaces.Box) and isinstance(taken, spaces.Discrete):
            return CategoricalMLP(seen.shape[0], self.hidden, int(taken.n))
        if isinstance(seen, spaces.Box) and isinstance(taken, spaces.Box):
            return GaussianMLP(seen.shape[0], self.hidden, taken.shape[0], self.initial_log_std)
        raise TypeError(f"no policy for observations {seen} and actions {taken}")

    @property
    def batch_steps(self) -> int:
        """Most environment steps that one batch of a local step can have."""
        family: Any = self.build_family()
        if self.build_algorithm().generative:
            return self.episodes * family.states * family.actions
        return self.episodes * (self.segment or family.horizon)

    @cached_property
    def shares(self) -> Array:
        """w_i with Σ_i w_i = 1: (N,)."""
        weights = np.ones(self.agents) if self.agent_weights is None else self.agent_weights
        return np.asarray(weights, np.float64) / np.sum(weights)  # type: ignore[no-any-return]

    def evaluated(self, done: int) -> bool:
        """Whether there are scores after so many rounds; a budget that is spent adds some."""
        return done % self.evaluate_every == 0 or done == self.rounds

    @property
    def present(self) -> int:
        """How many agents take part in a round [n]."""
        return max(1, round(self.participation * self.agents))

    @property
    def server_step(self) -> float:
        """λ as a number."""
        default = self.step_size * self.local_steps
        return default if self.server_step_size is None else self.server_step_size

    @property
    def caveat(self) -> str:
        """Name the conditions that the reference, of the undisturbed problem, does not know."""
        steep = self.reward_cliff is not None and self.reward_cliff.height > 0
        moving = self.drift is not None and self.drift.amplitude > 0
        return ", without the cliff" * steep + ", before any drift" * moving

    @cached_property
    def program(self) -> str:
        """Configs with the same program run as one batch: they differ in lifted numbers only."""
        lifted = {"kappa", "step_size", "server_step_size", "hyperparameters"}
        structure = {
            name: self.hyperparameters[name] for name in self.build_algorithm().structure()
        }
        return _canonical(self.model_dump(exclude=lifted) | structure)

    @cached_property
    def id(self) -> str:
        """Readable prefix and a hash of the whole configuration."""
        return identity(self.model_dump())


def identity(described: Mapping[str, Any]) -> str:
    """The id of a configuration by its values; a file name on every system, whatever names hold.

    Raises KeyError, TypeError or ValueError for values that are not of a configuration.
    """
    counted = dict(described)
    for name in LATER:
        if name in counted and counted[name] == Config.model_fields[name].default:
            del counted[name]
    later = LATER_OPTIONS.get(described["family"].partition("@")[0], {})
    counted["options"] = {
        name: value
        for name, value in described["options"].items()
        if name not in later or value != later[name]
    }
    digest = hashlib.blake2b(_canonical(counted).encode(), digest_size=6)
    family, algorithm = (sub(r"[^\w.@+-]", "-", described[n]) for n in ("family", "algorithm"))
    name = f"{family}-kappa{described['kappa']:g}-n{described['agents']}-{algorithm}"
    return f"{name}-{digest.hexdigest()}"


def suits(algorithm: type[Algorithm], family: type[Family]) -> bool:
    """Whether the algorithm can run there: some need a finite MDP.

    >>> from fedrl.algorithms import ALGORITHMS
    >>> from fedrl.envs import FAMILIES
    >>> [suits(ALGORITHMS["qavg"], FAMILIES[name]) for name in ("gridworld", "cartpole")]
    [True, False]
    """
    return not algorithm.finite or issubclass(family, Tabular)


class Run(NamedTuple):
    """One configuration under one seed: the unit that is computed, stored and counted."""

    config: Config
    seed: Seed

    @property
    def key(self) -> tuple[str, Seed]:
        """Hashable; different for different runs."""
        return self.config.id, self.seed


def _canonical(values: Any) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"))
