"""The contract of a federated policy-gradient algorithm, written for one agent of one run.

A round: the server broadcasts `Server`; each agent takes K local steps θ ← θ + η u, with u from
`direction`; the server forms u_{r+1}, the mean over agents of their mean local directions
(θ_{r,K}^i - θ_r) / (ηK), and sets θ_{r+1} = θ_r + λ u_{r+1}. Nothing here knows about runs (S) or
agents (N): the federated loop lifts every method over both with vmap.

Most algorithms are a `direction` and nothing else. What an algorithm remembers is a value: a
NamedTuple of tensors that its methods take and return, empty by default. `begin` and `remember` and
`finish` carry an agent's memory through a round, `absorb` carries the server's from round to round.
A local step that changes the memory by what its samples told it, as an optimiser's moments change,
is a `local_step`.
What is sent is a value too, and its numbers are counted, an index as one: an agent sends what
`upload` returns, its parameters by default, the `message` of `finish` and, with `snapshot`, a batch
gradient; it receives θ_r, u_r if `uses_global_momentum`, what `broadcast` returns of the server's
memory and, with `snapshot`, the aggregate of the batch gradients. It reads nothing else.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fedrl.algorithms.estimators.gradients import Gradients as Gradients
from fedrl.algorithms.estimators.policy import Array, Policy
from fedrl.algorithms.estimators.trajectory import Trajectories as Trajectories

Memory = Any  # a NamedTuple of tensors without axes S and N; () where nothing is remembered


class Server(NamedTuple):
    """The values that the server knows; agents see those it broadcasts once per round."""

    theta: Tensor  # (d,), θ_r
    previous: Tensor  # (d,), θ_{r-1}; θ_0 in the first round
    # (d,), u_r, the mean local direction of the round before, u_0 in the first; to agents it is 0
    # unless the algorithm `uses_global_momentum`.
    momentum: Tensor
    snapshot: Tensor  # (d,), aggregate of the agents' batch gradients at θ_r; 0 without `snapshot`
    memory: Memory = ()  # to agents, what `broadcast` returns of it


class LocalStep(NamedTuple):
    """The values, beside the samples, that a local step depends on."""

    size: Tensor  # 0-d, η
    progress: Tensor  # 0-d, share of the run's budget spent before this round, in [0, 1)
    uniform: Any = ()  # (shuffles, B·T), random numbers on [0, 1) of the agent's own
    share: Any = ()  # 0-d, k/K
    personal: Any = ()  # (d,), 1 where an entry is the agent's own and is not sent, else 0


class Agent(NamedTuple):
    """One agent at one local step."""

    theta: Tensor  # (d,), θ_{r,k}
    snapshot: Tensor  # (d,), its own batch gradient at θ_r; 0 without `snapshot`
    memory: Memory = ()
    step: Any = ()  # a `LocalStep` while it takes one


def tunable(
    default: float,
    *,
    low: float,
    high: float,
    domain: tuple[float, float],
    meaning: str,
    unit: Literal["", "1/η"] = "",
) -> Any:
    """A continuous hyperparameter: default, range worth searching, range allowed, meaning.

    With a `unit`, the range worth searching is of multiples of it: where only its product with η
    matters, as of the pull of a proximal term, no range of the bare number suits every η.
    """
    details = {"low": low, "high": high, "domain": domain, "meaning": meaning, "unit": unit}
    return field(default=default, metadata=details)


def freshness(other: str = "") -> Any:
    """β, the weight of fresh gradients beside a momentum; with 1 the algorithm is the `other`."""
    meaning = f"weight of fresh gradients; 1 is {other}" if other else "weight of fresh gradients"
    return tunable(0.2, low=0.05, high=1.0, domain=(0, 1), meaning=meaning)


def structural(default: Any, *, meaning: str, least: int | None = None) -> Any:
    """A hyperparameter that decides what is computed, not with which number: it may enter a loop
    or a branch, and runs that differ in it are not one batch. Whole numbers have a `least` value.
    """
    details = {"structural": True, "meaning": meaning, "least": least}
    return field(default=default, metadata=details)


@dataclass(frozen=True)
class Algorithm(ABC):
    """Hyperparameters of an algorithm (its fields) and what it computes.

    Subclasses are frozen dataclasses; `beta` and the like may be 0-d tensors while a batch of runs
    is lifted, so they must enter formulas only, never a branch.
    """

    reference: ClassVar[str]  # where the algorithm is defined
    kind: ClassVar[str] = "policy gradient"  # of method, for lists
    batches: ClassVar[int] = 1  # trajectory batches of B episodes sampled per local step
    snapshot: ClassVar[bool] = False  # every round, agents send a batch gradient at θ_r first
    uses_global_momentum: ClassVar[bool] = (
        False  # uses u_r: it is broadcast, and u_0 must be chosen
    )
    federated: ClassVar[bool] = True  # False: every agent is a federation of its own
    synchronous: ClassVar[bool] = False  # True: the server averages after every local step
    # True: a round is the arrival of one agent, which is then told what the server is now; what it
    # was told before it computed is older by the rounds between.
    asynchronous: ClassVar[bool] = False
    update_site: ClassVar[Literal["agents", "server"]] = "agents"  # who takes the local steps
    model_based: ClassVar[bool] = False  # True: reads the MDP itself, samples nothing; finite MDPs
    finite: ClassVar[bool] = False  # True: needs a finite MDP
    episodic: ClassVar[bool] = False  # True: reads rewards itself, so exact gradients do not do
    # True: a batch is B draws of what follows every state and action, episodes of one step each.
    generative: ClassVar[bool] = False
    # What θ is in a finite MDP: logits, probabilities, Q, or the choices of an action's bits.
    table: ClassVar[Literal["softmax", "direct", "greedy", "bits"]] = "softmax"
    # Whose Q `values` estimates: that of the best policy, of softmax(θ), or of the uniform policy.
    values_of: ClassVar[Literal["optimal", "followed", "uniform"] | None] = None
    # True: all methods but `acting`, `combine` and `aggregate` work entry by entry, or along the
    # last axis: given vectors (L, d) and numbers (L, 1) of many agents or servers at once, they
    # return the bits of one after the other. Those of a local step (`behaviour_parameters`,
    # `direction`, `local_step`, `remember`) are given arrays, so they are written with operators
    # and what `estimators.lifting` has; the others are given tensors. It takes a fraction of the
    # time of vmap. A subclass that has methods of its own must say so itself.
    entrywise: ClassVar[bool] = False
    actor_critic: ClassVar[bool] = False  # True: θ = [policy, V]; has advantages of its own
    exponent: ClassVar[float | None] = None  # ρ of the claimed rate O(ε^{-ρ}) to ‖∇J‖² ≤ ε
    # Registered names of algorithms whose θ_r it computes, bit for bit, at these values of its own
    # hyperparameters. It may sample or send more. Tuning starts from what is best for them.
    contains: ClassVar[Mapping[str, Mapping[str, float]]] = MappingProxyType({})

    def __post_init__(self) -> None:
        for parameter in fields(self):
            value = getattr(self, parameter.name)
            if "domain" in parameter.metadata:
                low, high = parameter.metadata["domain"]
                if not low <= value <= high:
                    raise ValueError(
                        f"{parameter.name} is {value!r}; it must be in [{low:g}, {high:g}]"
                    )
            least = parameter.metadata.get("least")
            if least is not None and value < least:
                raise ValueError(f"{parameter.name} is {value!r}; it must be at least {least}")

    @classmethod
    def tunables(cls) -> dict[str, Field[Any]]:
        """The continuous hyperparameters: numbers that may differ between runs of one batch."""
        return {f.name: f for f in fields(cls) if "domain" in f.metadata}

    @classmethod
    def structure(cls) -> dict[str, Field[Any]]:
        """The hyperparameters that decide what is computed: one batch has one value of each."""
        return {f.name: f for f in fields(cls) if f.metadata.get("structural")}

    @property
    def shuffles(self) -> int:
        """Random orders of its steps that an agent needs per local step."""
        return 0

    @property
    def least_steps(self) -> int:
        """Steps that a local step must be able to sample."""
        return 1

    def initial(self, policy: Policy, generator: np.random.Generator) -> Array:
        """θ_0 (d,), float64; its first entries are the policy's."""
        return policy.initial(generator)

    def behaviour_parameters(
        self, server: Server, agent: Agent, alpha: Tensor
    ) -> tuple[Tensor, ...]:
        """Parameters (d,) at which each of the `batches` is sampled; alpha ~ U[0, 1] is 0-d."""
        return (agent.theta,)

    @abstractmethod
    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """The local direction u (d,), an ascent direction on J."""

    def local_step(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> tuple[Tensor, Memory]:
        """`direction`, and the agent's memory after what its samples told it."""
        return self.direction(gradients, server, agent, *batches), agent.memory

    def acting(self, theta: Tensor, memory: Memory) -> Tensor:
        """Return the parameters (d,) an agent is scored by, from θ_r and its memory: θ_r."""
        return theta

    def values(self, theta: Tensor) -> Tensor:
        """Return the estimate of Q, state after state (d,), of an algorithm with `values_of`: θ."""
        return theta

    # --- memory -----------------------------------------------------------------------------------

    def agent_memory(self, theta: Tensor) -> Memory:
        """Return an agent's memory before the first round, at θ_0 (d,)."""
        return ()

    def server_memory(self, theta: Tensor) -> Memory:
        """Return the server's memory before the first round."""
        return ()

    def broadcast(self, memory: Memory) -> Memory:
        """Return the part of the server's memory that agents receive every round: all of it."""
        return memory

    def begin(self, server: Server, agent: Agent) -> Memory:
        """The agent's memory when a round starts, at agent.theta = θ_r."""
        return agent.memory

    def remember(self, server: Server, agent: Agent, direction: Tensor) -> Memory:
        """The agent's memory after the local step from agent.theta along `direction`."""
        return agent.memory

    def finish(self, server: Server, agent: Agent, direction: Tensor) -> tuple[Memory, Memory]:
        """The agent's memory after the round, and its message to the server.

        agent.theta is θ_{r,K}, `direction` the mean local direction (θ_{r,K} - θ_r) / (ηK). The
        memory is like that of `agent_memory`.
        """
        return agent.memory, ()

    def upload(self, server: Server, agent: Agent, direction: Tensor) -> Memory:
        """Return the values that the agent sends instead of its parameters: all of `direction`.

        A tensor or a NamedTuple of tensors, from what `finish` is given too; its numbers are
        counted.
        """
        return direction

    def receive(self, server: Server, upload: Memory) -> Tensor:
        """Return the direction (d,) that the server makes of one agent's upload."""
        return upload  # type: ignore[no-any-return]

    def absorb(self, server: Server, direction: Tensor, message: Memory, share: Tensor) -> Memory:
        """The server's memory after the round: `direction` is u_{r+1}, `message` the mean message.

        `share` (0-d) is the share of all agents that took part in the round.
        """
        return server.memory

    def advance(self, server: Server, direction: Tensor) -> Tensor:
        """Return the direction (d,) of θ_{r+1} = θ_r + λ (…): `direction`, which is u_{r+1}.

        `server` is that of the round, with the memory after `absorb`.
        """
        return direction

    def ready(self, memory: Memory) -> Tensor:
        """Asynchronous: whether the server has gathered what it waits for (0-d, bool): always.

        `memory` is that after `absorb`. An algorithm that overrides it gathers: only when ready
        does the server step; then all agents send what they have, stop, and begin anew at what the
        server is now. One that does not tells the agent that arrives, and it alone.
        """
        return torch.tensor(True)

    def combine(self, server: Server, messages: Tensor, weights: Tensor) -> Tensor:
        """`aggregate` by a server that consults what it remembers."""
        return self.aggregate(messages, weights)

    def aggregate(self, messages: Tensor, weights: Tensor) -> Tensor:
        """Aggregate one vector of every participant (n, d) at the server: Σ_i w_i m_i.

        Σ_i w_i = 1; where only some agents of unequal weights take part, over the draws.
        """
        return weighted_mean(messages, weights)


def weighted_mean(messages: Tensor, weights: Tensor) -> Tensor:
    """Σ_i w_i m_i of (n, ...), agent after agent, so that lifting cannot change the order.

    >>> import torch
    >>> weighted_mean(torch.tensor([[0.0, 2.0], [4.0, 2.0]]), torch.tensor([0.75, 0.25]))
    tensor([1., 2.])
    """
    total = weights[0] * messages[0]
    for agent in range(1, len(messages)):
        total = total + weights[agent] * messages[agent]
    return total
