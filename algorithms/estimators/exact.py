"""Gradients of finite MDPs without sampling, and the planning steps of model-based algorithms.

`ExactGradients` has the interface of `estimators.gradients.Gradients`; its batches are `Model`s.
The derivatives are written out for numba, lane after lane (tested against automatic
differentiation to 1e-12): what one agent gets does not depend on who else is in the batch.

Axes: L lanes, Z states, A actions, T the horizon, d = Z A parameters.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from torch import Tensor

from fedrl.algorithms.estimators import dynamics
from fedrl.algorithms.estimators.lifting import lifted
from fedrl.algorithms.estimators.policy import Array, Table


class Model(NamedTuple):
    """The MDP of ONE agent, where sampled algorithms get `Trajectories`; lifting adds axes."""

    kernel: Tensor  # (Z, A, Z), P(s'|s,a)
    reward: Tensor  # (Z, A)
    start: Tensor  # (Z,)
    behaviour: Tensor  # (d,), the parameters at which sampling would have happened


@dataclass(frozen=True)
class ExactGradients:
    """∇J and ∇²J v of J(θ) = E Σ_{h<T} γ^h r_h, exactly; r = R - τ log π with an entropy τ.

    States that only loop to themselves without reward end an episode, as they do in sampling.
    """

    policy: Table
    discount: float  # γ
    horizon: int  # T
    entropy: float = 0.0  # τ

    def plain(self, theta: Tensor, batch: Model) -> Tensor:
        """∇J(θ): (d,)."""
        return self._differentiate(theta, theta, batch, order=1)

    def weighted(self, theta: Tensor, batch: Model) -> Tensor:
        """∇J(θ), wherever it would have been sampled: (d,)."""
        return self.plain(theta, batch)

    def curvature(self, batch: Model, vector: Tensor) -> Tensor:
        """∇²J(θ') v at θ' = batch.behaviour: (d,)."""
        return self._differentiate(batch.behaviour, vector, batch, order=2)

    def fisher(self, theta: Tensor, batch: Model, vector: Tensor) -> Tensor:
        """Σ_s m(s) Σ_a π ∇log π ⟨∇log π, v⟩; m(s) is the expected share of steps taken in s: (d,).

        It is what the sampled product tends to as B grows.
        """
        policy = self.policy

        def lanes(out: Array, theta: Array, vector: Array, *mdp: Array) -> None:
            pi = policy.probabilities(theta)
            change = policy.jacobian(pi, vector.astype(np.float64).reshape(pi.shape))
            score = np.divide(change, pi, out=np.zeros_like(pi), where=pi > 0)
            share = dynamics.occupancy(*mdp, pi, self.horizon)  # type: ignore[call-arg]
            out[:] = (share[..., None] * policy.jacobian(pi, score)).reshape(out.shape)

        return lifted(lanes, theta, vector, *batch[:3])

    def action_value(self, theta: Tensor, batch: Model) -> Tensor:
        """Q^π of the infinite horizon, R + γ P (I - γ P_π)⁻¹ r_π: (d,), row-major (Z, A)."""
        return self._plan(theta, batch, relative=False)

    def advantage(self, theta: Tensor, batch: Model) -> Tensor:
        """Q^π(s,a) - V^π(s) of the infinite horizon: (d,). Over 1 - γ it is the natural gradient.

        Kakade 2001; Agarwal, Kakade, Lee, Mahajan, JMLR 2021, Lemma 15.
        """
        return self._plan(theta, batch, relative=True)

    def backup(self, action_value: Tensor, batch: Model) -> Tensor:
        """(T Q)(s,a) = R + γ Σ_x P(x|s,a) max_b Q(x,b), Bellman's optimality operator: (d,)."""

        def lanes(out: Array, action_value: Array, kernel: Array, reward: Array) -> None:
            dynamics.backup(kernel, reward, action_value, self.discount, out)

        return lifted(lanes, action_value, *batch[:2])

    def _plan(self, theta: Tensor, batch: Model, relative: bool) -> Tensor:
        if not 0 <= self.discount < 1:
            raise ValueError(
                f"the discount is {self.discount!r}; the value of an infinite horizon needs one "
                "in [0, 1)"
            )

        def lanes(out: Array, theta: Array, kernel: Array, reward: Array) -> None:
            pi = self.policy.probabilities(theta)
            dynamics.action_value(kernel, reward, pi, self.discount, relative, out)

        return lifted(lanes, theta, *batch[:2])

    def _differentiate(self, theta: Tensor, vector: Tensor, batch: Model, order: int) -> Tensor:
        policy = self.policy

        def lanes(out: Array, theta: Array, vector: Array, *mdp: Array) -> None:
            pi = policy.probabilities(theta)
            change = policy.jacobian(pi, vector.astype(np.float64).reshape(pi.shape))
            objective = (self.discount, self.entropy, self.horizon)
            slope, turn = dynamics.derivatives(*mdp, pi, change, *objective)  # type: ignore[call-arg]
            result = policy.jacobian(pi, slope)
            if order == 2:
                result = policy.jacobian(pi, turn) + policy.jacobian_change(pi, change, slope)
            out[:] = result.reshape(out.shape)

        return lifted(lanes, theta, vector, *batch[:3])
