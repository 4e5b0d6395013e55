"""A hint to the processor: it changes when numbers arrive from memory, never which.

The tables of a hundred agents fill the cache that all programs share, and a step on them is mostly
waiting. A row that is asked for early arrives while the policy still decides.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

LINE = 64  # bytes that arrive together
READ, KEEP, DATA = 0, 3, 1  # how LLVM is told: to read, to keep in all caches, no instructions


def fetch(row):  # type: ignore[no-untyped-def]
    """Ask for a contiguous row of a table that is read soon; nothing to do in the interpreter."""


@intrinsic  # type: ignore[arg-type]
def _prefetch(context: Any, row: Any) -> Any:
    """LLVM's `prefetch` of a row, line by line; here, as views in a loop are counted."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer, word, size = ir.IntType(8).as_pointer(), ir.IntType(32), ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [pointer, word, word, word])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        first = builder.bitcast(array.data, pointer)
        bytes_ = builder.mul(array.nitems, array.itemsize)
        with cgutils.for_range_slice(builder, size(0), bytes_, size(LINE)) as (at, _):
            hint = [builder.gep(first, [at]), word(READ), word(KEEP), word(DATA)]
            builder.call(prefetch, hint)
        return context.get_dummy_value()

    return types.none(row), generate


@overload(fetch)
def _fetch(row):  # type: ignore[no-untyped-def]
    def asked(row):  # type: ignore[no-untyped-def]
        _prefetch(row)  # type: ignore[call-arg]

    return asked
