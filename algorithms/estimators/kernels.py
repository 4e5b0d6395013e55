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

from fedrl.algorithms.estimators import bits, categorical, gaussian, table
from fedrl.algorithms.estimators.coefficients import (
    differentiate_coefficients,
    discounted,
    pack,
    step_coefficients,
    steps_of,
)
from fedrl.algorithms.estimators.compilation import compiled
from fedrl.algorithms.estimators.networks import (
    abreast,
    columns,
    exponential,
    network,
    product,
    tanh,
    vector,
)
from fedrl.algorithms.estimators.networks import borrowed as views
from fedrl.algorithms.estimators.networks.abreast import ends
from fedrl.algorithms.estimators.networks.borrowed import borrowed
from fedrl.algorithms.estimators.networks.columns import SLOTS, load_all, unload_all
from fedrl.algorithms.estimators.policy import network_size

PLAIN, WEIGHTED, CURVATURE, FISHER = 0, 1, 2, 3
# What is compiled with every kernel of a network.
PARTS = (abreast, columns, exponential, views, product, tanh, vector)
ABREAST = 512  # parameters up to which agents beside each other are faster than one by one


class Body(NamedTuple):
    """Observation -> z, and its derivatives."""

    forward: Callable[..., Any]  # (shape, theta, x) -> cache, z
    backward: Callable[..., Any]  # (shape, theta, x, cache, delta, gradient)
    forward_tangent: Callable[..., Any]  # (shape, theta, tangent, x, cache) -> ċache, ż
    backward_tangent: Callable[..., Any]  # (…, cache, ċache, delta, deltȧ, gradient)
    load: Callable[..., Any]  # (theta of one episode, columns, slot)
    outputs: Callable[..., Any]  # (shape, theta (L,d), lanes, columns, x, scratch, z (k,S)): a step


