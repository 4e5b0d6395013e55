"""SoftPAvg: federated averaging of natural gradient steps on softmax logits."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Server
from fedrl.algorithms.estimators.exact import ExactGradients, Model


@dataclass(frozen=True)
class SoftPAvg(Algorithm):
    """θ are the logits of a softmax; the mean of logits is the normalised geometric mean of π.

    The reading taken: the values are those of the infinite discounted horizon, as in the paper.
    """

    reference: ClassVar[str] = "Jin, Peng, Yang, Wang, Zhang, AISTATS 2022, SoftPAvg"
    kind: ClassVar[str] = "tabular natural gradient, model known"
    entrywise: ClassVar[bool] = True
    model_based: ClassVar[bool] = True
    finite: ClassVar[bool] = True

    def direction(  # type: ignore[override]  # model_based: the loop hands over the MDP itself
        self, gradients: ExactGradients, server: Server, agent: Agent, *batches: Model
    ) -> Tensor:
        """u = A_i^π / (1 - γ) (d,), which is F⁺ ∇J_i up to a constant in every state.

        Agarwal, Kakade, Lee, Mahajan, JMLR 2021, Lemma 15.
        """
        return gradients.advantage(agent.theta, batches[0]) / (1 - gradients.discount)
