"""A tanh network as the body of a policy, on matrices of M steps.

See `estimators.kernels` for the contract; θ = W₁ (in, out) row-major, b₁, W₂, b₂, …
"""

from typing import Any

import numpy as np

from fedrl.algorithms.estimators.compilation import jitable
from fedrl.algorithms.estimators.networks.abreast import ends
from fedrl.algorithms.estimators.networks.abreast import outputs as outputs
from fedrl.algorithms.estimators.networks.columns import load as load
from fedrl.algorithms.estimators.networks.product import product
from fedrl.algorithms.estimators.networks.tanh import tanh_into


@jitable
def affine(x: Any, weight: Any, bias: Any) -> Any:
    """x W + b: (M, in) -> (M, out)."""
    z = product(x, weight)
    for m in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[m, j] += bias[j]
    return z


@jitable
def forward(shape: Any, theta: Any, x: Any) -> Any:
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


@jitable
def backward(shape: Any, theta: Any, x: Any, cache: Any, delta: Any, gradient: Any) -> None:
    """gradient += ∂z/∂θᵀ delta: dW = hᵀ δ, db = Σ_m δ, δ ← (δ Wᵀ) ∘ (1 - h²)."""
    steps = len(x)
    at, filled = ends(shape, steps)
    for layer in range(len(shape) - 2, -1, -1):
        rows, columns = shape[layer], shape[layer + 1]
        at -= (rows + 1) * columns
        weight = theta[at : at + rows * columns].reshape(rows, columns)
        inputs = x
        if layer > 0:
            filled -= steps * rows
            inputs = cache[filled : filled + steps * rows].reshape(steps, rows)
        add_layer(gradient, at, product(inputs.T, delta), delta, rows, columns)
        if layer > 0:
            delta = product(delta, weight.T)
            for m in range(steps):
                for i in range(rows):
                    delta[m, i] *= 1 - inputs[m, i] * inputs[m, i]


@jitable
def add_layer(gradient: Any, at: int, product: Any, delta: Any, rows: int, columns: int) -> None:
    """gradient[W] += product, gradient[b] += Σ_m delta[m]."""
    for i in range(rows):
        for j in range(columns):
            gradient[at + i * columns + j] += product[i, j]
    at += rows * columns
    for m in range(len(delta)):
        for j in range(columns):
            gradient[at + j] += delta[m, j]


@jitable
def forward_tangent(shape: Any, theta: Any, tangent: Any, x: Any, cache: Any) -> Any:
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
            through = product(dinputs, weight)
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


@jitable
def backward_tangent(
    shape: Any, theta: Any, tangent: Any, x: Any, cache: Any, dcache: Any, delta: Any, ddelta: Any,
    gradient: Any,
) -> None:  # fmt: skip
    """Adds the derivative along `tangent` of what `backward` adds."""
    steps = len(x)
    at, filled = ends(shape, steps)
    for layer in range(len(shape) - 2, -1, -1):
        rows, columns = shape[layer], shape[layer + 1]
        at -= (rows + 1) * columns
        weight = theta[at : at + rows * columns].reshape(rows, columns)
        dweight = tangent[at : at + rows * columns].reshape(rows, columns)
        inputs = x
        if layer > 0:
            filled -= steps * rows
            inputs = cache[filled : filled + steps * rows].reshape(steps, rows)
        weights = product(inputs.T, ddelta)
        if layer > 0:
            dinputs = dcache[filled : filled + steps * rows].reshape(steps, rows)
            weights += product(dinputs.T, delta)
        add_layer(gradient, at, weights, ddelta, rows, columns)
        if layer > 0:
            dinputs = dcache[filled : filled + steps * rows].reshape(steps, rows)
            back = product(delta, weight.T)
            dback = product(ddelta, weight.T)
            dback += product(delta, dweight.T)
            for m in range(steps):
                for i in range(rows):
                    gain = 1 - inputs[m, i] * inputs[m, i]
                    dback[m, i] = dback[m, i] * gain - 2 * back[m, i] * inputs[m, i] * dinputs[m, i]
                    back[m, i] *= gain
            delta = back
            ddelta = dback
