"""The estimators every algorithm is made of, for ONE agent and B of its episodes.

`Gradients` is the definition, by automatic differentiation. `CompiledGradients` gives the same
numbers (tested to 1e-12) from compiled kernels and is what training uses: its result for one agent
is a function of that agent's data alone, bit for bit, whatever else is computed in the same call.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, jvp

from fedrl.algorithms.estimators import kernels
from fedrl.algorithms.estimators.coefficients import WHITENING, Options
from fedrl.algorithms.estimators.lifting import lifted
from fedrl.algorithms.estimators.policy import Array, Policy
from fedrl.algorithms.estimators.trajectory import Trajectories


@dataclass(frozen=True)
class Gradients:
    """Estimators of ∇J and ∇²J v. Axes: B episodes, T steps, d parameters.

    The coefficient of ∇log π_θ(a_h|s_h) is Σ_{j≥h} γ^j R_j - γ^h value_h; whatever the value
    function, plain, weighted and curvature are unbiased. The options are off by default:
    """

    policy: Policy
    discount: float  # γ
    weight_cap: float = float("inf")  # largest importance weight; above 1, or it loses w's slope
    # γ^j R_j is weighted by w_{0:j} = Π_{h≤j} ratio_h, each capped, not by the weight of the whole
    # episode; γ^h value_h by w_{0:h}. Unbiased, of lower variance. Precup, Sutton, Singh 2000.
    per_decision: bool = False
    # Coefficients minus their mean, divided by their deviation, over all steps of the batch; both
    # are constants to every derivative. Biased: the estimate is of no fixed multiple of ∇J.
    whiten: bool = False
    # τ: the reward is R - τ log π_θ(a|s) at the θ of the estimate, which is the behaviour in plain
    # and curvature; unbiased for J_τ = J + τ Σ γ^h entropy. Labbi et al. 2025.
    entropy: float = 0.0
    per_step_mean: bool = False  # divides by the steps taken, not by B: a random scale of about T

    def plain(self, theta: Tensor, batch: Trajectories) -> Tensor:
        """g(θ) = (1/B) Σ_b Σ_h (Σ_{j≥h} γ^j R_j) ∇log π_θ(a_h|s_h), episodes sampled at θ: (d,).

        E g = ∇J(θ) exactly; Williams 1992 with the γ^j weights of the discounted objective.
        """
        c = self._coefficient(batch, self._log_prob(theta, batch))
        return grad(lambda x: (c * self._log_prob(x, batch)).sum())(theta) / self._count(batch)

    def weighted(self, theta: Tensor, batch: Trajectories) -> Tensor:
        """w(τ|θ,θ') g(τ|θ) averaged over B episodes sampled at θ' = batch.behaviour: (d,).

        w = min(cap, Π_h π_θ(a_h|s_h) / π_θ'(a_h|s_h)) over the steps taken, in log space.
        E[w g] = ∇J(θ) without a cap. Differentiable in θ through w. Wang et al. 2024, Algorithm 1.
        """
        taken = torch.where(batch.alive, batch.log_prob, torch.zeros_like(batch.log_prob))
        log_prob = self._log_prob(theta, batch)
        if self.per_decision:
            weight = (log_prob - taken).cumsum(-1).exp().clamp(max=self.weight_cap)
            c = self._coefficient(batch, log_prob, weight)
        else:
            weight = (log_prob - taken).sum(-1, keepdim=True).exp().clamp(max=self.weight_cap)
            c = weight * self._coefficient(batch, log_prob)
        return grad(lambda x: (c * self._log_prob(x, batch)).sum() / self._count(batch))(theta)

    def curvature(self, batch: Trajectories, vector: Tensor) -> Tensor:
        """D(τ,θ') v = ⟨∇log p(τ|θ'), v⟩ g(τ|θ') + ∇²Φ(τ|θ') v at θ' = batch.behaviour: (d,).

        The derivative of `weighted` along v at the behaviour parameters, where w = 1;
        E[D v] = ∇²J(θ') v. Wang et al. 2024, Algorithm 2; Shen et al. 2019, eq. 7.
        """
        theta = batch.behaviour
        taken = self._log_prob(theta, batch)  # at θ' itself, so that w = 1 to the last bit
        exact = batch._replace(log_prob=taken.detach())
        return jvp(lambda x: self.weighted(x, exact), (theta,), (vector,))[1]

    def fisher(self, theta: Tensor, batch: Trajectories, vector: Tensor) -> Tensor:
        """F v = (1/M) Σ_{b,h} ∇log π_θ ⟨∇log π_θ, v⟩ over the M steps sampled at θ: (d,).

        Estimates the Fisher information under the states the steps were taken in. Kakade 2001.
        """
        along = jvp(lambda x: self._log_prob(x, batch), (theta,), (vector,))[1]
        return grad(lambda x: (along * self._log_prob(x, batch)).sum())(theta) / batch.length.sum()

    def _count(self, batch: Trajectories) -> Tensor | int:
        """Return the divisor of a sum over episodes: their number, or that of their steps."""
        return batch.length.sum() if self.per_step_mean else batch.length.shape[0]

    def _log_prob(self, theta: Tensor, batch: Trajectories) -> Tensor:
        """log π_θ of the steps taken, 0 past the end: (B, T)."""
        alive = batch.alive
        observation = torch.where(alive.unsqueeze(-1), batch.observation, 0)
        action = torch.where(alive.unsqueeze(-1), batch.action, 0)
        value = self.policy.log_prob(theta, observation, action)
        return torch.where(alive, value, torch.zeros_like(value))

    def _coefficient(
        self, batch: Trajectories, log_prob: Tensor, weight: Tensor | None = None
    ) -> Tensor:
        """Σ_{j≥h} w_j γ^j r_j - w_h shift_h, 0 past the end, divided by the deviation: (B, T)."""
        alive = batch.alive
        power = self.discount ** torch.arange(batch.reward.shape[-1], dtype=torch.float64)
        reward = batch.reward - self.entropy * log_prob if self.entropy else batch.reward
        gain = torch.where(alive, reward * power, 0.0)
        shift = torch.where(alive, batch.value * power, 0.0)
        deviation: Tensor | float = 1.0
        if self.whiten:
            raw = (_to_go(gain) - shift).detach()
            mean = raw.sum() / alive.sum()
            shift = torch.where(alive, shift + mean, 0.0)
            square = torch.where(alive, raw - mean, 0.0).square().sum()
            deviation = (square / alive.sum()).sqrt() + WHITENING
        if weight is not None:
            gain, shift = weight * gain, weight * shift
        return ((_to_go(gain) - shift) / deviation).to(batch.reward.dtype)


def _to_go(gain: Tensor) -> Tensor:
    """Σ_{j≥h} gain_j: (B, T)."""
    return gain.flip(-1).cumsum(-1).flip(-1)


@dataclass(frozen=True)
class Probe:
    """Collects the importance weights that `CompiledGradients` uses; changes no number.

    One entry per call of `weighted`, in the order of the calls: log Π_h π_θ/π_θ' of every episode,
    uncapped, (L, B). Lanes L are the axes lifted by vmap in row-major order, the outermost vmap
    first: under vmap over federations of vmap over agents, lane = federation · agents + agent.
    """

    log_weights: list[Array] = field(default_factory=list)


@dataclass(frozen=True)
class CompiledGradients(Gradients):
    """The same estimators from kernels that read only the steps taken; liftable by vmap."""

    probe: Probe | None = field(default=None, compare=False)

    def plain(self, theta: Tensor, batch: Trajectories) -> Tensor:
        return self._estimate(kernels.PLAIN, theta, theta, batch)

    def weighted(self, theta: Tensor, batch: Trajectories) -> Tensor:
        return self._estimate(kernels.WEIGHTED, theta, theta, batch)

    def curvature(self, batch: Trajectories, vector: Tensor) -> Tensor:
        return self._estimate(kernels.CURVATURE, batch.behaviour, vector, batch)

    def fisher(self, theta: Tensor, batch: Trajectories, vector: Tensor) -> Tensor:
        return self._estimate(kernels.FISHER, theta, vector, batch)

    @cached_property
    def _options(self) -> Options:
        return Options(*(getattr(self, name) for name in Options._fields))

    def _estimate(self, kind: int, theta: Tensor, vector: Tensor, batch: Trajectories) -> Tensor:
        widths, options = self.policy.widths, self._options
        estimate = kernels.estimator(type(self.policy).__name__, kind, self.policy.shape)

        def lanes(out: Array, *arrays: Any) -> None:
            length = arrays[6]
            log_weight = np.zeros(length.shape)
            estimate(kind, widths, options, *arrays, log_weight, out)
            if kind == kernels.WEIGHTED and self.probe is not None:
                self.probe.log_weights.append(log_weight)

        return lifted(lanes, theta, vector, *batch[:5], batch.value)
