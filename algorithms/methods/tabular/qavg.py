"""QAvg: federated averaging of Bellman updates, with the model known."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Server
from fedrl.algorithms.estimators.exact import ExactGradients, Model


@dataclass(frozen=True)
class QAvg(Algorithm):
    """θ = Q, acted on greedily. With η = 1 and K local steps, Q ← (1/N) Σ_i T_i^K Q.

    The reading taken: T_i is the optimality operator of the infinite discounted horizon, applied
    to all state-action pairs at once; the paper's step size is η.
    """

    reference: ClassVar[str] = "Jin, Peng, Yang, Wang, Zhang, AISTATS 2022, QAvg"
    kind: ClassVar[str] = "tabular Q-iteration, model known"
    entrywise: ClassVar[bool] = True
    model_based: ClassVar[bool] = True
    finite: ClassVar[bool] = True
    table: ClassVar = "greedy"
    values_of: ClassVar = "optimal"

    def direction(  # type: ignore[override]  # model_based: the loop hands over the MDP itself
        self, gradients: ExactGradients, server: Server, agent: Agent, *batches: Model
    ) -> Tensor:
        """u = T_i Q - Q (d,), (T_i Q)(s,a) = R_i + γ Σ_x P_i(x|s,a) max_b Q(x,b)."""
        return gradients.backup(agent.theta, batches[0]) - agent.theta
