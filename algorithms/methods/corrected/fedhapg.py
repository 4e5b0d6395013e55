"""FedHAPG: Hessian-aided variance reduction from a shared snapshot, without momentum."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories


class Path(NamedTuple):
    """The memory of an agent along its local iterates θ_0 = θ_r, θ_1, …"""

    estimate: Tensor  # (d,), u_{k-1}; μ when the round starts
    previous: Tensor  # (d,), θ_{k-1}; θ_r when the round starts


@dataclass(frozen=True)
class FedHAPG(Algorithm):
    """The snapshot μ = mean_i g_i(θ_r), carried along the local path by Hessian terms.

    θ(α) = α θ_k + (1 - α) θ_{k-1},  α ~ U[0, 1],  τ_k ~ p(·|θ(α)), so that
    E u_k = μ + ∇J_i(θ_k) - ∇J_i(θ_r). The reading taken: the federated snapshot replaces HAPG's
    own, and increments are between consecutive local iterates, as there. The batch of the first
    local step meets θ_0 - θ_{-1} = 0 and adds nothing; it is sampled and counted all the same.
    """

    reference: ClassVar[str] = "HAPG: Shen, Ribeiro, Hassani, Qian, Mi, ICML 2019, inside FedAvg"
    kind: ClassVar[str] = "Hessian-aided"
    entrywise: ClassVar[bool] = True
    snapshot: ClassVar[bool] = True

    def behaviour_parameters(
        self, server: Server, agent: Agent, alpha: Tensor
    ) -> tuple[Tensor, ...]:
        previous = agent.memory.previous
        return (previous + alpha * (agent.theta - previous),)

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = μ + Σ_{j≤k} D(τ_j, θ(α_j)) (θ_j - θ_{j-1}), one term more at every local step."""
        change = gradients.curvature(batches[0], agent.theta - agent.memory.previous)
        estimate: Tensor = agent.memory.estimate + change
        return estimate

    def agent_memory(self, theta: Tensor) -> Path:
        return Path(theta.new_zeros(theta.shape), theta)

    def begin(self, server: Server, agent: Agent) -> Path:
        return Path(server.snapshot, server.theta)

    def remember(self, server: Server, agent: Agent, direction: Tensor) -> Path:
        return Path(direction, agent.theta)
