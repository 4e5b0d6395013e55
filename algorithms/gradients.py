"""The three estimators every algorithm is made of, for ONE agent and B of its episodes.

`Gradients` is the definition, by automatic differentiation. `CompiledGradients` gives the same
numbers (tested to 1e-12) from compiled kernels and is what training uses: its result for one agent
is a function of that agent's data alone, bit for bit, whatever else is computed in the same call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, jvp

from algorithms import kernels
from algorithms.policy import Policy
from algorithms.trajectory import Trajectories


@dataclass(frozen=True)
class Gradients:
    """Estimators of ∇J and ∇²J v. Axes: B episodes, T steps, d parameters."""

    policy: Policy
    discount: float  # γ
    weight_cap: float = float("inf")  # largest importance weight; above 1, or it loses w's slope

    def plain(self, theta: Tensor, batch: Trajectories) -> Tensor:
        """g(θ) = (1/B) Σ_b Σ_h (Σ_{j≥h} γ^j R_j) ∇log π_θ(a_h|s_h), episodes sampled at θ: (d,).

        E g = ∇J(θ) exactly; Williams 1992 with the γ^j weights of the discounted objective.
        """
        return (
            grad(lambda x: (self._to_go(batch) * self._log_prob(x, batch)).sum())(theta)
            / (batch.length.shape[0])
        )

    def weighted(self, theta: Tensor, batch: Trajectories) -> Tensor:
        """w(τ|θ,θ') g(τ|θ) averaged over B episodes sampled at θ' = batch.behaviour: (d,).

        w = min(cap, Π_h π_θ(a_h|s_h) / π_θ'(a_h|s_h)) over the steps taken, in log space.
        E[w g] = ∇J(θ) without a cap. Differentiable in θ through w. Wang et al. 2024, Algorithm 1.
        """

        def surrogate(x: Tensor, log_weight: Tensor) -> Tensor:
            weight = log_weight.exp().clamp(max=self.weight_cap)
            return (weight * (self._to_go(batch) * self._log_prob(x, batch)).sum(-1)).mean()

        taken = torch.where(batch.alive, batch.log_prob, torch.zeros_like(batch.log_prob))
        log_weight = (self._log_prob(theta, batch) - taken).sum(-1)
        return grad(surrogate)(theta, log_weight)

    def curvature(self, batch: Trajectories, vector: Tensor) -> Tensor:
        """D(τ,θ') v = ⟨∇log p(τ|θ'), v⟩ g(τ|θ') + ∇²Φ(τ|θ') v at θ' = batch.behaviour: (d,).

        The derivative of `weighted` along v at the behaviour parameters, where w = 1;
        E[D v] = ∇²J(θ') v. Wang et al. 2024, Algorithm 2; Shen et al. 2019, eq. 7.
        """
        theta = batch.behaviour
        taken = self._log_prob(theta, batch)  # at θ' itself, so that w = 1 to the last bit
        exact = batch._replace(log_prob=taken.detach())
        return jvp(lambda x: self.weighted(x, exact), (theta,), (vector,))[1]

    def _log_prob(self, theta: Tensor, batch: Trajectories) -> Tensor:
        """log π_θ of the steps taken, 0 past the end: (B, T)."""
        alive = batch.alive
        observation = torch.where(alive.unsqueeze(-1), batch.observation, 0)
        action = torch.where(alive.unsqueeze(-1), batch.action, 0)
        value = self.policy.log_prob(theta, observation, action)
        return torch.where(alive, value, torch.zeros_like(value))

    def _to_go(self, batch: Trajectories) -> Tensor:
        """Σ_{j≥h} γ^j R_j: (B, T)."""
        steps = torch.arange(batch.reward.shape[-1], dtype=torch.float64)
        discounted = torch.where(batch.alive, batch.reward * self.discount**steps, 0.0)
        return discounted.flip(-1).cumsum(-1).flip(-1).to(batch.reward.dtype)


@dataclass(frozen=True)
class CompiledGradients(Gradients):
    """The same estimators from kernels that read only the steps taken; liftable by vmap."""

    def plain(self, theta: Tensor, batch: Trajectories) -> Tensor:
        return self._estimate(kernels.PLAIN, theta, theta, batch)

    def weighted(self, theta: Tensor, batch: Trajectories) -> Tensor:
        return self._estimate(kernels.WEIGHTED, theta, theta, batch)

    def curvature(self, batch: Trajectories, vector: Tensor) -> Tensor:
        return self._estimate(kernels.CURVATURE, batch.behaviour, vector, batch)

    def _estimate(self, kind: int, theta: Tensor, vector: Tensor, batch: Trajectories) -> Tensor:
        estimate = kernels.estimator(type(self.policy).__name__)
        shape, discount, cap = self.policy.shape, self.discount, self.weight_cap

        def lanes(*tensors: Tensor) -> Tensor:
            """Any leading axes, flattened into lanes; every lane is one agent."""
            leading = tensors[0].shape[:-1]
            flat = (t.reshape(-1, *t.shape[len(leading) :]) for t in tensors)
            arrays = [np.ascontiguousarray(t.numpy()) for t in flat]
            result = torch.empty_like(tensors[0].reshape(-1, tensors[0].shape[-1]))
            estimate(kind, shape, discount, cap, *arrays, result.numpy())
            return result.reshape(tensors[0].shape)

        inputs = (theta, vector, batch.observation, batch.action)
        more = (batch.reward, batch.log_prob, batch.length)
        result: Tensor = _Lifted.apply(lanes, *inputs, *more)  # type: ignore[no-untyped-call]
        return result


class _Lifted(torch.autograd.Function):
    """Calls a function of tensors with any leading axes; under vmap, with one axis more."""

    @staticmethod
    def forward(function: Callable[..., Tensor], *tensors: Tensor) -> Tensor:  # type: ignore[override]
        return function(*tensors)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def vmap(  # type: ignore[override]
        info: Any,
        in_dims: tuple[int | None, ...],
        function: Callable[..., Tensor],
        *tensors: Tensor,
    ) -> tuple[Tensor, int]:
        lifted = [
            tensor.expand(info.batch_size, *tensor.shape)
            if axis is None
            else tensor.movedim(axis, 0)
            for tensor, axis in zip(tensors, in_dims[1:], strict=True)
        ]
        result: Tensor = _Lifted.apply(function, *lifted)  # type: ignore[no-untyped-call]
        return result, 0
