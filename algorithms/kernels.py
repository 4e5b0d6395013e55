"""The policies' log-probabilities and their derivatives, written out for numba.

A policy is a *body* (observation -> z: table or tanh network) and a *head* (z -> log π:
categorical or Gaussian). All functions take the M steps an agent really took, as matrices; nothing
is padded. Each is tested against `algorithms.policy` and automatic differentiation to 1e-12.

Axes: L lanes (agents), B episodes, T steps, M steps taken by one agent, d parameters.
`theta`, `tangent`, `gradient` are flat (d,); `delta` is ∂(Σ c log π)/∂z.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.extending import register_jitable

PLAIN, WEIGHTED, CURVATURE = 0, 1, 2
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


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


# --- table -------------------------------------------------------------------------------------


@register_jitable
def table_forward(shape: Any, theta: Any, x: Any) -> Any:
    """z[m] = θ[s_m]; nothing to cache."""
    z = np.empty((len(x), shape[1]), theta.dtype)
    for m in range(len(x)):
        row = int(x[m, 0]) * shape[1]
        for j in range(shape[1]):
            z[m, j] = theta[row + j]
    return np.empty(0, theta.dtype), z


@register_jitable
def table_backward(shape: Any, theta: Any, x: Any, cache: Any, delta: Any, gradient: Any) -> None:
    """gradient[s_m] += delta[m]."""
    for m in range(len(x)):
        row = int(x[m, 0]) * shape[1]
        for j in range(shape[1]):
            gradient[row + j] += delta[m, j]


@register_jitable
def table_forward_tangent(shape: Any, theta: Any, tangent: Any, x: Any, cache: Any) -> Any:
    """ż[m] = tangent[s_m]: z is linear in θ."""
    return table_forward(shape, tangent, x)


@register_jitable
def table_backward_tangent(
    shape: Any, theta: Any, tangent: Any, x: Any, cache: Any, dcache: Any, delta: Any, ddelta: Any,
    gradient: Any,
) -> None:  # fmt: skip
    """gradient[s_m] += ddelta[m]."""
    table_backward(shape, theta, x, cache, ddelta, gradient)


@register_jitable
def table_output(shape: Any, theta: Any, observation: Any, scratch: Any) -> Any:
    """z of one observation."""
    row = int(observation[0]) * shape[1]
    return theta[row : row + shape[1]]


# --- tanh network: θ = W₁ (in, out) row-major, b₁, W₂, b₂, … --------------------------------------


@register_jitable(error_model="numpy")  # no test for division by zero inside the loop
def tanh_into(z: Any, out: Any) -> None:
    """out = tanh z for contiguous vectors, within 1e-14, five times faster than the C library's.

    tanh x = e / (e + 2) with e = exp(2x) - 1: a Taylor polynomial of 2x/64, then six times
    exp(2y) - 1 = e (e + 2). Only sums, products and one quotient: LLVM turns the loop into vector
    instructions, and the bits are the same on every machine that rounds as IEEE 754 asks.
    """
    for i in range(len(z)):
        y = z[i] * 0.03125
        y = 0.6875 if y > 0.6875 else y  # |z| > 22: tanh is ±1 in double precision
        y = -0.6875 if y < -0.6875 else y  # written so that NaN stays NaN
        e = 1 / 1307674368000.0
        e = 1 / 87178291200.0 + y * e
        e = 1 / 6227020800.0 + y * e
        e = 1 / 479001600.0 + y * e
        e = 1 / 39916800.0 + y * e
        e = 1 / 3628800.0 + y * e
        e = 1 / 362880.0 + y * e
        e = 1 / 40320.0 + y * e
        e = 1 / 5040.0 + y * e
        e = 1 / 720.0 + y * e
        e = 1 / 120.0 + y * e
        e = 1 / 24.0 + y * e
        e = 1 / 6.0 + y * e
        e = 0.5 + y * e
        e = y + y * y * e
        e = e * (e + 2)
        e = e * (e + 2)
        e = e * (e + 2)
        e = e * (e + 2)
        e = e * (e + 2)
        e = e * (e + 2)
        out[i] = e / (e + 2)


@register_jitable
def affine(x: Any, weight: Any, bias: Any) -> Any:
    """x W + b: (M, in) -> (M, out)."""
    z = np.dot(x, weight)
    for m in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[m, j] += bias[j]
    return z


@register_jitable
def network_forward(shape: Any, theta: Any, x: Any) -> Any:
    """Hidden activations, layer after layer in one buffer, and the outputs z (M, out)."""
    hidden = 0
    for layer in range(1, len(shape) - 1):
        hidden += shape[layer]
    steps = len(x)
    cache = np.empty(steps * hidden, theta.dtype)
    inputs = x
    at = 0
    filled = 0
    for layer in range(len(shape) - 2):
        rows, columns = shape[layer], shape[layer + 1]
        weight = theta[at : at + rows * columns].reshape(rows, columns)
        at += rows * columns
        z = affine(inputs, weight, theta[at : at + columns])
        at += columns
        inputs = cache[filled : filled + steps * columns].reshape(steps, columns)
        filled += steps * columns
        tanh_into(z.reshape(steps * columns), cache[filled - steps * columns : filled])
    rows, columns = shape[len(shape) - 2], shape[len(shape) - 1]
    weight = theta[at : at + rows * columns].reshape(rows, columns)
    at += rows * columns
    return cache, affine(inputs, weight, theta[at : at + columns])


@register_jitable
def network_backward(shape: Any, theta: Any, x: Any, cache: Any, delta: Any, gradient: Any) -> None:
    """gradient += ∂z/∂θᵀ delta: dW = hᵀ δ, db = Σ_m δ, δ ← (δ Wᵀ) ∘ (1 - h²)."""
    steps = len(x)
    at, filled = network_ends(shape, steps)
    for layer in range(len(shape) - 2, -1, -1):
        rows, columns = shape[layer], shape[layer + 1]
        at -= (rows + 1) * columns
        weight = theta[at : at + rows * columns].reshape(rows, columns)
        inputs = x
        if layer > 0:
            filled -= steps * rows
            inputs = cache[filled : filled + steps * rows].reshape(steps, rows)
        add_layer(gradient, at, np.dot(inputs.T, delta), delta, rows, columns)
        if layer > 0:
            delta = np.dot(delta, weight.T)
            for m in range(steps):
                for i in range(rows):
                    delta[m, i] *= 1 - inputs[m, i] * inputs[m, i]


@register_jitable
def network_ends(shape: Any, steps: int) -> Any:
    """Where the parameters and the cache end: the backward passes walk them from there."""
    parameters = 0
    cached = 0
    for layer in range(len(shape) - 1):
        parameters += (shape[layer] + 1) * shape[layer + 1]
        if layer > 0:
            cached += steps * shape[layer]
    return parameters, cached


@register_jitable
def add_layer(gradient: Any, at: int, product: Any, delta: Any, rows: int, columns: int) -> None:
    """gradient[W] += product, gradient[b] += Σ_m delta[m]."""
    for i in range(rows):
        for j in range(columns):
            gradient[at + i * columns + j] += product[i, j]
    at += rows * columns
    for m in range(len(delta)):
        for j in range(columns):
            gradient[at + j] += delta[m, j]


@register_jitable
def network_forward_tangent(shape: Any, theta: Any, tangent: Any, x: Any, cache: Any) -> Any:
    """Derivatives of cache and z along `tangent`: ż = ẋ W + x Ẇ + ḃ, ḣ = (1 - h²) ż."""
    steps = len(x)
    dcache = np.empty_like(cache)
    inputs = x
    dinputs = np.zeros_like(x)
    at = 0
    filled = 0
    for layer in range(len(shape) - 1):
        rows, columns = shape[layer], shape[layer + 1]
        weight = theta[at : at + rows * columns].reshape(rows, columns)
        dweight = tangent[at : at + rows * columns].reshape(rows, columns)
        at += rows * columns
        dz = affine(inputs, dweight, tangent[at : at + columns])
        at += columns
        if layer > 0:
            through = np.dot(dinputs, weight)
            for m in range(steps):
                for j in range(columns):
                    dz[m, j] += through[m, j]
        if layer == len(shape) - 2:
            break
        inputs = cache[filled : filled + steps * columns].reshape(steps, columns)
        dinputs = dcache[filled : filled + steps * columns].reshape(steps, columns)
        filled += steps * columns
        for m in range(steps):
            for j in range(columns):
                dinputs[m, j] = (1 - inputs[m, j] * inputs[m, j]) * dz[m, j]
    return dcache, dz


@register_jitable
def network_backward_tangent(
    shape: Any, theta: Any, tangent: Any, x: Any, cache: Any, dcache: Any, delta: Any, ddelta: Any,
    gradient: Any,
) -> None:  # fmt: skip
    """Adds the derivative along `tangent` of what `network_backward` adds."""
    steps = len(x)
    at, filled = network_ends(shape, steps)
    for layer in range(len(shape) - 2, -1, -1):
        rows, columns = shape[layer], shape[layer + 1]
        at -= (rows + 1) * columns
        weight = theta[at : at + rows * columns].reshape(rows, columns)
        dweight = tangent[at : at + rows * columns].reshape(rows, columns)
        inputs = x
        if layer > 0:
            filled -= steps * rows
            inputs = cache[filled : filled + steps * rows].reshape(steps, rows)
        product = np.dot(inputs.T, ddelta)
        if layer > 0:
            dinputs = dcache[filled : filled + steps * rows].reshape(steps, rows)
            product += np.dot(dinputs.T, delta)
        add_layer(gradient, at, product, ddelta, rows, columns)
        if layer > 0:
            dinputs = dcache[filled : filled + steps * rows].reshape(steps, rows)
            back = np.dot(delta, weight.T)
            dback = np.dot(ddelta, weight.T)
            dback += np.dot(delta, dweight.T)
            for m in range(steps):
                for i in range(rows):
                    gain = 1 - inputs[m, i] * inputs[m, i]
                    dback[m, i] = dback[m, i] * gain - 2 * back[m, i] * inputs[m, i] * dinputs[m, i]
                    back[m, i] *= gain
            delta = back
            ddelta = dback


@register_jitable
def network_output(shape: Any, theta: Any, observation: Any, scratch: Any) -> Any:
    """z of one observation; scratch: (2, widest layer)."""
    inputs = observation
    at = 0
    for layer in range(len(shape) - 1):
        rows, columns = shape[layer], shape[layer + 1]
        z = scratch[layer % 2, :columns]
        bias = at + rows * columns
        for j in range(columns):
            z[j] = theta[bias + j]
        for i in range(rows):
            for j in range(columns):
                z[j] += inputs[i] * theta[at + i * columns + j]
        at = bias + columns
        if layer < len(shape) - 2:
            tanh_into(z, z)
        inputs = z
    return inputs


# --- categorical head: log π(a) = z_a - log Σ exp z ----------------------------------------------


@register_jitable
def softmax(z: Any, out: Any) -> float:
    """Writes the probabilities; returns log Σ exp z."""
    highest = z[0]
    for j in range(1, len(z)):
        highest = max(highest, z[j])
    total = 0.0
    for j in range(len(z)):
        out[j] = math.exp(z[j] - highest)
        total += out[j]
    for j in range(len(z)):
        out[j] /= total
    return highest + math.log(total)


@register_jitable
def categorical_log_prob(theta: Any, z: Any, action: Any) -> Any:
    """z_a - log Σ exp z of every step."""
    value = np.empty(len(z), theta.dtype)
    scratch = np.empty(z.shape[1], theta.dtype)
    for m in range(len(z)):
        value[m] = z[m, int(action[m, 0])] - softmax(z[m], scratch)
    return value


@register_jitable
def categorical_score(theta: Any, z: Any, action: Any, c: Any, delta: Any, gradient: Any) -> None:
    """delta = c (e_a - p)."""
    for m in range(len(z)):
        softmax(z[m], delta[m])
        for j in range(z.shape[1]):
            delta[m, j] *= -c[m]
        delta[m, int(action[m, 0])] += c[m]


@register_jitable
def categorical_slope(theta: Any, tangent: Any, z: Any, dz: Any, action: Any) -> Any:
    """ż_a - ⟨p, ż⟩."""
    value = np.empty(len(z), theta.dtype)
    p = np.empty(z.shape[1], theta.dtype)
    for m in range(len(z)):
        softmax(z[m], p)
        mean = 0.0
        for j in range(z.shape[1]):
            mean += p[j] * dz[m, j]
        value[m] = dz[m, int(action[m, 0])] - mean
    return value


@register_jitable
def categorical_score_tangent(
    theta: Any, tangent: Any, z: Any, dz: Any, action: Any, c: Any, ddelta: Any, gradient: Any
) -> None:
    """ddelta = -c p ∘ (ż - ⟨p, ż⟩)."""
    p = np.empty(z.shape[1], theta.dtype)
    for m in range(len(z)):
        softmax(z[m], p)
        mean = 0.0
        for j in range(z.shape[1]):
            mean += p[j] * dz[m, j]
        for j in range(z.shape[1]):
            ddelta[m, j] = -c[m] * p[j] * (dz[m, j] - mean)


@register_jitable
def categorical_act(theta: Any, z: Any, uniform: Any, action: Any) -> float:
    """Inverse-CDF draw from softmax z with one uniform number."""
    highest = z[0]
    for j in range(1, len(z)):
        highest = max(highest, z[j])
    total = 0.0
    for j in range(len(z)):
        total += math.exp(z[j] - highest)
    remaining = uniform[0] * total
    choice = len(z) - 1
    for j in range(len(z)):
        remaining -= math.exp(z[j] - highest)
        if remaining < 0.0:
            choice = j
            break
    action[0] = choice
    return z[choice] - highest - math.log(total)


# --- Gaussian head: log π(a) = Σ_j -½ ((a-z) e^{-ℓ})² - ℓ - ½ log 2π, ℓ the last entries of θ


@register_jitable
def gaussian_log_prob(theta: Any, z: Any, action: Any) -> Any:
    """Log density of every step's action."""
    value = np.empty(len(z), theta.dtype)
    size = z.shape[1]
    log_std = theta[len(theta) - size :]
    for m in range(len(z)):
        total = 0.0
        for j in range(size):
            error = (action[m, j] - z[m, j]) * math.exp(-log_std[j])
            total += -0.5 * error * error - log_std[j] - HALF_LOG_2PI
        value[m] = total
    return value


