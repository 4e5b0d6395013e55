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
from numba.extending import intrinsic

from fedrl.algorithms.estimators.compilation import jitable
from fedrl.algorithms.estimators.networks.borrowed import borrowed, entries
from fedrl.algorithms.estimators.networks.columns import SLOTS
from fedrl.algorithms.estimators.networks.product import fused
from fedrl.algorithms.estimators.networks.tanh import tanh_into


@jitable
def ends(shape: Any, steps: int) -> Any:
    """Where the parameters and the cache end: the backward passes walk them from there."""
    parameters = 0
    cached = 0
    for layer in range(len(shape) - 1):
        parameters += (shape[layer] + 1) * shape[layer + 1]
        if layer > 0:
            cached += steps * shape[layer]
    return parameters, cached


@jitable
def outputs(shape: Any, theta: Any, lanes: Any, columns: Any, x: Any, scratch: Any, z: Any) -> None:
    """z (out, SLOTS) of one observation x (o, SLOTS) of every slot; scratch: (2, widest, SLOTS).

    Sums begin with the bias and are rounded after every product and every sum, unlike `forward`'s.
    """
    x, scratch, z = borrowed(x), borrowed(scratch), borrowed(z)
    half = scratch.size // 2
    inputs, sums = entries(x, 0, x.size), entries(scratch, 0, half)
    at = 0
    for layer in range(len(shape) - 1):
        rows, width = shape[layer], shape[layer + 1]
        if layer == len(shape) - 2:
            sums = entries(z, 0, z.size)
        rounded(sums, width, inputs, 0, 1, columns, at, width, 1, 1, rows, 0)
        at += (rows + 1) * width
        if layer < len(shape) - 2:
            # Into another place: were it the same one, LLVM's vectors would be left for scalars.
            size = width * SLOTS
            tanh_into(entries(scratch, 0, size), entries(scratch, half, size))
            inputs = entries(scratch, half, half)


@jitable
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
        sums = z if last else np.empty((steps * columns, SLOTS), theta.dtype)
        affine(sums, columns, inputs, rows, 1, theta, at, columns, 1, steps, rows, 0)
        if not last:
            inputs, size = cache[filled : filled + steps * columns], sums.size
            tanh_into(entries(sums, 0, size), entries(inputs, 0, size))
            clear(inputs, columns, totals)
        filled += steps * columns
        at += (rows + 1) * columns


@jitable
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
        products(gradient, columns, inputs, 1, rows, delta, 0, columns, 1, rows, steps, at)
        bias = at + rows * columns
        totals_of(gradient, columns, delta, 0, 0, delta, 0, columns, 1, 1, steps, bias)
        if layer > 0:
            back = np.empty((steps * rows, SLOTS), theta.dtype)
            products(back, rows, delta, columns, 1, theta, at, 1, columns, steps, columns, 0)
            flat, hidden = entries(back, 0, back.size), entries(inputs, 0, back.size)
            for k in range(len(flat)):
                flat[k] *= 1 - hidden[k] * hidden[k]
            clear(back, rows, totals)
            delta = back


@jitable
def clear(matrix: Any, width: int, totals: Any) -> None:
    """Zeros past the end of every agent's steps: even an infinite weight then adds nothing."""
    for s in range(SLOTS):
        for row in range(totals[s] * width, len(matrix)):
            matrix[row, s] = 0


PRODUCTS, AFFINE, ROUNDED, TOTALS = range(4)


def not_unrolled(module: Any) -> Any:
    """Metadata of a loop that LLVM shall not unroll: most are short, and wait for sums anyway."""
    flag = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    node = ir.values.MDValue(module, [flag], name=str(len(module.metadata)))
    node.operands = (node, flag)  # a loop's node names itself first
    return node


