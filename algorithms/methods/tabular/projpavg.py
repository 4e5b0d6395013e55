"""ProjPAvg: federated averaging of projected policy gradients on the policy itself."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Server
from fedrl.algorithms.estimators.exact import ExactGradients, Model


@dataclass(frozen=True)
class ProjPAvg(Algorithm):
    """θ = π: every local step ends with the closest policy, and the mean of policies is one.

    The reading taken: J is the suite's objective over the horizon T, which is what is scored; the
    paper's is its limit T → ∞.
    """

    reference: ClassVar[str] = "Jin, Peng, Yang, Wang, Zhang, AISTATS 2022, ProjPAvg"
    kind: ClassVar[str] = "tabular policy gradient, model known"
    entrywise: ClassVar[bool] = True
    model_based: ClassVar[bool] = True
    finite: ClassVar[bool] = True
    table: ClassVar = "direct"

    def direction(  # type: ignore[override]  # model_based: the loop hands over the MDP itself
        self, gradients: ExactGradients, server: Server, agent: Agent, *batches: Model
    ) -> Tensor:
        """u = ∂J_i/∂π (d,), the entries of π(a|s) independent; the loop projects θ + η u."""
        return gradients.plain(agent.theta, batches[0])