@register_jitable
def gaussian_score(theta: Any, z: Any, action: Any, c: Any, delta: Any, gradient: Any) -> None:
    """delta = c (a - z) / σ²; gradient of ℓ: c ((a - z)² / σ² - 1)."""
    size = z.shape[1]
    tail = len(theta) - size
    for j in range(size):
        precision = math.exp(-2 * theta[tail + j])
        total = 0.0
        for m in range(len(z)):
            error = action[m, j] - z[m, j]
            delta[m, j] = c[m] * error * precision
            total += c[m] * (error * error * precision - 1)
        gradient[tail + j] += total


@register_jitable
def gaussian_slope(theta: Any, tangent: Any, z: Any, dz: Any, action: Any) -> Any:
    """Σ_j (a - z) ż / σ² + ((a - z)² / σ² - 1) ℓ̇."""
    value = np.zeros(len(z), theta.dtype)
    size = z.shape[1]
    tail = len(theta) - size
    for j in range(size):
        precision = math.exp(-2 * theta[tail + j])
        for m in range(len(z)):
            error = action[m, j] - z[m, j]
            value[m] += error * dz[m, j] * precision
            value[m] += (error * error * precision - 1) * tangent[tail + j]
    return value


@register_jitable
def gaussian_score_tangent(
    theta: Any, tangent: Any, z: Any, dz: Any, action: Any, c: Any, ddelta: Any, gradient: Any
) -> None:
    """Derivative of `gaussian_score` along the tangent."""
    size = z.shape[1]
    tail = len(theta) - size
    for j in range(size):
        precision = math.exp(-2 * theta[tail + j])
        stretch = tangent[tail + j]
        total = 0.0
        for m in range(len(z)):
            error = action[m, j] - z[m, j]
            ddelta[m, j] = -c[m] * precision * (dz[m, j] + 2 * error * stretch)
            total -= 2 * c[m] * precision * error * (dz[m, j] + error * stretch)
        gradient[tail + j] += total


