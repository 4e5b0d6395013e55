"""PFedPG: steps of one length along momentum that is corrected, with control variates."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, freshness
from fedrl.algorithms.estimators.lifting import normalised


class Own(NamedTuple):
    """What an agent remembers."""

    variate: Tensor  # (d,), c_i, the mean of g over its last round
    total: Tensor  # (d,), sum of g over this round
    steps: Tensor  # 0-d, local steps in the sum


class Change(NamedTuple):
    """What an agent tells beside its direction."""

    change: Tensor  # (d,), by how much c_i changed


class Means(NamedTuple):
    """What the server remembers; agents are told β c + (1 - β) m."""

    variate: Tensor  # (d,), c, the mean of c_i over all agents
    momentum: Tensor  # (d,), m


@dataclass(frozen=True)
class PFedPG(Algorithm):
    """What both have in common: all but how ∇J is estimated, and its change since θ_{r-1}."""

    reference: ClassVar[str] = (
        "Towards Federated Reinforcement Learning Free of Problem-Parameter-Based Tuning, 2025, "
        "whose equations are not verified; here after PAdaMFed-VR (Yan, Zhang, Wang, Cao, ICLR "
        "2025) as it was implemented by others"
    )
    kind: ClassVar[str] = "normalised momentum"
    entrywise: ClassVar[bool] = True

    beta: float = freshness()

    @abstractmethod
    def estimates(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> tuple[Tensor, Tensor]:
        """∇J_i(θ) and ∇J_i(θ) - ∇J_i(θ_{r-1}), estimated: (d,) each."""

    def agent_memory(self, theta: Tensor) -> Own:
        nothing = torch.zeros_like(theta)
        return Own(nothing, nothing.clone(), theta.new_zeros(()))

    def server_memory(self, theta: Tensor) -> Means:
        nothing = torch.zeros_like(theta)
        return Means(nothing, nothing.clone())

    def broadcast(self, memory: Means) -> tuple[Tensor]:
        return (self.beta * memory.variate + (1 - self.beta) * memory.momentum,)

    def local_step(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> tuple[Tensor, Own]:
        """`direction`, and g added to the sum."""
        memory: Own = agent.memory
        fresh, change = self.estimates(gradients, server, agent, *batches)
        corrected = self.beta * (fresh - memory.variate) + (1 - self.beta) * change
        following = memory._replace(total=memory.total + fresh, steps=memory.steps + 1)
        return normalised(server.memory[0] + corrected), following

    def finish(self, server: Server, agent: Agent, direction: Tensor) -> tuple[Own, Change]:
        """c_i ← (1/K) Σ_k g(θ_{r,k}); the message is its change."""
        memory: Own = agent.memory
        mean = memory.total / memory.steps.clamp(min=1)
        kept = Own(mean, torch.zeros_like(mean), torch.zeros_like(memory.steps))
        return kept, Change(mean - memory.variate)

    def absorb(self, server: Server, direction: Tensor, message: Change, share: Tensor) -> Means:
        """c ← c + share · mean Δc_i, m ← β [c + mean Δc_i] + (1 - β) m, with c of before."""
        before: Means = server.memory
        momentum = self.beta * (before.variate + message.change) + (1 - self.beta) * before.momentum
        return Means(before.variate + share * message.change, momentum)


@dataclass(frozen=True)
class PFedPGVR(PFedPG):
    """Local steps have length η, the server's at most λ: neither depends on how large ∇J is.

    The readings taken: c_i, c and m start from 0; η, λ and β are settings, which the source makes
    of N, K and the number of rounds. P stands for problem-parameter-free, not for personal.
    """

    entrywise: ClassVar[bool] = True

    def estimates(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> tuple[Tensor, Tensor]:
        fresh = gradients.plain(agent.theta, batches[0])
        return fresh, fresh - gradients.weighted(server.previous, batches[0])

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = v / ‖v‖, v = β [g(θ) - c_i + c] + (1 - β) [m + g(θ) - w(θ_{r-1} | θ) g(θ_{r-1})]."""
        return self.local_step(gradients, server, agent, *batches)[0]


@dataclass(frozen=True)
class PFedPGHA(PFedPG):
    """PFedPG-VR with a Hessian-vector product for the change: τ ~ p(·|θ(α)), as in FedHAPG-M.

    θ(α) = α θ + (1 - α) θ_{r-1}, α ~ U[0, 1]. The readings taken are those of PFedPG-VR, and one
    batch per local step: g is weighted from θ(α) to θ, in c_i too.
    """

    entrywise: ClassVar[bool] = True

    def behaviour_parameters(
        self, server: Server, agent: Agent, alpha: Tensor
    ) -> tuple[Tensor, ...]:
        """θ(α)."""
        return (server.previous + alpha * (agent.theta - server.previous),)

    def estimates(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> tuple[Tensor, Tensor]:
        change = gradients.curvature(batches[0], agent.theta - server.previous)
        return gradients.weighted(agent.theta, batches[0]), change

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = v / ‖v‖, v = β [w g(θ) - c_i + c] + (1 - β) [m + D(τ, θ(α)) (θ - θ_{r-1})]."""
        return self.local_step(gradients, server, agent, *batches)[0]
