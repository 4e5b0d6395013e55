"""Forward and backward passes of SLOTS small networks beside each other, of as many agents.

A row of SLOTS numbers, one of every agent, is one vector, so that a net of eight units fills it.
Every entry is the chain of fused multiply-adds of `networks.product`, in the same order: an agent's
numbers are those of `networks.network`, bit for bit, whoever stands beside it.

Axes: M steps of the longest, S slots. x, cache, z and delta are rows of S, step after step and unit
after unit; theta and gradient (d, S). What lies past the end of an agent's steps is 0.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic, register_jitable

from fedrl.algorithms.estimators.networks.network import SLOTS, ends
from fedrl.algorithms.estimators.networks.product import fused
from fedrl.algorithms.estimators.networks.tanh import tanh_into


@register_jitable
def forward(shape: Any, theta: Any, x: Any, totals: Any, cache: Any, z: Any) -> None:
    """Hidden activations, layer after layer, into cache, and outputs into z.

    `totals` (S,) are the steps of every agent.
    """
    steps = len(x) // shape[0]
    inputs = x
    at = filled = 0
    for layer in range(len(shape) - 1):
        rows, columns = shape[layer], shape[layer + 1]
        last = layer == len(shape) - 2
        width = columns * SLOTS
        bias = theta[at + rows * columns : at + (rows + 1) * columns].reshape(width)
        sums = z if last else np.empty((steps * columns, SLOTS), theta.dtype)
        entries = sums.reshape(sums.size)
        chains(sums, columns, inputs, rows, 1, theta, at, columns, 1, steps, rows, 0)
        for m in range(steps):
            for k in range(width):
                entries[m * width + k] += bias[k]
        if not last:
            inputs = cache[filled : filled + steps * columns]
            tanh_into(entries, inputs.reshape(sums.size))
            clear(inputs, columns, totals)
        filled += steps * columns
        at += (rows + 1) * columns


@register_jitable
def backward(
    shape: Any, theta: Any, x: Any, totals: Any, cache: Any, delta: Any, gradient: Any
) -> None:
    """gradient = ∂z/∂θᵀ delta, of a delta that is 0 past the end."""
    steps = len(x) // shape[0]
    at, filled = ends(shape, steps)
    for layer in range(len(shape) - 2, -1, -1):
        rows, columns = shape[layer], shape[layer + 1]
        at -= (rows + 1) * columns
        inputs = x
        if layer > 0:
            filled -= steps * rows
            inputs = cache[filled : filled + steps * rows]
        chains(gradient, columns, inputs, 1, rows, delta, 0, columns, 1, rows, steps, at)
        width = columns * SLOTS
        bias = gradient[at + rows * columns : at + (rows + 1) * columns].reshape(width)
        bias[:] = 0
        entries = delta.reshape(delta.size)
        for m in range(steps):
            for k in range(width):
                bias[k] += entries[m * width + k]
        if layer > 0:
            back = np.empty((steps * rows, SLOTS), theta.dtype)
            chains(back, rows, delta, columns, 1, theta, at, 1, columns, steps, columns, 0)
            entries, hidden = back.reshape(back.size), inputs.reshape(back.size)
            for k in range(len(entries)):
                entries[k] *= 1 - hidden[k] * hidden[k]
            clear(back, rows, totals)
            delta = back


@register_jitable
def clear(matrix: Any, width: int, totals: Any) -> None:
    """Zeros past the end of every agent's steps: even an infinite weight then adds nothing."""
    for s in range(SLOTS):
        for row in range(totals[s] * width, len(matrix)):
            matrix[row, s] = 0