@register_jitable
def gaussian_act(theta: Any, z: Any, uniform: Any, action: Any) -> float:
    """a = z + σ ε, ε by Box-Muller from two uniform numbers an entry."""
    total = 0.0
    tail = len(theta) - len(z)
    for j in range(len(z)):
        radius = math.sqrt(-2 * math.log(1 - uniform[2 * j]))
        normal = radius * math.cos(2 * math.pi * uniform[2 * j + 1])
        action[j] = z[j] + math.exp(theta[tail + j]) * normal
        total += -0.5 * normal * normal - theta[tail + j] - HALF_LOG_2PI
    return total


# --- policies -----------------------------------------------------------------------------------

TABLE = Body(
    table_forward, table_backward, table_forward_tangent, table_backward_tangent, table_output
)
NETWORK = Body(
    network_forward,
    network_backward,
    network_forward_tangent,
    network_backward_tangent,
    network_output,
)
CATEGORICAL = Head(
    categorical_log_prob,
    categorical_score,
    categorical_slope,
    categorical_score_tangent,
    categorical_act,
)
GAUSSIAN = Head(
    gaussian_log_prob, gaussian_score, gaussian_slope, gaussian_score_tangent, gaussian_act
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

    @njit(cache=True, nogil=True)
    def estimate(  # type: ignore[no-untyped-def]
        kind, shape, discount, cap,
        theta, vector, observation, action, reward, log_prob, length, out,
    ):  # fmt: skip
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


def actor(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """(output, act) of the policy class `name`, to be compiled into a rollout."""
    body, head = POLICIES[name]
    return body.output, head.act
