"""FedHAPG-M: momentum with a Hessian-aided variance reduction (Wang et al., ICML 2024)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, freshness


@dataclass(frozen=True)
class FedHAPGM(Algorithm):
    """One trajectory batch per local step, sampled between θ_{r-1} and θ at a uniform position.

    v = θ - θ_{r-1},  θ(α) = α θ + (1 - α) θ_{r-1},  α ~ U[0, 1],  τ ~ p(·|θ(α)).
    E_α[∇²J(θ(α)) v] = ∇J(θ) - ∇J(θ_{r-1}): the Hessian term carries the anchor to θ.

    Known trap: D v is as large as v = O(ηK‖u‖), so that above some η one u feeds the next and the
    policy collapses; no `weight_cap` acts on D, `clip_norm` bounds it: docs/stability.md. Its
    variance is a share of that of g that grows as T ‖v‖², T the length of episodes, and not above
    that of FedSVRPG-M's correction, which it equals for small v: docs/theory.md has numbers.
    """

    reference: ClassVar[str] = "Wang, He, Zhang, Miao, Anderson, ICML 2024, Algorithm 2"
    kind: ClassVar[str] = "Hessian-aided"
    entrywise: ClassVar[bool] = True
    uses_global_momentum: ClassVar[bool] = True
    exponent: ClassVar[float] = 1.5

    beta: float = freshness()

    def behaviour_parameters(
        self, server: Server, agent: Agent, alpha: Tensor
    ) -> tuple[Tensor, ...]:
        return (server.previous + alpha * (agent.theta - server.previous),)

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = β w(θ | θ(α)) g(θ) + (1 - β) [u_r + D(τ, θ(α)) v]."""
        fresh = gradients.weighted(agent.theta, batches[0])
        change = gradients.curvature(batches[0], agent.theta - server.previous)
        return self.beta * fresh + (1 - self.beta) * (server.momentum + change)
