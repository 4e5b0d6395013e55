"""Clipped surrogate, value fit and entropy bonus, by epochs of minibatches: one agent's local step.

Axes: B episodes, T steps, M steps taken, d parameters of θ = [policy, V].
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fedrl.algorithms.estimators.actor_critic.critic import critic_shape
from fedrl.algorithms.estimators.actor_critic.kernels import compiled_step
from fedrl.algorithms.estimators.lifting import joined, lifted
from fedrl.algorithms.estimators.policy import Array, Policy
from fedrl.algorithms.estimators.trajectory import Trajectories


class Loops(NamedTuple):
    """Settings of the updates of θ inside a local step; the same for all lanes."""

    epochs: int  # passes over the batch
    minibatches: int  # updates per pass, of equal numbers of steps but for rounding
    optimiser: int  # place in `optimisers.OPTIMISERS`
    standardise: bool  # advantages of a minibatch to mean 0 and deviation 1
    discount: float  # γ
    clip_critic: bool = False  # what V gains by leaving its old value by more than ε is no gain


class Rates(NamedTuple):
    """Numbers that may differ from lane to lane."""

    step_size: Any  # η
    decay: Any  # λ of the advantages
    clip: Any  # ε, how far a probability ratio may leave 1; ∞: any
    value_weight: Any  # c_v
    entropy_weight: Any  # c_e
    largest_norm: Any  # of a minibatch's gradient
    divergence_weight: Any = 0.0  # c_d, of KL(π_held ‖ π)


def one_number(rate: Any, state: Any) -> Any:
    """The rate in double precision, beside the state (3d + 1,): (1,)."""
    if isinstance(state, np.ndarray):
        return np.broadcast_to(np.asarray(rate, np.float64), (len(state), 1))
    return torch.as_tensor(rate, dtype=torch.float64).reshape(1)


def proximal_step(
    policy: Policy,
    loops: Loops,
    rates: Rates,
    state: Tensor,
    batch: Trajectories,
    uniform: Tensor,
    held: Tensor | None = None,
) -> Tensor:
    """The state after `epochs` times `minibatches` updates along ∇L, compiled: (3d + 1,).

    L(θ) = mean_m min(ρ A, clip(ρ, 1 - ε, 1 + ε) A) - c_v/2 (V(s) - target)² + c_e H(π(·|s))
           - c_d KL(π_held(·|s) ‖ π(·|s)), ρ = π_θ(a|s) / π_old(a|s), target = A + V_old(s).

    Schulman et al. 2017 (arXiv 1707.06347), eq. 9. With `clip_critic` the square is the larger of
    two, the other of V_old + clip(V - V_old, -ε, ε). Equal to automatic differentiation to 1e-12.

    state (3d + 1,) is θ, both moments of the optimiser, and how many updates it has made. Every
    epoch goes through the M steps in an order of its own, shuffled by uniform (epochs, B·T).
    Advantages, targets and π_old are those of θ before the first update. A divergence is penalised
    from the policy of `held` (d,), by default θ before the first update too.
    """
    step = compiled_step(type(policy).__name__)
    shapes = (policy.widths, np.array(critic_shape(policy)))
    numbers = joined([one_number(rate, state) for rate in rates])

    def lanes(out: Array, *arrays: Any) -> None:
        step(*shapes, policy.size, loops, *arrays, out)

    held = state[..., : (state.shape[-1] - 1) // 3] if held is None else held
    parts = (batch.observation, batch.action, batch.reward, batch.length)
    return lifted(lanes, state, numbers, *parts, batch.final, batch.terminated, uniform, held)