def chain(kind: int, columns: int, tile: int) -> Any:
    """A compiled (out, o, down, a, i, line, step, b, j, over, beside, lines, count).

    PRODUCTS: out[o + l down + c] = Σ_k a[i + l line + k step] ∘ b[j + k over + c beside] for
    l < lines, c < columns and k < count, one chain of fused multiply-adds per entry. AFFINE: the
    row of b after the last k is added in the end; ROUNDED: it is what the chain begins with, and
    products are rounded before they are added. TOTALS: Σ_k b alone. `tile` lines at a time wait
    less for each other's sums, and read b once.
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
                jump = builder.cbranch(builder.icmp_signed("<", moved[0], end), body, after)
                jump.set_metadata("llvm.loop", not_unrolled(builder.module))
                builder.position_at_end(after)

            def beside_each_other(at: Any) -> list[Any]:
                found = []
                for _ in range(columns):
                    found.append(builder.load(row(7, at), align=align))
                    at = builder.add(at, beside)
                return found

            def lines_from(begin: Any, end: Any, size: int) -> None:
                place = builder.add(o, builder.mul(begin, down))
                first = builder.add(i, builder.mul(begin, line))
                before, outer, done = loop("line")
                lined = phis(before, [begin, place, first])
                began = [ir.Constant(vector, None)] * (columns * size)
                if kind == ROUNDED:
                    began = beside_each_other(builder.add(j, builder.mul(count, over))) * size
                before, inner, summed = loop("chain")
                k, left, right, *sums = counters = phis(before, [zero, lined[2], j, *began])
                moved = [builder.add(*pair) for pair in ((k, one), (left, step), (right, over))]
                others, added = beside_each_other(right), []
                for own in range(0, len(sums), columns):
                    factor = None if kind == TOTALS else builder.load(row(3, left), align=align)
                    left = builder.add(left, line)
                    for other, total in zip(others, sums[own : own + columns], strict=True):
                        if kind == TOTALS:
                            added.append(builder.fadd(total, other))
                        elif kind == ROUNDED:
                            added.append(builder.fadd(total, builder.fmul(factor, other)))
                        else:
                            added.append(fused(builder, factor, other, total))
                again(inner, summed, counters, [*moved, *added], count)
                if kind == AFFINE:
                    added = list(map(builder.fadd, added, beside_each_other(moved[2]) * size))
                _, place, first = lined
                for own in range(0, len(added), columns):
                    for c, total in enumerate(added[own : own + columns]):
                        at = builder.add(place, ir.Constant(whole, c))
                        builder.store(total, row(0, at), align=align)
                    place, first = builder.add(place, down), builder.add(first, line)
                following = builder.add(lined[0], ir.Constant(whole, size))
                again(outer, done, lined, [following, place, first], end)

            rest = builder.srem(lines, ir.Constant(whole, tile))
            tiled = builder.sub(lines, rest)
            with builder.if_then(builder.icmp_signed(">", tiled, zero)):
                lines_from(zero, tiled, tile)
            with builder.if_then(builder.icmp_signed(">", rest, zero)):
                lines_from(tiled, lines, 1)
            return context.get_dummy_value()

        rest = (integer,) * 2
        arguments = (out, *rest, a, *rest, integer, b, *rest, integer, *rest)
        return types.void(*arguments), build

    return into


def chains(kind: int) -> Any:
    """A compiled (out, down, a, line, step, b, j, over, beside, lines, count, o), i = 0.

    `down` columns, eight at a time.
    """
    eight, four, two, single = (
        chain(kind, c, tile) for c, tile in ((8, 2), (4, 2), (2, 4), (1, 8))
    )

    def run(
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
            single(
                out, o + c, down, a, 0, line, step, b, j + c * beside, over, beside, lines, count
            )

    def interpreted(
        out: Any, down: int, a: Any, line: int, step: int, b: Any, j: int, over: int, beside: int,
        lines: int, count: int, o: int,
    ) -> None:  # fmt: skip
        out, a, b = (part.reshape(-1, SLOTS) for part in (out, a, b))
        k = np.arange(count)
        for place in range(lines):
            for c in range(down):
                rows = b[j + k * over + c * beside]
                total = (rows if kind == TOTALS else a[place * line + k * step] * rows).sum(0)
                if kind in (AFFINE, ROUNDED):
                    total = total + b[j + count * over + c * beside]
                out[o + place * down + c] = total

    # Of compiled functions with one name and the same types of arguments, loaded from files of two
    # processes, the linker keeps one for all.
    run.__qualname__ = f"chains_{kind}"
    return interpreted if config.DISABLE_JIT else jitable(run)  # type: ignore[attr-defined]


products, affine, rounded, totals_of = map(chains, (PRODUCTS, AFFINE, ROUNDED, TOTALS))
