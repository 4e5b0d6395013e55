"""exp and log of vectors, for numbers that end in single precision; the C library's, bit for bit.

exp x = 2^k e^r with r = x - k log 2, |r| ≤ ½ log 2; log x = k log 2 + 2 artanh((m - 1) / (m + 1))
with x = 2^k m. Both are polynomials in double precision, eight or more entries beside each other.
Where their error could change what is rounded to, one entry in some hundred, the C library is
asked: its own error, in single precision, is less than the interval that is called uncertain.
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from fedrl.algorithms.estimators.compilation import jitable
from fedrl.algorithms.estimators.networks.vector import Vector, read, write

# Least relative errors, the highest power first: e^r within 2^-40, and 2 artanh(s) / s in powers of
# s² within 2^-45.
EXP = (
    2.472714712453135e-05, 0.00019915421675705455, 0.001388917880925101, 0.00833326703265999,
    0.0416666642188247, 0.16666666885443013, 0.5000000000618517, 0.9999999999806237,
    0.9999999999997622,
)  # fmt: skip
LOG = (
    0.19610572531415704, 0.2217407863566659, 0.28572170273360037, 0.39999994851433995,
    0.6666666667971685, 1.9999999999999465,
)  # fmt: skip
LEAST, LARGEST = -110.0, 100.0  # beyond, exp is 0 and infinite in single precision
C_LIBRARY = 2.0**-32  # its exp errs by less before it rounds
CERTAIN = 2.0**-42  # `log_into` errs by less, relatively
MAGIC = 1.5 * 2.0**52  # x + MAGIC has the integer nearest to x in its last bits
ROUNDINGS = 2.0**-50  # of sums of two doubles, with room
FRACTION, SIGNIFICANT = 52, np.float64(math.sqrt(0.5)).view(np.int64)
BLOCK = 8

DOUBLE, INTEGER = ir.DoubleType(), ir.IntType(64)


def about_exp(x: Vector) -> Vector:
    """e^x within 2^-40, relatively, of x that is not far beyond single precision."""
    x = x.within(LEAST, LARGEST)
    shifted = x.times(1 / math.log(2), MAGIC)
    rest = (shifted - MAGIC).times(-math.log(2), x)
    power = shifted.bits(INTEGER) << FRACTION
    return (rest.polynomial(EXP).bits(INTEGER) + power).bits(DOUBLE)


def about_log(x: Vector) -> Vector:
    """log x within 2^-44, relatively, of 1 ≤ x < infinity; NaN of NaN."""
    bits = x.bits(INTEGER)
    power = (bits - SIGNIFICANT) >> FRACTION  # k, m in [√½, √2)
    m = (bits - (power << FRACTION)).bits(DOUBLE)
    k = (power + np.float64(MAGIC).view(np.int64)).bits(DOUBLE) - MAGIC
    s = (m - 1.0) / (m + 1.0)
    return k.times(math.log(2), s * (s * s).polynomial(LOG)) + (x - x)


def exponential(width: int) -> Any:
    """A compiled (x, i): x[i : i + width] ← exp of it if that is certain; whether it is."""

    @intrinsic
    def into(typing_context: Any, x: Any, i: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array, (values, first) = signature.args[0], arguments
            value = read(context, builder, array, values, first, width).as_(DOUBLE)
            found, certain = about_exp(value).certain(C_LIBRARY)
            with builder.if_then(certain):
                write(context, builder, array, values, first, found)
            return certain

        return types.boolean(x, types.intp), build

    return into


def logarithm(width: int) -> Any:
    """A compiled (x, i): x[i : i + width] ← log of it, about."""

    @intrinsic
    def into(typing_context: Any, x: Any, i: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array, (values, first) = signature.args[0], arguments
            found = about_log(read(context, builder, array, values, first, width))
            write(context, builder, array, values, first, found)
            return context.get_dummy_value()

        return types.void(x, types.intp), build

    return into


exp_block, exp_one = exponential(BLOCK), exponential(1)
log_block, log_one = logarithm(BLOCK), logarithm(1)


def exp_into(x: Any) -> None:
    """x ← exp x, of a contiguous vector."""
    x[:] = [math.exp(value) for value in x]


@jitable
def exp_each(x: Any, first: int, end: int) -> None:
    """One by one: an entry that is not certain is the C library's, its neighbours are not."""
    for i in range(first, end):
        if not exp_one(x, i):
            x[i] = math.exp(x[i])


@overload(exp_into)
def _exponentials(x: Any) -> Any:
    def double(x: Any) -> None:
        for i in range(len(x)):
            x[i] = math.exp(x[i])

    def single(x: Any) -> None:
        whole = len(x) - len(x) % BLOCK
        for i in range(0, whole, BLOCK):
            if not exp_block(x, i):
                exp_each(x, i, i + BLOCK)
        exp_each(x, whole, len(x))

    return single if x.dtype == types.float32 else double


def log_into(x: Any) -> None:
    """x ← log x within 2^-44, relatively, of a contiguous vector of doubles from 1 on."""
    x[:] = np.log(x)


@overload(log_into)
def _logarithms(x: Any) -> Any:
    def into(x: Any) -> None:
        whole = len(x) - len(x) % BLOCK
        for i in range(0, whole, BLOCK):
            log_block(x, i)
        for i in range(whole, len(x)):
            log_one(x, i)

    return into


def less_log(a: Any, b: Any, total: Any, near: Any) -> Any:
    """a - (b + log total), rounded as a is; near is log total, about, and read if a is single."""
    return a - (b + math.log(total))


@overload(less_log)
def _less_log(a: Any, b: Any, total: Any, near: Any) -> Any:
    def double(a: Any, b: Any, total: Any, near: Any) -> Any:
        return a - (b + math.log(total))

    def single(a: Any, b: Any, total: Any, near: Any) -> Any:
        about = a - (b + near)
        # What the error of `near` does, and what the roundings of both sums can make of it.
        error = near * CERTAIN + (abs(a) + abs(b)) * ROUNDINGS
        low, high = np.float32(about - error), np.float32(about + error)
        return low if low == high else np.float32(a - (b + math.log(total)))

    return single if a == types.float32 else double
