"""FedHPD: agents keep their policies and are drawn towards the mean of all their distributions."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fedrl.algorithms.algorithm import (
    Agent,
    Algorithm,
    Gradients,
    Server,
    Trajectories,
    structural,
    tunable,
)
from fedrl.algorithms.estimators.lifting import lifted, where
from fedrl.algorithms.estimators.policy import Array, Policy
from fedrl.algorithms.estimators.tables import softmax_rows


class Own(NamedTuple):
    """What an agent keeps to itself."""

    logits: Tensor  # (d,), v_i


@dataclass(frozen=True)
class FedHPD(Algorithm):
    """θ is the mean of the agents' distributions π_{v_i}(·|s), not logits; v_i is what acts.

    Agents upload distributions on public states and receive their mean. Readings taken. All states
    are public. A round is the interval between two distillations, its K local steps are steps on
    J_i; after the first of them v_i takes E steps towards the distributions that were broadcast,
    where the published code averages anew before each. The divergence is that of the code,
    KL(θ ‖ π_v). All agents have tables, none a network of its own. With λ = ηK the server's θ is
    the mean of what was uploaded.
    """

    reference: ClassVar[str] = (
        "Jiang, Wang, Zhang, Bao, Tan, Fan, AAMAS 2025 (arXiv 2502.00870), FedHPD, after its "
        "published code; the text of its Algorithm 1 is not verified"
    )
    kind: ClassVar[str] = "personalisation"
    entrywise: ClassVar[bool] = True
    finite: ClassVar[bool] = True

    weight: float = tunable(
        1.0, low=0.1, high=100.0, domain=(0, 1e6), meaning="μ, of the divergence; 0 learns alone"
    )
    passes: int = structural(5, meaning="E, distillation steps per round", least=1)

    def initial(self, policy: Policy, generator: np.random.Generator) -> Array:
        """The uniform distribution in every state."""
        return np.full(policy.size, 1 / policy.shape[-1])

    def agent_memory(self, theta: Tensor) -> Own:
        return Own(torch.zeros_like(theta))

    def acting(self, theta: Tensor, memory: Own) -> Tensor:
        return memory.logits

    def behaviour_parameters(
        self, server: Server, agent: Agent, alpha: Tensor
    ) -> tuple[Tensor, ...]:
        """v_i."""
        return (agent.memory.logits,)

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = (π_v - θ_{r,k}) / η for v after the local step: what is sent is π_v."""
        return self.local_step(gradients, server, agent, *batches)[0]

    def local_step(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> tuple[Tensor, Own]:
        """v ← v + η g(v); if k = 0, E times v ← v + η μ (θ_r - π_v) / |S|.

        θ_r - π_v is -∇ KL(θ_r ‖ π_v) for logits v, state by state.
        """
        states, actions = gradients.policy.shape
        size, logits = agent.step.size, agent.memory.logits
        logits = logits + size * gradients.plain(logits, batches[0])
        rate = where(agent.step.share == 0, size * self.weight / states, 0)
        for _ in range(self.passes):
            logits = logits + rate * (server.theta - distributions(logits, actions))
        return (distributions(logits, actions) - agent.theta) / size, Own(logits)


def distributions(logits: Tensor, actions: int) -> Tensor:
    """π_v(a|s), row after row: (d,)."""

    def rows(out: Array, points: Array) -> None:
        out.reshape(-1, actions)[:] = softmax_rows(points.reshape(-1, actions))

    return lifted(rows, logits)
