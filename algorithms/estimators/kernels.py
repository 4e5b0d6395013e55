"""The policies' log-probabilities and their derivatives, written out for numba.

A policy is a *body* (observation -> z: table, bits or tanh network) and a *head* (z -> log π:
categorical or Gaussian). All functions take the M steps an agent really took, as matrices; nothing
is padded. Each is tested against `estimators.policy` and automatic differentiation to 1e-12.

Axes: L lanes (agents), B episodes, T steps, M steps taken by one agent, d parameters.
`theta`, `tangent`, `gradient` are flat (d,); `delta` is ∂(Σ c log π)/∂z.
"""

import hashlib
import inspect
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from fedrl.algorithms.estimators import bits, categorical, gaussian, table
from fedrl.algorithms.estimators.coefficients import (
    differentiate_coefficients,
    discounted,
    pack,
    step_coefficients,
)
from fedrl.algorithms.estimators.networks import abreast, network, product, tanh
from fedrl.algorithms.estimators.networks import borrowed as views
from fedrl.algorithms.estimators.networks.abreast import SLOTS, ends
from fedrl.algorithms.estimators.networks.borrowed import borrowed
from fedrl.algorithms.estimators.policy import network_size

PLAIN, WEIGHTED, CURVATURE, FISHER = 0, 1, 2, 3
ABREAST = 512  # parameters up to which agents beside each other are faster than one by one


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
def estimator(name: str, kind: int, shape: tuple[int, ...]) -> Callable[..., None]:
    """The compiled estimator of this kind that is fastest for a policy; all give the same bits."""
    small = body_and_head(name)[0] is NETWORK and network_size(shape) <= ABREAST
    return abreast_estimator(name) if small and kind in (PLAIN, WEIGHTED) else one_by_one(name)


@cache
def one_by_one(name: str) -> Callable[..., None]:
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
        theta, vector, out = borrowed(theta), borrowed(vector), borrowed(out)
        observation, action, reward = borrowed(observation), borrowed(action), borrowed(reward)
        log_prob, length, value = borrowed(log_prob), borrowed(length), borrowed(value)
        log_weight = borrowed(log_weight)
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
            delta, p = np.empty_like(z), np.empty_like(z)
            log_pi = log_probability(parameters, z, taken, p)
            c = np.empty(len(x), parameters.dtype)
            if kind == FISHER:
                _, dz = forward_tangent(shape, parameters, tangent, x, cache)
                along = slope(parameters, tangent, z, dz, taken, p)
                for m in range(len(c)):
                    c[m] = along[m] / len(c)
            else:
                returns = step_coefficients(
                    kind == WEIGHTED, options, reward[lane], value[lane], log_prob[lane], lengths,
                    log_pi, borrowed(work), log_weight[lane], c,
                )  # fmt: skip
                if kind == CURVATURE:
                    dcache, dz = forward_tangent(shape, parameters, tangent, x, cache)
                    score(parameters, z, taken, p, c, delta, np.empty_like(gradient))
                    ddelta = np.empty_like(z)
                    score_tangent(parameters, tangent, z, dz, taken, p, c, ddelta, gradient)
                    backward_tangent(
                        shape, parameters, tangent, x, cache, dcache, delta, ddelta, gradient
                    )
                    along = slope(parameters, tangent, z, dz, taken, p)
                    differentiate_coefficients(options, returns, along, lengths, c)
            score(parameters, z, taken, p, c, delta, gradient)
            backward(shape, parameters, x, cache, delta, gradient)

    return estimate  # type: ignore[no-any-return]