def chain(columns: int) -> Any:
    """A compiled (out, o, down, a, i, line, step, b, j, over, beside, lines, count).

    out[o + l down + c] = Σ_k a[i + l line + k step] ∘ b[j + k over + c beside] for l < lines and
    c < columns, k < count: one chain per entry.
    """
    integer = types.intp

    @intrinsic
    def into(
        typing_context: Any, out: Any, o: Any, down: Any, a: Any, i: Any, line: Any, step: Any,
        b: Any, j: Any, over: Any, beside: Any, lines: Any, count: Any,
    ) -> Any:  # fmt: skip
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            entry, whole = context.get_data_type(out.dtype), arguments[1].type
            align, vector = context.get_abi_sizeof(entry), ir.VectorType(entry, SLOTS)
            zero, one, size = (ir.Constant(whole, number) for number in (0, 1, SLOTS))
            _, o, down, _, i, line, step, _, j, over, beside, lines, count = arguments

            def row(which: int, first: Any) -> Any:
                array = context.make_array(signature.args[which])
                data = array(context, builder, arguments[which]).data
                at = builder.gep(data, [builder.mul(first, size)])
                return builder.bitcast(at, vector.as_pointer())

            def loop(name: str) -> tuple[Any, Any, Any]:
                before = builder.block
                body, after = (builder.append_basic_block(name + part) for part in ("", "_after"))
                builder.branch(body)
                builder.position_at_end(body)
                return before, body, after

            def phis(before: Any, first: Any) -> Any:
                found = [builder.phi(start.type) for start in first]
                for phi, start in zip(found, first, strict=True):
                    phi.add_incoming(start, before)
                return found

            def again(body: Any, after: Any, found: Any, moved: Any, end: Any) -> None:
                for phi, value in zip(found, moved, strict=True):
                    phi.add_incoming(value, builder.block)
                builder.cbranch(builder.icmp_signed("<", moved[0], end), body, after)
                builder.position_at_end(after)

            before, outer, done = loop("line")
            lined = phis(before, [zero, o, i])
            before, inner, summed = loop("chain")
            nothing = [ir.Constant(vector, None)] * columns
            k, left, right, *sums = counters = phis(before, [zero, lined[2], j, *nothing])
            factor, added, at = builder.load(row(3, left), align=align), [], right
            for total in sums:
                added.append(fused(builder, factor, builder.load(row(7, at), align=align), total))
                at = builder.add(at, beside)
            moved = [builder.add(*pair) for pair in ((k, one), (left, step), (right, over))]
            again(inner, summed, counters, [*moved, *added], count)
            place = lined[1]
            for total in added:
                builder.store(total, row(0, place), align=align)
                place = builder.add(place, one)
            moved = [builder.add(*pair) for pair in zip(lined, (one, down, line), strict=True)]
            again(outer, done, lined, moved, lines)
            return context.get_dummy_value()

        rest = (integer,) * 2
        arguments = (out, *rest, a, *rest, integer, b, *rest, integer, *rest)
        return types.void(*arguments), build

    return into


eight, four, two, single = (chain(columns) for columns in (8, 4, 2, 1))


@register_jitable
def _chains(
    out: Any, down: int, a: Any, line: int, step: int, b: Any, j: int, over: int, beside: int,
    lines: int, count: int, o: int,
) -> None:  # fmt: skip
    c, columns = 0, down
    while c + 8 <= columns:
        eight(out, o + c, down, a, 0, line, step, b, j + c * beside, over, beside, lines, count)
        c += 8
    if c + 4 <= columns:
        four(out, o + c, down, a, 0, line, step, b, j + c * beside, over, beside, lines, count)
        c += 4
    if c + 2 <= columns:
        two(out, o + c, down, a, 0, line, step, b, j + c * beside, over, beside, lines, count)
        c += 2
    if c < columns:
        single(out, o + c, down, a, 0, line, step, b, j + c * beside, over, beside, lines, count)


def _interpreted(
    out: Any, down: int, a: Any, line: int, step: int, b: Any, j: int, over: int, beside: int,
    lines: int, count: int, o: int,
) -> None:  # fmt: skip
    k = np.arange(count)
    for place in range(lines):
        for c in range(down):
            factors = a[place * line + k * step] * b[j + k * over + c * beside]
            out[o + place * down + c] = factors.sum(0)


chains: Any = _interpreted if config.DISABLE_JIT else _chains  # type: ignore[attr-defined]
chains.__doc__ = """out[o + l down + c] = Σ_k a[l line + k step] ∘ b[j + k over + c beside].

l < lines, c < down, k < count.
"""
