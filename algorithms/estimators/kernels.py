"""The policies' log-probabilities and their derivatives, written out for numba.

A policy is a *body* (observation -> z: table, bits or tanh network) and a *head* (z -> log π:
categorical or Gaussian). All functions take the M steps an agent really took, as matrices; nothing
is padded. Each is tested against `estimators.policy` and automatic differentiation to 1e-12.

Axes: L lanes (agents), B episodes, T steps, M steps taken by one agent, d parameters.
`theta`, `tangent`, `gradient` are flat (d,); `delta` is ∂(Σ c log π)/∂z.
"""

import hashlib
import inspect
import math
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from fedrl.algorithms.estimators import bits, categorical, gaussian, table
from fedrl.algorithms.estimators.coefficients import (
    coefficients,
    differentiate_coefficients,
    discounted,
    pack,
    weights,
)
from fedrl.algorithms.estimators.networks import network, tanh

PLAIN, WEIGHTED, CURVATURE, FISHER = 0, 1, 2, 3


class Body(NamedTuple):
    """Observation -> z, and its derivatives."""

    forward: Callable[..., Any]  # (shape, theta, x) -> cache, z
    backward: Callable[..., Any]  # (shape, theta, x, cache, delta, gradient)
    forward_tangent: Callable[..., Any]  # (shape, theta, tangent, x, cache) -> ċache, ż
    backward_tangent: Callable[..., Any]  # (…, cache, ċache, delta, deltȧ, gradient)
    load: Callable[..., Any]  # (theta of one episode, columns, slot)
    outputs: Callable[..., Any]  # (shape, theta (L,d), lanes, columns, x, scratch, z): one step


class Head(NamedTuple):
    """z -> log π, and its derivatives."""

    log_prob: Callable[..., Any]  # (theta, z, action) -> (M,)
    score: Callable[..., Any]  # (theta, z, action, c, delta, gradient)
    slope: Callable[..., Any]  # (theta, tangent, z, ż, action) -> (M,), ⟨∇log π, tangent⟩
    score_tangent: Callable[..., Any]  # (theta, tangent, z, ż, action, c, deltȧ, gradient)
    act: Callable[..., Any]  # (theta, z, uniform, action, spare) -> log π, writes the action


# A module has a function for every field of its part, under the field's name.
TABLE, BITS, NETWORK = (
    Body(*(getattr(part, f) for f in Body._fields)) for part in (table, bits, network)
)
CATEGORICAL, GAUSSIAN = (
    Head(*(getattr(part, f) for f in Head._fields)) for part in (categorical, gaussian)
)

POLICIES: dict[str, tuple[Body, Head]] = {
    "TabularSoftmax": (TABLE, CATEGORICAL),
    "TabularBits": (BITS, CATEGORICAL),
    "CategoricalMLP": (NETWORK, CATEGORICAL),
    "GaussianMLP": (NETWORK, GAUSSIAN),
}


def body_and_head(name: str) -> tuple[Body, Head]:
    """Body and head of the policy class `name`."""
    if name not in POLICIES:
        known = ", ".join(POLICIES)
        raise TypeError(
            f"{name} cannot be sampled: it is for algorithms that read the model itself. "
            f"Policies that can be sampled: {known}"
        )
    return POLICIES[name]


@cache
def estimator(name: str) -> Callable[..., None]:
    """Compiled `plain`, `weighted`, `curvature` and `fisher` of the policy class `name`, L lanes.

    (kind, shape, options, theta (L,d), vector (L,d), observation (L,B,T,o), action (L,B,T,a),
    reward (L,B,T), log_prob (L,B,T), length (L,B), value (L,B,T), log_weight (L,B), out (L,d)).
    `vector` is read by CURVATURE and FISHER only, `log_weight` written by WEIGHTED only.
    Formulas: `estimators.gradients.Gradients`.
    """
    body, head = body_and_head(name)
    forward, backward, forward_tangent, backward_tangent = body[:4]
    log_probability, score, slope, score_tangent, _ = head
    version = source_digest(forward, score, discounted)

    @njit(cache=True, nogil=True)
    def estimate(  # type: ignore[no-untyped-def]
        kind, shape, options, theta, vector, observation, action, reward, log_prob, length, value,
        log_weight, out,
    ):  # fmt: skip
        _ = version  # a closed-over value is part of the key of the compilation cache
        # Allocated once: γ^h, gains, shifts, and weights up to each step, 1 unless per decision.
        work = np.ones((4, reward.shape[1] * reward.shape[2]))
        for lane in range(len(theta)):
            parameters = theta[lane]
            tangent = vector[lane]
            gradient = out[lane]
            gradient[:] = 0
            lengths = length[lane]
            x, taken = pack(observation[lane], action[lane], lengths, parameters)
            cache, z = forward(shape, parameters, x)
            delta = np.empty_like(z)
            c = np.empty(len(x), parameters.dtype)
            if kind == FISHER:
                _, dz = forward_tangent(shape, parameters, tangent, x, cache)
                along = slope(parameters, tangent, z, dz, taken)
                for m in range(len(c)):
                    c[m] = along[m] / len(c)
            else:
                log_pi = np.empty(0, parameters.dtype)
                if kind == WEIGHTED or options.entropy != 0.0:
                    log_pi = log_probability(parameters, z, taken)
                returns = discounted(options, reward[lane], value[lane], log_pi, lengths, work)
                _, gain, shift, divisor = returns
                factor = work[3, : len(x)]
                if kind == WEIGHTED:
                    weights(options, log_pi, log_prob[lane], lengths, log_weight[lane], factor)
                coefficients(gain, shift, factor, divisor, lengths, c)
                if kind == WEIGHTED and not options.per_decision:
                    at = 0
                    for b in range(len(lengths)):
                        weight = min(math.exp(log_weight[lane, b]), options.weight_cap)
                        for m in range(at, at + lengths[b]):
                            c[m] *= weight
                        at += lengths[b]
                elif kind == CURVATURE:
                    dcache, dz = forward_tangent(shape, parameters, tangent, x, cache)
                    score(parameters, z, taken, c, delta, np.empty_like(gradient))
                    ddelta = np.empty_like(z)
                    score_tangent(parameters, tangent, z, dz, taken, c, ddelta, gradient)
                    backward_tangent(
                        shape, parameters, tangent, x, cache, dcache, delta, ddelta, gradient
                    )
                    along = slope(parameters, tangent, z, dz, taken)
                    differentiate_coefficients(options, returns, along, lengths, c)
            score(parameters, z, taken, c, delta, gradient)
            backward(shape, parameters, x, cache, delta, gradient)

    return estimate  # type: ignore[no-any-return]


def source_digest(*parts: Any) -> str:
    """Digest of the files that define `parts`: numba's cache watches only the caller's own."""
    digest = hashlib.blake2b(digest_size=16)
    for module in sorted({tanh.__name__, *(part.__module__ for part in parts)}):
        digest.update(inspect.getsource(sys.modules[module]).encode())
    return digest.hexdigest()
