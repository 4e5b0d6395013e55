"""FedHAPG: Hessian-aided variance reduction from a shared snapshot, without momentum."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Gradients, Server, Trajectories
from fedrl.algorithms.local_momentum import Local, LocalMomentum


@dataclass(frozen=True)
class FedHAPG(LocalMomentum):
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
        memory: Local = agent.memory
        return memory.momentum + change

    def begin(self, server: Server, agent: Agent) -> Local:
        return super().begin(server, agent)._replace(momentum=server.snapshot)
