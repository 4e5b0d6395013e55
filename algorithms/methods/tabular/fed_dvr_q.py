"""Fed-DVR-Q: federated Q-learning with doubly reduced variance, from a generative model."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

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


class Epoch(NamedTuple):
    """What the server knows of the epoch it is in."""

    anchor: Tensor  # (d,), Q̄, the Q that it began at
    excess: Tensor  # (d,), estimate of the mean of T_i Q̄ - Q̄ from the rounds so far
    size: Tensor  # 0-d, rounds that estimate it in this epoch
    done: Tensor  # 0-d, rounds of it that are over


@dataclass(frozen=True)
class FedDVRQ(Algorithm):
    """θ = Q, acted on greedily. An epoch estimates T Q̄ well once, then moves with little noise.

    Readings taken. An epoch begins with rounds in which Q stays Q̄ and agents estimate T Q̄ with all
    their draws, `growth` times as many of them as in the epoch before, the first time one;
    `refinements` rounds of variance-reduced steps follow. The published algorithm sends differences
    through a quantiser: compression = {kind = "qsgd"} does. A round has K local steps, of which it
    has one.
    """

    reference: ClassVar[str] = (
        "Salgia & Chi, NeurIPS 2024, Fed-DVR-Q; sizes of epochs and batches are not verified"
    )
    kind: ClassVar[str] = "tabular Q-learning"
    finite: ClassVar[bool] = True
    episodic: ClassVar[bool] = True
    generative: ClassVar[bool] = True
    table: ClassVar = "greedy"
    values_of: ClassVar = "optimal"

    growth: float = tunable(
        2.0, low=1.0, high=4.0, domain=(1, 100), meaning="of the draws for T Q̄, epoch by epoch"
    )
    refinements: int = structural(10, meaning="rounds of an epoch that move Q", least=1)

    def server_memory(self, theta: Tensor) -> Epoch:
        return Epoch(
            theta.clone(), torch.zeros_like(theta), theta.new_ones(()), theta.new_zeros(())
        )

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = T̂ Q̄ - Q̄ while an epoch estimates, then T̂ Q - T̂ Q̄ + Q̄ + excess - Q: (d,).

        T̂ is the Bellman operator of the batch: (T̂ Q)(s,a) = mean of r + γ max_b Q(x,b).
        """
        epoch: Epoch = server.memory
        estimating = epoch.done < epoch.size
        anchor = torch.where(estimating, server.theta, epoch.anchor)
        backed = backup(gradients, batches[0], anchor)
        moving = backup(gradients, batches[0], agent.theta) - backed + anchor + epoch.excess
        return torch.where(estimating, backed - anchor, moving - agent.theta)

    def absorb(self, server: Server, direction: Tensor, message: tuple[()], share: Tensor) -> Epoch:
        """The estimate gains a round; after the last refinement the next epoch begins."""
        epoch: Epoch = server.memory
        estimating = epoch.done < epoch.size
        anchor = torch.where(estimating, server.theta, epoch.anchor)
        excess = epoch.excess + torch.where(estimating, direction / epoch.size, 0)
        done = epoch.done + 1
        over = done >= epoch.size + self.refinements
        grown = torch.ceil(epoch.size * self.growth)
        return Epoch(
            anchor,
            torch.where(over, torch.zeros_like(excess), excess),
            torch.where(over, grown, epoch.size),
            torch.where(over, torch.zeros_like(done), done),
        )

    def advance(self, server: Server, direction: Tensor) -> Tensor:
        """0 while an epoch estimates: u_{r+1} was an estimate, not a step."""
        epoch: Epoch = server.memory
        # The memory is that after `absorb`: its round is over, and that of a new epoch is the 0th.
        moved = (epoch.done == 0) | (epoch.done > epoch.size)
        return torch.where(moved, direction, torch.zeros_like(direction))


def backup(gradients: Gradients, batch: Trajectories, values: Tensor) -> Tensor:
    """(T̂ Q)(s,a), the mean over the draws of r + γ max_b Q(x,b), of Q (d,): (d,)."""
    best = values.reshape(-1, gradients.policy.shape[-1]).amax(-1)[batch.final[..., 0].long()]
    ahead = torch.where(batch.terminated, torch.zeros_like(best), best)
    found = (batch.reward[..., 0] + gradients.discount * ahead).reshape(-1, values.shape[-1])
    # cumsum adds draw after draw, so that lifting cannot change the order.
    return found.cumsum(0)[-1] / found.shape[0]
