"""Products of matrices whose bits are the same on every processor.

An entry is one chain of fused multiply-adds, from 0 and in the order of the inner index, whatever
stands beside it; libraries of linear algebra order their sums by processor and by shape. Rows of
`WIDE` or `NARROW` columns are vectors in LLVM's own words, eight or four of them side by side.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic

from fedrl.algorithms.estimators.compilation import jitable

WIDE, NARROW = 16, 8  # columns of a vector


def tile(rows: int, width: int) -> Callable[..., None]:
    """A compiled (a, i, b, j, out): out[i : i + rows, j : j + width] = (a b) there.

    a (M, K) may have any strides; rows of b (K, N) and of out (M, N) are contiguous.
    """

    @intrinsic
    def into(typing_context: Any, a: Any, i: Any, b: Any, j: Any, out: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            arrays = [
                context.make_array(signature.args[n])(context, builder, arguments[n])
                for n in (0, 2, 4)
            ]
            left, right, result = arrays
            entry, whole = context.get_data_type(a.dtype), arguments[1].type
            align, vector = context.get_abi_sizeof(entry), ir.VectorType(entry, width)
            number, byte = (lambda n: ir.Constant(whole, n)), ir.IntType(8).as_pointer()

            def stride(array: Any, axis: int) -> Any:
                return builder.extract_value(array.strides, axis)

            def place(array: Any, row: Any, column: Any) -> Any:
                parts = (row, stride(array, 0)), (column, stride(array, 1))
                offset = builder.add(*(builder.mul(*part) for part in parts))
                return builder.gep(builder.bitcast(array.data, byte), [offset])

            chosen = [builder.add(arguments[1], number(row)) for row in range(rows)]
            lines = [place(left, row, number(0)) for row in chosen]
            column = place(right, number(0), arguments[3])
            steps = (number(1), stride(left, 1), stride(right, 0))
            before = builder.block
            loop, after = (builder.append_basic_block(name) for name in ("chain", "chained"))
            builder.branch(loop)
            builder.position_at_end(loop)
            counters = [builder.phi(whole) for _ in steps]  # k, and both offsets in bytes
            sums = [builder.phi(vector) for _ in chosen]
            at = builder.bitcast(builder.gep(column, [counters[2]]), vector.as_pointer())
            entries, added = builder.load(at, align=align), []
            for line, total in zip(lines, sums, strict=True):
                one = builder.bitcast(builder.gep(line, [counters[1]]), entry.as_pointer())
                added.append(
                    fused(builder, spread(builder, builder.load(one), vector), entries, total)
                )
            moved = [builder.add(c, step) for c, step in zip(counters, steps, strict=True)]
            first = [*[number(0)] * len(steps), *[ir.Constant(vector, None)] * rows]
            for phi, start, again in zip([*counters, *sums], first, [*moved, *added], strict=True):
                phi.add_incoming(start, before)
                phi.add_incoming(again, loop)
            inner = builder.extract_value(left.shape, 1)
            builder.cbranch(builder.icmp_signed("<", moved[0], inner), loop, after)
            builder.position_at_end(after)
            for row, total in zip(chosen, added, strict=True):
                target = builder.bitcast(place(result, row, arguments[3]), vector.as_pointer())
                builder.store(total, target, align=align)
            return context.get_dummy_value()

        return types.void(a, i, b, j, out), build

    return into  # type: ignore[no-any-return]


def spread(builder: Any, number: Any, vector: Any) -> Any:
    """A vector of equal entries."""
    nothing, integer = ir.Constant(vector, ir.Undefined), ir.IntType(32)
    one = builder.insert_element(nothing, number, ir.Constant(integer, 0))
    zeros = ir.Constant(ir.VectorType(integer, vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, nothing, zeros)


def fused(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """a b + c, rounded once."""
    bits = 64 if isinstance(a.type.element, ir.DoubleType) else 32
    name = f"llvm.fma.v{a.type.count}f{bits}"
    kind, module = ir.FunctionType(a.type, [a.type] * 3), builder.module
    known = module.globals.get(name) or ir.Function(module, kind, name)
    return builder.call(known, [a, b, c])


eight_wide, four_wide, one_wide = (tile(rows, WIDE) for rows in (8, 4, 1))
eight_narrow, four_narrow, one_narrow = (tile(rows, NARROW) for rows in (8, 4, 1))


@jitable
def _tiled(a: Any, b: Any, out: Any) -> None:
    """out ← a b, whose rows are whole vectors."""
    rows, columns = out.shape
    for j in range(0, columns - columns % WIDE, WIDE):
        i = 0
        while i + 8 <= rows:
            eight_wide(a, i, b, j, out)
            i += 8
        if i + 4 <= rows:
            four_wide(a, i, b, j, out)
            i += 4
        while i < rows:
            one_wide(a, i, b, j, out)
            i += 1
    if columns % WIDE:
        j, i = columns - NARROW, 0
        while i + 8 <= rows:
            eight_narrow(a, i, b, j, out)
            i += 8
        if i + 4 <= rows:
            four_narrow(a, i, b, j, out)
            i += 4
        while i < rows:
            one_narrow(a, i, b, j, out)
            i += 1


@jitable
def _product(a: Any, b: Any) -> Any:
    rows, inner, columns = a.shape[0], b.shape[0], b.shape[1]
    out = np.empty((rows, columns), a.dtype)
    if inner == 0:
        out[:] = 0
        return out
    whole = (columns + NARROW - 1) // NARROW * NARROW
    if whole == columns and b.strides[1] == b.itemsize:
        _tiled(a, b, out)
        return out
    packed = np.zeros((inner, whole), b.dtype)
    for k in range(inner):
        for j in range(columns):
            packed[k, j] = b[k, j]
    if whole == columns:
        _tiled(a, packed, out)
        return out
    padded = np.empty((rows, whole), a.dtype)
    _tiled(a, packed, padded)
    for i in range(rows):
        for j in range(columns):
            out[i, j] = padded[i, j]
    return out


def _interpreted(a: Any, b: Any) -> Any:
    return a @ b


product: Any = _interpreted if config.DISABLE_JIT else _product  # type: ignore[attr-defined]
product.__doc__ = """a b: (M, K), (K, N) -> (M, N), contiguous."""
