"""Arrays and entries of lists that are read without being counted as references.

numba counts a reference for every view of an array, two atomic instructions each: half the time of
a step of a small network. A view of a borrowed array is not counted. Whoever borrows must hold the
array itself, or it is freed after its last use: a function's caller holds its arguments, and what a
loop borrows anew every time is held until the loop ends. Plain Python takes all as they are.
"""

from typing import Any

from numba import types
from numba.core import config
from numba.core.imputils import impl_ret_borrowed
from numba.cpython.listobj import ListInstance
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array


@intrinsic
def _borrowed(typing_context: Any, array: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        whole = context.make_array(array)(context, builder, arguments[0])
        out = context.make_array(array)(context, builder)
        populate_array(out, whole.data, whole.shape, whole.strides, whole.itemsize, None)
        return out._getvalue()

    return array(array), build


@intrinsic
def _entries(typing_context: Any, array: Any, first: Any, count: Any) -> Any:
    kind = types.Array(array.dtype, 1, "C")

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        whole = context.make_array(array)(context, builder, arguments[0])
        out = context.make_array(kind)(context, builder)
        data, size = builder.gep(whole.data, [arguments[1]]), whole.itemsize
        populate_array(out, data, [arguments[2]], [size], size, whole.meminfo)
        return impl_ret_borrowed(context, builder, kind, out._getvalue())

    return kind(array, types.intp, types.intp), build


@intrinsic
def _taken(typing_context: Any, values: Any, index: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        found = ListInstance(context, builder, values, arguments[0]).getitem(arguments[1])
        context.nrt.incref(builder, values.dtype, found)
        return found

    return values.dtype(values, types.intp), build


@intrinsic
def _put(typing_context: Any, values: Any, index: Any, value: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        items = ListInstance(context, builder, values, arguments[0])
        items.setitem(arguments[1], arguments[2], incref=True)
        return context.get_dummy_value()

    return types.void(values, types.intp, value), build


def _plain_entries(array: Any, first: int, count: int) -> Any:
    return array.reshape(-1)[first : first + count]


borrowed: Any
entries: Any
taken: Any
put: Any
if config.DISABLE_JIT:  # type: ignore[attr-defined]
    borrowed, entries = (lambda array: array), _plain_entries
    taken, put = list.__getitem__, list.__setitem__
else:
    borrowed, entries, taken, put = _borrowed, _entries, _taken, _put
    for intrinsic_ in (borrowed, entries, taken, put):
        # Part of the key of what is compiled with it; numba's own would be another in each process.
        intrinsic_._set_uuid(f"{__name__}.{intrinsic_.__name__}")
borrowed.__doc__ = """The array, not counted."""
entries.__doc__ = """Entries first … first + count - 1 of a contiguous array, in order: a vector."""
