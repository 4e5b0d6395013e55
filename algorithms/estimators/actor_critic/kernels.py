"""A local step of an actor-critic, written out for numba: see `proximal.proximal_step`."""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from fedrl.algorithms.estimators.actor_critic.advantages import generalised_advantages, standardise
from fedrl.algorithms.estimators.actor_critic.divergence import divergence_of
from fedrl.algorithms.estimators.actor_critic.entropy import entropy_gradient
from fedrl.algorithms.estimators.actor_critic.optimisers import ascend, limit_norm
from fedrl.algorithms.estimators.coefficients import pack
from fedrl.algorithms.estimators.compilation import compiled, jitable
from fedrl.algorithms.estimators.kernels import body_and_head, source_digest


@jitable
def shuffle(order: Any, uniform: Any) -> None:
    """Fisher and Yates: a random permutation in place, from as many uniform numbers."""
    for i in range(len(order) - 1, 0, -1):
        other = min(int(uniform[i] * (i + 1)), i)
        order[i], order[other] = order[other], order[i]


@jitable
def surrogate_coefficients(log_pi: Any, log_old: Any, advantage: Any, clip: float, c: Any) -> None:
    """c ← ∂(mean of the clipped surrogate)/∂log π: ρ A / n, and 0 where the clip is active."""
    for m in range(len(c)):
        ratio = math.exp(log_pi[m] - log_old[m])
        gain = advantage[m]
        idle = ratio > 1 + clip if gain >= 0 else ratio < 1 - clip
        c[m] = 0.0 if idle else ratio * gain / len(c)


@jitable
def value_errors(fitted: Any, old: Any, target: Any, clip: float) -> None:
    """fitted ← target - fitted, but 0 where the clipped error is larger: see `proximal_step`."""
    for m in range(len(fitted)):
        error = target[m] - fitted[m]
        move = fitted[m] - old[m]
        clipped = target[m] - old[m] - (clip if move > 0 else -clip)
        idle = abs(move) > clip and abs(clipped) > abs(error)
        fitted[m] = 0.0 if idle else error


@cache
def compiled_step(name: str) -> Callable[..., None]:
    """The compiled local step of the policy class `name`, L lanes.

    (shape, critic shape, policy size p, loops, state (L,3d+1), rates (L,7), observation (L,B,T,o),
    action (L,B,T,a), reward (L,B,T), length (L,B), final (L,B,o), terminated (L,B),
    uniform (L,E,B·T), anchors (L,d), out (L,3d+1)).
    """
    body, head = body_and_head(name)
    forward, backward = body.forward, body.backward
    log_probability, score = head.log_prob, head.score
    add_entropy, add_divergence = entropy_gradient(head), divergence_of(head).add
    parts = (forward, score, pack, generalised_advantages, add_entropy, add_divergence, ascend)
    version = source_digest(*parts)

    @compiled
    def step(  # type: ignore[no-untyped-def]
        shape, critic_shape, size, loops, state, rates, observation, action, reward, length, final,
        terminated, uniform, anchors, out,
    ):  # fmt: skip
        _ = version  # a closed-over value is part of the key of the compilation cache
        epochs, minibatches, optimiser, standardised, discount, clip_critic = loops
        d = (state.shape[1] - 1) // 3
        gradient = np.empty(d, state.dtype)
        for lane in range(len(state)):
            step_size, decay, clip, value_weight, entropy_weight, largest_norm, apart = rates[lane]
            own = out[lane]
            for entry in range(len(own)):  # a copy of arrays compiles much more
                own[entry] = state[lane, entry]
            theta, first, second = own[:d], own[d : 2 * d], own[2 * d : 3 * d]
            actor, critic = theta[:size], theta[size:]
            # Segments are padded with empty episodes, as many as others in the batch need.
            lengths = length[lane][: np.sum(length[lane] > 0)]
            x, taken = pack(observation[lane], action[lane], lengths, theta)
            steps = len(x)
            _, z = forward(shape, actor, x)
            log_old = log_probability(actor, z, taken, np.empty_like(z))
            anchor, before = anchors[lane][:size], z
            if apart != 0.0:
                _, before = forward(shape, anchor, x)
            _, value = forward(critic_shape, critic, x)
            _, last = forward(critic_shape, critic, final[lane][: len(lengths)])
            advantage = np.empty(steps)
            generalised_advantages(
                reward[lane], value[:, 0], last[:, 0], terminated[lane], lengths, discount, decay,
                advantage,
            )  # fmt: skip
            target = advantage + value[:, 0]
            for epoch in range(epochs):
                order = np.arange(steps)
                shuffle(order, uniform[lane, epoch])
                for part in range(minibatches):
                    rows = order[part * steps // minibatches : (part + 1) * steps // minibatches]
                    if len(rows) == 0:  # episodes ended early: fewer steps than minibatches
                        continue
                    some, chosen, gain = x[rows], taken[rows], advantage[rows]
                    if standardised:
                        standardise(gain, gain)
                    gradient[:] = 0
                    cached, z = forward(shape, actor, some)
                    delta, p = np.empty_like(z), np.empty_like(z)
                    c = np.empty(len(rows), theta.dtype)
                    log_pi = log_probability(actor, z, chosen, p)
                    surrogate_coefficients(log_pi, log_old[rows], gain, clip, c)
                    score(actor, z, chosen, p, c, delta, gradient[:size])
                    if entropy_weight != 0.0:
                        add_entropy(actor, z, entropy_weight / len(rows), delta, gradient[:size])
                    if apart != 0.0:
                        factor, held_z = apart / len(rows), before[rows]
                        add_divergence(actor, z, anchor, held_z, factor, delta, gradient[:size])
                    backward(shape, actor, some, cached, delta, gradient[:size])
                    cached, fitted = forward(critic_shape, critic, some)
                    held = clip if clip_critic else math.inf
                    value_errors(fitted[:, 0], value[:, 0][rows], target[rows], held)
                    for m in range(len(rows)):
                        fitted[m, 0] = value_weight * fitted[m, 0] / len(rows)
                    backward(critic_shape, critic, some, cached, fitted, gradient[size:])
                    limit_norm(gradient, largest_norm)
                    own[3 * d] += 1
                    ascend(optimiser, step_size, own[3 * d], gradient, theta, first, second)

    return step  # type: ignore[no-any-return]
