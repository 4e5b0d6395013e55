"""MIME-PG: local steps mimic momentum on the average objective."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories, freshness


class Statistic(NamedTuple):
    """The statistic that the server computes from snapshots; fixed during a round."""

    momentum: Tensor  # (d,), m_r


@dataclass(frozen=True)
class MimePG(Algorithm):
    """An SVRG-corrected step with a momentum m_r that only snapshots enter.

    μ = mean_i g_i(θ_r);  m_{r+1} = β μ + (1 - β) m_r,  m_0 = 0. The readings taken: Mime with the
    base SGDm (not MimeLite, which drops the correction, nor MimeMVR); β weighs fresh gradients as
    everywhere here, the paper's β is 1 - β; g at θ_r on the episodes of θ needs a weight.
    """

    reference: ClassVar[str] = "Karimireddy et al., arXiv 2008.03606, Algorithm 1 with SGDm"
    kind: ClassVar[str] = "drift correction"
    entrywise: ClassVar[bool] = True
    snapshot: ClassVar[bool] = True
    contains: ClassVar = {"fedsvrpg": {"beta": 1.0}}

    beta: float = freshness("FedSVRPG")

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = β [μ + g(θ) - w(θ_r | θ) g(θ_r)] + (1 - β) m_r, episodes sampled at θ."""
        fresh = gradients.plain(agent.theta, batches[0])
        stale = gradients.weighted(server.theta, batches[0])
        corrected = server.snapshot + (fresh - stale)
        return self.beta * corrected + (1 - self.beta) * server.memory.momentum

    def server_memory(self, theta: Tensor) -> Statistic:
        return Statistic(theta.new_zeros(theta.shape))

    def absorb(
        self, server: Server, direction: Tensor, message: tuple[()], share: Tensor
    ) -> Statistic:
        return Statistic(self.beta * server.snapshot + (1 - self.beta) * server.memory.momentum)
