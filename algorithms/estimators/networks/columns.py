"""Parameters of SLOTS agents as columns of one array, and gradients back from it.

θ of an agent is a row of one array and a column (d, SLOTS) of another. Squares of SLOTS × SLOTS
entries are turned in registers: written apart, they took an eighth of an estimator at T = 20.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic

from fedrl.algorithms.estimators.compilation import jitable
from fedrl.algorithms.estimators.networks.vector import Vector, read, write

SLOTS = 8  # agents or episodes beside each other: a vector register of float32


def turned(builder: Any, rows: list[Vector]) -> list[Vector]:
    """The transpose: entry s of row k is entry k of row s."""
    found, step = [row.value for row in rows], SLOTS // 2
    while step:
        integer = ir.IntType(32)
        low, high = [], []  # entries whose bit `step` is 0 stay; the others change places
        for s in range(SLOTS):
            low.append(s if s & step == 0 else SLOTS + s - step)
            high.append(s + step if s & step == 0 else SLOTS + s)
        masks = [ir.Constant(ir.VectorType(integer, SLOTS), order) for order in (low, high)]
        for k in range(SLOTS):
            if k & step == 0:
                pair = found[k], found[k + step]
                found[k], found[k + step] = (builder.shuffle_vector(*pair, m) for m in masks)
        step //= 2
    return [Vector(builder, value) for value in found]


def square(back: bool) -> Any:
    """A compiled (matrix, agents, k, columns): entries k … of the agents' rows into columns.

    Or back. An agent that is named again is written again, the first of them last.
    """

    def plain(matrix: Any, agents: Any, k: int, columns: Any) -> None:
        part = slice(k, k + SLOTS)
        for s in range(SLOTS - 1, -1, -1):
            if back:
                matrix[agents[s], part] = columns[part, s] + 0
            else:
                columns[part, s] = matrix[agents[s], part]

    @intrinsic
    def into(typing_context: Any, matrix: Any, agents: Any, k: Any, columns: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kinds, (array, who, k, other) = signature.args, arguments
            shape = context.make_array(matrix)(context, builder, array).shape
            size, slots = builder.extract_value(shape, 1), ir.Constant(k.type, SLOTS)
            lanes = read(context, builder, kinds[1], who, ir.Constant(k.type, 0), SLOTS).value
            places = []
            for s in range(SLOTS):
                lane = builder.extract_element(lanes, ir.Constant(ir.IntType(32), s))
                row = builder.add(builder.mul(lane, size), k)
                column = builder.mul(builder.add(k, ir.Constant(k.type, s)), slots)
                places.append((row, column))
            sources = [(kinds[3], other, c) if back else (kinds[0], array, r) for r, c in places]
            targets = [(kinds[0], array, r) if back else (kinds[3], other, c) for r, c in places]
            found = [read(context, builder, *source, SLOTS) for source in sources]
            pairs = list(zip(targets, turned(builder, found), strict=True))
            for (kind, whole, at), vector in reversed(pairs):
                # A sum with 0 is never -0.
                write(context, builder, kind, whole, at, vector + 0.0 if back else vector)
            return context.get_dummy_value()

        return types.void(matrix, agents, types.intp, columns), build

    return plain if config.DISABLE_JIT else into  # type: ignore[attr-defined]


squares, squares_back = square(back=False), square(back=True)


@intrinsic
def _put_alone(typing_context: Any, columns: Any, k: Any, slot: Any, number: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target, k, slot, number = arguments
        data = context.make_array(columns)(context, builder, target).data
        at = builder.add(builder.mul(k, ir.Constant(k.type, SLOTS)), slot)
        size = context.get_abi_sizeof(number.type)
        builder.store_atomic(number, builder.gep(data, [at]), "monotonic", align=size)
        return context.get_dummy_value()

    return types.void(columns, types.intp, types.intp, columns.dtype), build


def _put_plainly(columns: Any, k: int, slot: int, number: Any) -> None:
    columns[k, slot] = number


put_alone: Any = _put_plainly if config.DISABLE_JIT else _put_alone  # type: ignore[attr-defined]
put_alone.__doc__ = """columns[k, slot] = number, an atomic store, which costs what any store does.

LLVM would write several such entries by one instruction, which takes longer.
"""


@jitable
def load(theta: Any, columns: Any, slot: int) -> None:
    """columns[:, slot] = θ: parameters of episodes that are played beside each other."""
    for k in range(len(theta)):
        put_alone(columns, k, slot, theta[k])


@jitable
def load_all(theta: Any, agents: Any, columns: Any) -> None:
    """columns[:, s] = θ of agents[s]."""
    size = theta.shape[1]
    whole = size - size % SLOTS
    for k in range(0, whole, SLOTS):
        squares(theta, agents, k, columns)
    for k in range(whole, size):
        for s in range(SLOTS):
            columns[k, s] = theta[agents[s], k]


@jitable
def unload_all(columns: Any, agents: Any, theta: Any) -> None:
    """θ of agents[s] = columns[:, s] + 0, which is never -0; of an agent named twice the first."""
    size = theta.shape[1]
    whole = size - size % SLOTS
    for k in range(0, whole, SLOTS):
        squares_back(theta, agents, k, columns)
    for k in range(whole, size):
        for s in range(SLOTS - 1, -1, -1):
            theta[agents[s], k] = columns[k, s] + 0
