"""FedPG: federated averaging of policy-gradient steps."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Gradients, Server, Trajectories


@dataclass(frozen=True)
class FedPG(Algorithm):
    """Every agent takes K policy-gradient steps and the server averages (FedAvg, sampled PAvg)."""

    reference: ClassVar[str] = "Jin, Peng, Yang, Wang, Zhang, AISTATS 2022; McMahan et al. 2017"
    entrywise: ClassVar[bool] = True
    exponent: ClassVar[float] = 2.0

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = g(θ)."""
        return gradients.plain(agent.theta, batches[0])
