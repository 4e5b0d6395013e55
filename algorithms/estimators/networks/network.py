"""A tanh network as the body of a policy, on matrices of M steps.

See `estimators.kernels` for the contract; θ = W₁ (in, out) row-major, b₁, W₂, b₂, …
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic, register_jitable

from fedrl.algorithms.estimators.networks.product import product
from fedrl.algorithms.estimators.networks.tanh import tanh_into

SLOTS = 8  # episodes played beside each other: a vector register of float32


@register_jitable
def affine(x: Any, weight: Any, bias: Any) -> Any:
    """x W + b: (M, in) -> (M, out)."""
    z = product(x, weight)
    for m in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[m, j] += bias[j]
    return z


@register_jitable
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


@register_jitable
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


@register_jitable
def ends(shape: Any, steps: int) -> Any:
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


@register_jitable
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


@register_jitable
def load(theta: Any, columns: Any, slot: int) -> None:
    """columns[:, slot] = θ: parameters of episodes that are played beside each other."""
    for k in range(len(columns)):
        columns[k, slot] = theta[k]


@register_jitable
def outputs(shape: Any, theta: Any, lanes: Any, columns: Any, x: Any, scratch: Any, z: Any) -> None:
    """z (SLOTS, out) of one observation x (o, SLOTS) of every slot; scratch: (2, widest, SLOTS).

    A row of SLOTS numbers is one vector, and the long chains of `tanh_into` overlap.
    """
    inputs, sums = x, scratch[0]
    at = 0
    for layer in range(len(shape) - 1):
        rows, width = shape[layer], shape[layer + 1]
        bias = at + rows * width
        for j in range(width):
            for s in range(SLOTS):
                sums[j, s] = columns[bias + j, s]
            for i in range(rows):
                add_scaled(sums, j, inputs, i, columns, at + i * width + j)
        at = bias + width
        if layer < len(shape) - 2:
            # Into another place: were it the same one, LLVM's vectors would be left for scalars.
            size = width * SLOTS
            tanh_into(sums.reshape(sums.size)[:size], scratch[1].reshape(sums.size)[:size])
            inputs = scratch[1]
    for j in range(shape[len(shape) - 1]):
        for s in range(SLOTS):
            z[s, j] = sums[j, s]


@intrinsic
def _add_scaled(typing_context: Any, out: Any, j: Any, a: Any, i: Any, b: Any, k: Any) -> Any:
    """out[j] += a[i] ∘ b[k], rows of SLOTS numbers each of contiguous matrices, as one vector.

    Written for LLVM, which unrolls so short a loop before it looks for vectors.
    """

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(context.get_data_type(out.dtype), SLOTS)

        def row(place: int) -> Any:
            matrix = context.make_array(signature.args[place])(context, builder, arguments[place])
            number = context.cast(
                builder, arguments[place + 1], signature.args[place + 1], types.intp
            )
            first = builder.mul(number, ir.Constant(number.type, SLOTS))
            return builder.bitcast(builder.gep(matrix.data, [first]), vector.as_pointer())

        places = [row(place) for place in (0, 2, 4)]
        align = context.get_abi_sizeof(context.get_data_type(out.dtype))
        sums, one, two = (builder.load(place, align=align) for place in places)
        builder.store(builder.fadd(sums, builder.fmul(one, two)), places[0], align=align)
        return context.get_dummy_value()

    return types.void(out, j, a, i, b, k), build


def _interpreted(out: Any, j: Any, a: Any, i: Any, b: Any, k: Any) -> None:
    out[j] += a[i] * b[k]


add_scaled: Any = _interpreted if config.DISABLE_JIT else _add_scaled  # type: ignore[attr-defined]