class Head(NamedTuple):
    """z -> log π, and its derivatives."""

    log_prob: Callable[..., Any]  # (theta, z, action) -> (M,)
    score: Callable[..., Any]  # (theta, z, action, c, delta, gradient)
    slope: Callable[..., Any]  # (theta, tangent, z, ż, action) -> (M,), ⟨∇log π, tangent⟩
    score_tangent: Callable[..., Any]  # (theta, tangent, z, ż, action, c, deltȧ, gradient)
    ready: Callable[..., Any]  # (z, p (M,k), total, near (M,)): what `act` needs, of all rows
    act: Callable[..., Any]  # (theta, z, uniform, action, p, total, near) -> log π; writes action
    # The same of SLOTS agents' steps beside each other, in rows of SLOTS: see `networks.abreast`.
    ready_abreast: Callable[..., Any]  # (z, p (M·k,S), total, near (M,S))
    log_prob_abreast: Callable[..., Any]  # (theta, z, action, total, near, steps, log π (S,M))
    score_abreast: Callable[..., Any]  # (theta, z -> delta, action, p, total, steps, c, gradient)


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
    log_probability, score, slope, score_tangent = head[:4]
    version = source_digest(forward, score, discounted)

    @compiled
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
        work = np.empty((4, reward.shape[1] * reward.shape[2]))
        for m in range(work.shape[1]):
            work[3, m] = 1
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
    ready, log_probability, score = head.ready_abreast, head.log_prob_abreast, head.score_abreast
    forward, backward, clear, slots = abreast.forward, abreast.backward, abreast.clear, SLOTS
    version = source_digest(forward, score, discounted, ends)

    @compiled
    def estimate(  # type: ignore[no-untyped-def]
        kind, shape, options, theta, vector, observation, action, reward, log_prob, length, value,
        log_weight, out,
    ):  # fmt: skip
        _ = version
        theta, out, observation = borrowed(theta), borrowed(out), borrowed(observation)
        action, reward, log_prob = borrowed(action), borrowed(reward), borrowed(log_prob)
        length, value, log_weight = borrowed(length), borrowed(value), borrowed(log_weight)
        lanes, size = theta.shape
        _, hidden = ends(shape, 1)
        inputs, outputs, chosen = shape[0], shape[len(shape) - 1], action.shape[3]
        # Written out: `sum` along an axis and `argsort` take seconds to compile.
        sums, order, longest = np.empty(lanes, np.int64), np.empty(lanes, np.int64), 1
        for lane in range(lanes):
            sums[lane] = steps_of(length[lane])
            longest = max(longest, sums[lane])
        places = np.empty(longest + 2, np.int64)  # where agents with as many steps begin
        for steps in range(len(places)):
            places[steps] = 0
        for lane in range(lanes):
            places[sums[lane] + 1] += 1
        for steps in range(longest):
            places[steps + 1] += places[steps]
        for lane in range(lanes):
            order[places[sums[lane]]] = lane
            places[sums[lane]] += 1
        work = np.empty((4, longest))
        for m in range(longest):
            work[3, m] = 1
        columns = np.empty((size, slots), theta.dtype)  # their parameters
        gradients = np.empty((size, slots), theta.dtype)
        seen = np.empty((longest * inputs, slots), theta.dtype)
        done = np.empty((longest * chosen, slots), theta.dtype)
        hidden_units = np.empty((longest * hidden, slots), theta.dtype)
        last = np.empty((longest * outputs, slots), theta.dtype)  # z, and then delta
        chances = np.empty((longest * outputs, slots), theta.dtype)
        sizes, logarithms = np.empty((longest, slots)), np.empty((longest, slots))
        log_pi = np.empty((slots, longest), theta.dtype)
        factors = np.empty(longest, theta.dtype)
        factor_rows = np.empty((longest, slots), theta.dtype)
        totals, agents = np.empty(slots, np.int64), np.empty(slots, np.int64)
        for first in range(0, lanes, slots):
            mates = order[first : first + slots]
            for s in range(slots):
                totals[s] = sums[mates[s]] if s < len(mates) else 0
                agents[s] = mates[min(s, len(mates) - 1)]  # of a slot without one nothing is read
            load_all(theta, agents, columns)
            steps = max(totals[len(mates) - 1], 1)  # those with most stand last
            x, cache = seen[: steps * inputs], hidden_units[: steps * hidden]
            taken, c = done[: steps * chosen], factor_rows[:steps]
            z, p = last[: steps * outputs], chances[: steps * outputs]
            total, near = sizes[:steps], logarithms[:steps]
            clear(x, inputs, totals)
            for s in range(len(mates)):
                source, actions, lengths = observation[mates[s]], action[mates[s]], length[mates[s]]
                row = at = 0
                for b in range(len(lengths)):
                    for h in range(lengths[b]):
                        for i in range(inputs):
                            x[row + i, s] = source[b, h, i]
                        for j in range(chosen):
                            taken[at + j, s] = actions[b, h, j]
                        row += inputs
                        at += chosen
            forward(shape, columns, x, totals, cache, z)
            ready(z, p, total, near)
            if kind == WEIGHTED or options.entropy != 0.0:
                log_probability(columns, z, taken, total, near, totals, log_pi)
            for s in range(len(mates)):
                lane, own = mates[s], borrowed(factors)[: totals[s]]
                step_coefficients(
                    kind == WEIGHTED, options, reward[lane], value[lane], log_prob[lane],
                    length[lane], borrowed(log_pi)[s], borrowed(work), log_weight[lane], own,
                )  # fmt: skip
                for m in range(len(own)):
                    c[m, s] = own[m]
            for k in range(size):
                for s in range(slots):
                    gradients[k, s] = 0
            score(columns, z, taken, p, total, totals, c, gradients)
            clear(z, outputs, totals)
            backward(shape, columns, x, totals, cache, z, gradients)
            unload_all(gradients, agents, out)

    return estimate  # type: ignore[no-any-return]


def source_digest(*parts: Any) -> str:
    """Digest of the files that define `parts`: numba's cache watches only the caller's own."""
    digest = hashlib.blake2b(digest_size=16)
    inner = (part.__name__ for part in PARTS)
    for module in sorted({*inner, *(part.__module__ for part in parts)}):
        digest.update(inspect.getsource(sys.modules[module]).encode())
    return digest.hexdigest()
