"""Vectors in LLVM's own words: numba unrolls so short a loop before LLVM can look at it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic

from fedrl.algorithms.estimators.networks import product


def _operator(instruction: str) -> Callable[[Any, Any], Any]:
    return lambda self, other: self._with(instruction, other)


class Vector:
    """A vector that a compiler builds; a number beside it stands for a vector of that number."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    @property
    def kind(self) -> Any:
        """LLVM's type of it."""
        return self.value.type

    def constant(self, number: Any) -> Any:
        """Every entry this number."""
        element = self.kind.element
        number = int(number) if isinstance(element, ir.IntType) else number
        return ir.Constant(self.kind, [ir.Constant(element, number)] * self.kind.count)

    def _with(self, operation: str, other: Any) -> "Vector":
        if isinstance(self.kind.element, ir.IntType):
            operation = operation.removeprefix("f")
        value = other.value if isinstance(other, Vector) else self.constant(other)
        return Vector(self.builder, getattr(self.builder, operation)(self.value, value))

    __add__, __sub__, __mul__, __truediv__ = map(_operator, ("fadd", "fsub", "fmul", "fdiv"))
    __and__, __or__, __xor__ = map(_operator, ("and_", "or_", "xor"))
    __lshift__, __rshift__ = map(_operator, ("shl", "lshr"))

    def inverse(self) -> "Vector":
        """1 / self."""
        return Vector(self.builder, self.builder.fdiv(self.constant(1.0), self.value))

    def times(self, factor: Any, summand: Any) -> "Vector":
        """self · factor + summand, rounded once."""
        values = [v.value if isinstance(v, Vector) else self.constant(v) for v in (factor, summand)]
        return Vector(self.builder, product.fused(self.builder, self.value, *values))

    def polynomial(self, coefficients: Any) -> "Vector":
        """Σ c_k self^k by Horner's rule, the highest power first."""
        first, second, *rest = coefficients
        found = self.times(first, second)
        for coefficient in rest:
            found = found.times(self, coefficient)
        return found

    def within(self, least: float, largest: float) -> "Vector":
        """Each entry, or the bound it is beyond; NaN stays NaN."""
        value = self.value
        for sign, bound in ((">", self.constant(largest)), ("<", self.constant(least))):
            value = self.builder.select(self.builder.fcmp_ordered(sign, value, bound), bound, value)
        return Vector(self.builder, value)

    def as_(self, entry: Any) -> "Vector":
        """In single or double precision."""
        kind = ir.VectorType(entry, self.kind.count)
        if kind == self.kind:
            return self
        convert = self.builder.fpext if entry == ir.DoubleType() else self.builder.fptrunc
        return Vector(self.builder, convert(self.value, kind))

    def bits(self, entry: Any) -> "Vector":
        """The same bits as entries of another type."""
        kind = ir.VectorType(entry, self.kind.count)
        return Vector(self.builder, self.builder.bitcast(self.value, kind))

    def unsigned_as(self, entry: Any) -> "Vector":
        """Unsigned integers as floating-point numbers."""
        kind = ir.VectorType(entry, self.kind.count)
        return Vector(self.builder, self.builder.uitofp(self.value, kind))

    def inside(self, bound: float) -> Any:
        """Whether all entries are below the bound in size; NaN is not."""
        builder, above, below = self.builder, self.constant(-bound), self.constant(bound)
        pair = (
            builder.fcmp_unordered("<=", self.value, above),
            builder.fcmp_unordered(">=", self.value, below),
        )
        return _none(builder, builder.or_(*pair))

    def certain(self, error: float) -> tuple["Vector", Any]:
        """In single precision, and whether no relative error below this bound can change an entry.

        Rounding is monotonic: if both ends of the interval round to one number, so does all of it.
        NaN is not certain.
        """
        single, builder = ir.FloatType(), self.builder
        low, high = (self.times(part, self).as_(single) for part in (-error, error))
        return high, _none(builder, builder.fcmp_unordered("!=", low.value, high.value))


def _none(builder: Any, flags: Any) -> Any:
    """Whether none of these truth values holds."""
    mask = builder.bitcast(flags, ir.IntType(flags.type.count))
    return builder.icmp_unsigned("==", mask, ir.Constant(mask.type, 0))


def spread(builder: Any, number: Any, width: int) -> Vector:
    """This number, known when the program runs, in every entry."""
    return Vector(builder, product.spread(builder, number, ir.VectorType(number.type, width)))


def place(context: Any, builder: Any, kind: Any, array: Any, i: Any, width: int) -> Any:
    """Where entries i … i + width - 1 of a contiguous array are, as one vector."""
    first = builder.gep(context.make_array(kind)(context, builder, array).data, [i])
    vector = ir.VectorType(context.get_data_type(kind.dtype), width)
    return builder.bitcast(first, vector.as_pointer())


def read(context: Any, builder: Any, kind: Any, array: Any, i: Any, width: int) -> Vector:
    """Those entries."""
    align = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    return Vector(
        builder, builder.load(place(context, builder, kind, array, i, width), align=align)
    )


def write(context: Any, builder: Any, kind: Any, array: Any, i: Any, vector: Vector) -> None:
    """Entries i … of a contiguous array become the vector, in the array's precision."""
    entry, width = context.get_data_type(kind.dtype), vector.kind.count
    target = place(context, builder, kind, array, i, width)
    builder.store(vector.as_(entry).value, target, align=context.get_abi_sizeof(entry))


def rows(compute: Any, width: int) -> Any:
    """A compiled (out, o, a, i, b, j): row o of out = compute(row i of a, row j of b).

    Rows of contiguous arrays (…, width). If one of a and b is of doubles, they are computed with.
    """

    def plain(out: Any, o: int, a: Any, i: int, b: Any, j: int) -> None:
        out[o] = compute(a[i], b[j])

    @intrinsic
    def into(typing_context: Any, out: Any, o: Any, a: Any, i: Any, b: Any, j: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            def entry(index: Any) -> Any:
                return builder.mul(index, ir.Constant(index.type, width))

            target, o, a, i, b, j = arguments
            kinds = signature.args
            first = read(context, builder, kinds[2], a, entry(i), width)
            second = read(context, builder, kinds[4], b, entry(j), width)
            if first.kind != second.kind:
                first, second = first.as_(ir.DoubleType()), second.as_(ir.DoubleType())
            write(context, builder, kinds[0], target, entry(o), compute(first, second))
            return context.get_dummy_value()

        whole = types.intp
        return types.void(out, whole, a, whole, b, whole), build

    return plain if config.DISABLE_JIT else into  # type: ignore[attr-defined]


def larger(a: Any, b: Any) -> Any:
    """b where it is above a, else a: also where either is NaN."""
    if not isinstance(a, Vector):
        return np.where(b > a, b, a)
    above = a.builder.fcmp_ordered(">", b.value, a.value)
    return Vector(a.builder, a.builder.select(above, b.value, a.value))
