"""FedPG-BR: the server filters the agents' gradients and then steps by itself (Fan et al. 2021)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from fedrl.algorithms.algorithm import Agent, Algorithm, Server, tunable, weighted_mean
from fedrl.algorithms.estimators.gradients import Gradients
from fedrl.algorithms.estimators.lifting import length, root, summed
from fedrl.algorithms.estimators.trajectory import Trajectories


@dataclass(frozen=True)
class FedPGBR(Algorithm):
    """Resilient to a minority of Byzantine agents; axes: n agents, d parameters.

    Readings taken. K inner steps per round, where the paper draws their number from a geometric
    distribution of mean B/b. V/B enters through `tightness`, since B is a setting of the run.
    Agents that did not take part (weight 0) or sent numbers that are not finite are not counted.
    If no gradient has a majority close to it, the median is the one with the smallest sum of
    distances: the paper has no rule for it.
    """

    reference: ClassVar[str] = "Fan, Ma, Dai, Jing, Tan, Low, NeurIPS 2021, Algorithms 1 and 1.1"
    kind: ClassVar[str] = "Byzantine-robust policy gradient"
    entrywise: ClassVar[bool] = True
    snapshot: ClassVar[bool] = True
    update_site: ClassVar = "server"
    exponent: ClassVar[float | None] = 5 / 3

    sigma: float = tunable(
        1.0, low=0.01, high=100.0, domain=(0, 1e12), meaning="σ, bound on ‖g_i(τ) - ∇J‖"
    )
    tightness: float = tunable(
        0.5, low=0.1, high=1.0, domain=(0, 1e6), meaning="√(V/B), V = 2 log(2 N / confidence)"
    )
    alpha: float = tunable(
        0.3, low=0.0, high=0.49, domain=(0, 0.5), meaning="share of Byzantine agents expected"
    )

    def direction(
        self, gradients: Gradients, server: Server, agent: Agent, *batches: Trajectories
    ) -> Tensor:
        """u = μ_r + g(θ) - w(θ_r | θ) g(θ_r), episodes sampled at θ in the server's environment.

        μ_r (d,) is the filtered mean of the agents' batch gradients at θ_r.
        """
        fresh = gradients.plain(agent.theta, batches[0])
        stale = gradients.weighted(server.theta, batches[0])
        return server.snapshot + fresh - stale

    def aggregate(self, messages: Tensor, weights: Tensor) -> Tensor:
        """Mean of the messages (n, d) close to their vector median: (d,).

        Rule 1 is `near` with radius 2σ √(V/B); where it keeps fewer than (1 - α) n, rule 2 with
        radius 2σ decides instead. Fan et al. 2021, Algorithm 1.1.
        """
        present = (weights > 0) & messages.isfinite().all(-1)
        messages = torch.where(present.unsqueeze(-1), messages, 0)
        apart = (messages - messages[i] for i in range(len(messages)))
        # One root of all: it is lifted, which takes longer than to compute it.
        distance = root(torch.stack([summed(each.square())[..., 0] for each in apart]))
        tight = self._near(messages, distance, present, 2 * self.sigma * self.tightness)
        loose = self._near(messages, distance, present, 2 * self.sigma)
        enough = tight.sum() >= present.sum() - self.alpha * present.sum()
        kept = torch.where(torch.where(enough, tight, loose), weights, 0)
        return weighted_mean(messages, kept) / weighted_mean(torch.ones_like(kept), kept)

    def _near(
        self, messages: Tensor, distance: Tensor, present: Tensor, radius: Tensor | float
    ) -> Tensor:
        """Which messages (n, d) lie within `radius` of their vector median: (n,) bool.

        The median is the message closest to the mean of those that have more than half of all
        messages within the radius. distance is (n, n), present (n,) bool.
        """
        close = (distance <= radius) & present
        central = present & (2 * close.sum(-1) > present.sum())
        share = central.to(messages.dtype)
        mean = weighted_mean(messages, share / share.sum().clamp(min=1))
        far = torch.full_like(share, float("inf"))
        lonely = torch.where(present, torch.where(present, distance, 0).cumsum(-1)[:, -1], far)
        offset = torch.where(central, length(messages - mean), far)
        median = torch.where(central.any(), offset, lonely).argmin()
        chosen = torch.arange(len(messages)) == median
        # The row of the median, without indexing by a number that differs from lane to lane.
        return (chosen.unsqueeze(-1) & close).any(0)