@cache
def abreast_estimator(name: str) -> Callable[..., None]:
    """Compiled `plain` and `weighted` of small networks: as `one_by_one`, SLOTS agents at a time.

    Agents with about as many steps stand beside each other; no number depends on who does.
    """
    _, head = body_and_head(name)
    log_probability, score = head.log_prob, head.score
    forward, backward, clear, slots = abreast.forward, abreast.backward, abreast.clear, SLOTS
    version = source_digest(forward, score, discounted, ends)

    @njit(cache=True, nogil=True)
    def estimate(  # type: ignore[no-untyped-def]
        kind, shape, options, theta, vector, observation, action, reward, log_prob, length, value,
        log_weight, out,
    ):  # fmt: skip
        _ = version
        theta, out, observation = borrowed(theta), borrowed(out), borrowed(observation)
        action, reward, log_prob = borrowed(action), borrowed(reward), borrowed(log_prob)
        length, value, log_weight = borrowed(length), borrowed(value), borrowed(log_weight)
        lanes = len(theta)
        size, hidden = ends(shape, 1)
        inputs, outputs = shape[0], shape[len(shape) - 1]
        sums, longest = np.zeros(lanes, np.int64), 1
        for lane in range(lanes):  # written out: `sum` along an axis takes seconds to compile
            for steps in length[lane]:
                sums[lane] += steps
            longest = max(longest, sums[lane])
        order = np.argsort(sums)
        work = np.ones((4, longest))
        columns = np.zeros((size, slots), theta.dtype)  # their parameters
        gradient = np.empty_like(columns)
        seen = np.empty((longest * inputs, slots), theta.dtype)
        hidden_units = np.empty((longest * hidden, slots), theta.dtype)
        last = np.empty((longest * outputs, slots), theta.dtype)  # z, and then delta
        one = np.empty((3, longest, outputs), theta.dtype)  # z, p and delta of one agent
        played = np.empty((longest, action.shape[3]), theta.dtype)
        factors = np.empty(longest, theta.dtype)
        totals = np.empty(slots, np.int64)
        for first in range(0, lanes, slots):
            own, chosen, c = borrowed(one), borrowed(played), borrowed(factors)
            mates = order[first : first + slots]
            totals[:] = 0
            for s in range(len(mates)):
                totals[s] = sums[mates[s]]
                parameters = theta[mates[s]]
                for k in range(size):
                    columns[k, s] = parameters[k]
            steps = max(totals[len(mates) - 1], 1)  # those with most stand last
            x, cache = seen[: steps * inputs], hidden_units[: steps * hidden]
            deltas = last[: steps * outputs]
            clear(x, inputs, totals)
            for s in range(len(mates)):
                source, lengths, row = observation[mates[s]], length[mates[s]], 0
                for b in range(len(lengths)):
                    for h in range(lengths[b]):
                        for i in range(inputs):
                            x[row + i, s] = source[b, h, i]
                        row += inputs
            forward(shape, columns, x, totals, cache, deltas)
            for s in range(len(mates)):
                lane, total = mates[s], totals[s]
                parameters, lengths, ascent = theta[lane], length[lane], out[lane]
                z, p, delta = own[0, :total], own[1, :total], own[2, :total]
                taken, source, m = chosen[:total], action[lane], 0
                for b in range(len(lengths)):
                    for h in range(lengths[b]):
                        for j in range(taken.shape[1]):
                            taken[m, j] = source[b, h, j]
                        m += 1
                for m in range(total):
                    for j in range(outputs):
                        z[m, j] = deltas[m * outputs + j, s]
                log_pi = log_probability(parameters, z, taken, p)
                step_coefficients(
                    kind == WEIGHTED, options, reward[lane], value[lane], log_prob[lane], lengths,
                    log_pi, borrowed(work), log_weight[lane], c[:total],
                )  # fmt: skip
                ascent[:] = 0
                score(parameters, z, taken, p, c[:total], delta, ascent)
                for m in range(total):
                    for j in range(outputs):
                        deltas[m * outputs + j, s] = delta[m, j]
            clear(deltas, outputs, totals)
            backward(shape, columns, x, totals, cache, deltas, gradient)
            for s in range(len(mates)):
                ascent = out[mates[s]]
                for k in range(size):
                    ascent[k] += gradient[k, s]

    return estimate  # type: ignore[no-any-return]


def source_digest(*parts: Any) -> str:
    """Digest of the files that define `parts`: numba's cache watches only the caller's own."""
    digest = hashlib.blake2b(digest_size=16)
    inner = (part.__name__ for part in (abreast, views, product, tanh))
    for module in sorted({*inner, *(part.__module__ for part in parts)}):
        digest.update(inspect.getsource(sys.modules[module]).encode())
    return digest.hexdigest()
