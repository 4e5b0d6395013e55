"""A robot's step for compiled code: MuJoCo's batch, called by numba without Python in between.

The bits are those of `MujocoSimulator.step`: a row holds the whole state that MuJoCo integrates,
and a failing row keeps the one it had. Lane after lane, a model stays in the processor's cache.

Axes: L lanes, x state, o observation, a action.
"""

import ctypes
import math
import weakref
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload, register_jitable

from fedrl.envs.family import Array

INTEGER, POINTER = ctypes.c_int, ctypes.c_void_p
LIBRARY_NAMES = ("libmujoco.so*", "libmujoco*.dylib", "mujoco.dll")
PROTOTYPE = ctypes.CFUNCTYPE(INTEGER, POINTER, POINTER, INTEGER, INTEGER, INTEGER)


class Rule(NamedTuple):
    """What is seen and paid, as data: all entries of a state must lie between `low` and `high`."""

    positions: int
    velocities: int
    seconds: float  # s, one environment step
    control_cost: float
    largest_action: float  # actions are clipped to ±, before they are paid for
    fastest: float  # observed velocities are clipped to ±
    healthy_reward: float  # per step that ends healthy
    low: Array  # (x,), excluded
    high: Array  # (x,), excluded


class Machine(NamedTuple):
    """A batch of L rows of MuJoCo's as compiled code needs it; addresses are plain numbers."""

    step: int  # of the C function
    batch: int
    lanes: int  # of the numbers 0, 1, … L - 1
    skip: int  # physics steps per environment step
    largest: float  # a state beyond it has diverged
    rows: Array  # (L, n): time, qpos, qvel, warm start, ctrl, …
    bias: Array  # (L,), added to the actions that reach the actuators
    rule: Rule


def machine(owner: Any, skip: int, largest: float, rule: Rule) -> Machine:
    """A batch of the owner's models, freed with the owner, who must keep what is returned."""
    library, models = mujoco_library(), owner.models
    size, said = len(models), ctypes.create_string_buffer(1000)
    config = (ctypes.c_int * 2)(1, 0)  # threads; not persistent
    batch = library.mjb_makeBatch(POINTER(models[0]._address), size, config, said, len(said))
    if not batch:
        raise RuntimeError(f"MuJoCo makes no batch of {size} simulations: {said.value.decode()}")
    addresses = (POINTER * size)(*[model._address for model in models])
    library.mjb_setModels(POINTER(batch), addresses)
    lanes, width = np.arange(size, dtype=np.int32), library.mjb_nstate(POINTER(batch))
    weakref.finalize(owner, _free, batch, addresses, lanes)
    rows = np.ctypeslib.as_array(library.mjb_state(POINTER(batch)), (size, width))
    step = ctypes.cast(library.mjb_step, POINTER).value
    assert step is not None
    bias = np.ascontiguousarray(owner.action_bias[:, 0])
    return Machine(step, batch, lanes.ctypes.data, skip, largest, rows, bias, rule)


def _free(batch: int, *kept: Any) -> None:
    mujoco_library().mjb_deleteBatch(POINTER(batch))


@cache
def mujoco_library() -> Any:
    """The library of MuJoCo's own bindings; None where it is elsewhere or has other parts."""
    found = find_spec("mujoco")
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent
    paths = [path for name in LIBRARY_NAMES for path in sorted(folder.glob(name))]
    try:
        library = ctypes.CDLL(str(paths[0]))
        library.mjb_makeBatch.restype = POINTER
        library.mjb_state.restype = ctypes.POINTER(ctypes.c_double)
        functions = (library.mjb_setModels, library.mjb_nstate, library.mjb_step)
    except (IndexError, OSError, AttributeError):
        return None
    return library if all((*functions, library.mjb_deleteBatch)) else None


def call(function: int, batch: int, lane: int, skip: int) -> int:
    """`mjb_step` of one lane, given the address of its number: how many simulations failed."""
    return int(PROTOTYPE(function)(batch, lane, 1, skip, 0))


@intrinsic
def _call(typing_context: Any, function: Any, batch: Any, lane: Any, skip: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer, integer = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(integer, [pointer, pointer, integer, integer, integer])
        function, batch, lane, skip = arguments
        known = (ir.Constant(integer, 1), builder.trunc(skip, integer), ir.Constant(integer, 0))
        places = (builder.inttoptr(number, pointer) for number in (batch, lane))
        return builder.call(builder.inttoptr(function, kind.as_pointer()), [*places, *known])

    return types.int32(types.int64, types.int64, types.int64, types.int64), build


@overload(call)
def _compiled_call(function: Any, batch: Any, lane: Any, skip: Any) -> Any:
    def compiled(function: Any, batch: Any, lane: Any, skip: Any) -> Any:
        return _call(function, batch, lane, skip)  # type: ignore[call-arg]

    return compiled


@register_jitable
def observe(machine: Any, state: Any, out: Any) -> None:
    """out (o,) ← all positions but the distance travelled, then all velocities."""
    rule = machine.rule
    for j in range(len(out)):
        seen = state[1 + j]
        if j >= rule.positions - 1:
            seen = min(max(seen, -rule.fastest), rule.fastest)
        out[j] = seen


@register_jitable
def advance(machine: Any, lane: int, state: Any, action: Any) -> Any:
    """Reward and termination of one step of `lane`, whose state (x,) changes in place.

    Forward speed (m/s) - cost |a|² + a reward if healthy, the end if not.
    """
    rule, row = machine.rule, machine.rows[lane]
    width, before, sound, square = len(state), state[0], True, 0.0
    row[0] = 0.0  # time moves nothing
    for i in range(width):
        sound &= math.isfinite(state[i])
        row[1 + i] = state[i]
    for j in range(len(action)):
        sound &= math.isfinite(action[j])
        taken = min(max(np.float64(action[j]), -rule.largest_action), rule.largest_action)
        row[1 + width + j] = taken + machine.bias[lane]
        square += taken * taken
    if sound:
        sound = call(machine.step, machine.batch, machine.lanes + 4 * lane, machine.skip) == 0
    for i in range(width):
        sound &= abs(row[1 + i]) <= machine.largest
    if not sound:
        return math.nan, True
    healthy = True
    for i in range(width):
        state[i] = row[1 + i]
        healthy &= rule.low[i] < state[i] < rule.high[i]
    gain = (state[0] - before) / rule.seconds + (rule.healthy_reward if healthy else 0.0)
    return gain - rule.control_cost * square, not healthy
