"""The policies' log-probabilities and their derivatives, written out for numba.

A policy is a *body* (observation -> z: table or tanh network) and a *head* (z -> log π:
categorical or Gaussian). All functions take the M steps an agent really took, as matrices; nothing
is padded. Each is tested against `algorithms.policy` and automatic differentiation to 1e-12.

Axes: L lanes (agents), B episodes, T steps, M steps taken by one agent, d parameters.
`theta`, `tangent`, `gradient` are flat (d,); `delta` is ∂(Σ c log π)/∂z.
"""

from __future__ import annotations

import hashlib
import inspect
import math
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.extending import register_jitable

from algorithms import categorical, gaussian, network, table

PLAIN, WEIGHTED, CURVATURE = 0, 1, 2


class Body(NamedTuple):
    """Observation -> z, and its derivatives."""

    forward: Callable[..., Any]  # (shape, theta, x) -> cache, z
    backward: Callable[..., Any]  # (shape, theta, x, cache, delta, gradient)
    forward_tangent: Callable[..., Any]  # (shape, theta, tangent, x, cache) -> ċache, ż
    backward_tangent: Callable[..., Any]  # (…, cache, ċache, delta, deltȧ, gradient)
    output: Callable[..., Any]  # (shape, theta, observation, scratch) -> z of one step


class Head(NamedTuple):
    """z -> log π, and its derivatives."""

    log_prob: Callable[..., Any]  # (theta, z, action) -> (M,)
    score: Callable[..., Any]  # (theta, z, action, c, delta, gradient)
    slope: Callable[..., Any]  # (theta, tangent, z, ż, action) -> (M,), ⟨∇log π, tangent⟩
    score_tangent: Callable[..., Any]  # (theta, tangent, z, ż, action, c, deltȧ, gradient)
    act: Callable[..., Any]  # (theta, z, uniform, action) -> log π, writes the action


TABLE = Body(
    table.forward,
    table.backward,
    table.forward_tangent,
    table.backward_tangent,
    table.output,
)
NETWORK = Body(
    network.forward,
    network.backward,
    network.forward_tangent,
    network.backward_tangent,
    network.output,
)
CATEGORICAL = Head(
    categorical.log_prob,
    categorical.score,
    categorical.slope,
    categorical.score_tangent,
    categorical.act,
)
GAUSSIAN = Head(
    gaussian.log_prob,
    gaussian.score,
    gaussian.slope,
    gaussian.score_tangent,
    gaussian.act,
)

POLICIES: dict[str, tuple[Body, Head]] = {
    "TabularSoftmax": (TABLE, CATEGORICAL),
    "CategoricalMLP": (NETWORK, CATEGORICAL),
    "GaussianMLP": (NETWORK, GAUSSIAN),
}


@register_jitable
def pack(
    observation: Any, action: Any, reward: Any, length: Any, discount: float, dtype_of: Any
) -> Any:
    """The M steps really taken: observations, actions, (1/B) Σ_{j≥h} γ^j R_j."""
    episodes = len(length)
    steps = 0
    longest = 0
    for b in range(episodes):
        steps += length[b]
        longest = max(longest, length[b])
    x = np.empty((steps, observation.shape[2]), dtype_of.dtype)
    taken = np.empty((steps, action.shape[2]), dtype_of.dtype)
    to_go = np.empty(steps, dtype_of.dtype)
    powers = np.ones(longest)
    for h in range(1, longest):
        powers[h] = powers[h - 1] * discount
    at = 0
    for b in range(episodes):
        total = 0.0
        for h in range(length[b] - 1, -1, -1):
            total += powers[h] * reward[b, h]
            to_go[at + h] = total / episodes
            for j in range(x.shape[1]):
                x[at + h, j] = observation[b, h, j]
            for j in range(taken.shape[1]):
                taken[at + h, j] = action[b, h, j]
        at += length[b]
    return x, taken, to_go


@cache
def estimator(name: str) -> Callable[..., None]:
    """Compiled `plain`, `weighted` and `curvature` of the policy class `name`, over L lanes.

    (kind, shape, discount, cap, theta (L,d), vector (L,d), observation (L,B,T,o),
    action (L,B,T,a), reward (L,B,T), log_prob (L,B,T), length (L,B), out (L,d)); `vector` is read
    by CURVATURE only. Formulas: `algorithms.gradients.Gradients`.
    """
    body, head = POLICIES[name]
    forward, backward, forward_tangent, backward_tangent, _ = body
    log_probability, score, slope, score_tangent, _ = head
    version = source_digest(forward, score)

    @njit(cache=True, nogil=True)
    def estimate(  # type: ignore[no-untyped-def]
        kind, shape, discount, cap,
        theta, vector, observation, action, reward, log_prob, length, out,
    ):  # fmt: skip
        _ = version  # a closed-over value is part of the key of the compilation cache
        for lane in range(len(theta)):
            parameters = theta[lane]
            gradient = out[lane]
            gradient[:] = 0
            x, taken, c = pack(
                observation[lane], action[lane], reward[lane], length[lane], discount, parameters
            )
            cache, z = forward(shape, parameters, x)
            delta = np.empty_like(z)
            if kind == WEIGHTED:
                value = log_probability(parameters, z, taken)
                at = 0
                for b in range(length.shape[1]):
                    log_weight = 0.0
                    for h in range(length[lane, b]):
                        log_weight += value[at + h] - log_prob[lane, b, h]
                    weight = min(math.exp(log_weight), cap)
                    for h in range(length[lane, b]):
                        c[at + h] *= weight
                    at += length[lane, b]
            elif kind == CURVATURE:
                tangent = vector[lane]
                dcache, dz = forward_tangent(shape, parameters, tangent, x, cache)
                score(parameters, z, taken, c, delta, np.empty_like(gradient))
                ddelta = np.empty_like(z)
                score_tangent(parameters, tangent, z, dz, taken, c, ddelta, gradient)
                backward_tangent(
                    shape, parameters, tangent, x, cache, dcache, delta, ddelta, gradient
                )
                along = slope(parameters, tangent, z, dz, taken)
                at = 0
                for b in range(length.shape[1]):
                    total = 0.0
                    for h in range(length[lane, b]):
                        total += along[at + h]
                    for h in range(length[lane, b]):
                        c[at + h] *= total
                    at += length[lane, b]
            score(parameters, z, taken, c, delta, gradient)
            backward(shape, parameters, x, cache, delta, gradient)

    return estimate  # type: ignore[no-any-return]


def source_digest(*parts: Any) -> str:
    """Digest of the files that define `parts`: numba's cache watches only the caller's own."""
    digest = hashlib.blake2b(digest_size=16)
    for module in sorted({part.__module__ for part in parts}):
        digest.update(inspect.getsource(sys.modules[module]).encode())
    return digest.hexdigest()
