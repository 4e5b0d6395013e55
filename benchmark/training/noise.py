"""Randomness as data: every random number is a function of (seed, purpose, counter).

Training, evaluation and initialisation read different streams of the same seed, so evaluating more
often changes no training number, and all algorithms meet the same dice. Numbers come from the
counter-based generator Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011), so a lane computes its
own numbers wherever and beside whatever it runs.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic

from fedrl.algorithms.estimators.compilation import compiled, jitable
from fedrl.algorithms.estimators.networks.columns import SLOTS
from fedrl.algorithms.estimators.networks.vector import read, spread, write

MASK = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)
MULTIPLIER_0, MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL_0, WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
START = 0xFFFFFF00  # counter of the draws for an initial state, beyond any step's


def philox_of(key: Any, c0: Any, c1: Any, c2: Any, c3: Any) -> Any:
    """Philox4x32-10: four 32-bit words from a 64-bit key and a counter of four 32-bit words."""
    k0, k1 = key & MASK, key >> SHIFT
    for _ in range(10):
        first = c0 * MULTIPLIER_0
        second = c2 * MULTIPLIER_1
        c0, c1, c2, c3 = (
            (second >> SHIFT) ^ c1 ^ k0,
            second & MASK,
            (first >> SHIFT) ^ c3 ^ k1,
            first & MASK,
        )
        k0 = (k0 + WEYL_0) & MASK
        k1 = (k1 + WEYL_1) & MASK
    return c0, c1, c2, c3


philox: Any = jitable(forceinline=True)(philox_of)


@jitable
def fill_uniform(
    out: Any, count: int, key: Any, agent: int, draw: int, episode: int, at: int
) -> None:
    """out[:count] ← 53-bit numbers on [0, 1) of counters (agent, draw, episode, at + …)."""
    for pair in range((count + 1) // 2):
        a, b, c, d = philox(
            key, np.uint64(agent), np.uint64(draw), np.uint64(episode), np.uint64(at + pair)
        )
        out[2 * pair] = ((a << SHIFT | b) >> np.uint64(11)) * 2.0**-53
        if 2 * pair + 1 < count:
            out[2 * pair + 1] = ((c << SHIFT | d) >> np.uint64(11)) * 2.0**-53


@intrinsic
def _fill_rows(
    typing_context: Any, out: Any, pair: Any, keys: Any, agents: Any, draws: Any, episodes: Any,
    times: Any,
) -> Any:  # fmt: skip
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target, pair, *words = arguments
        zero = ir.Constant(pair.type, 0)
        key, *counters = (
            read(context, builder, kind, word, zero, SLOTS)
            for kind, word in zip(signature.args[2:], words, strict=True)
        )
        counters[-1] += spread(builder, pair, SLOTS)
        a, b, c, d = philox_of(key, *counters)
        for row, (high, low) in enumerate(((a, b), (c, d))):
            number = ((high << SHIFT | low) >> 11).unsigned_as(ir.DoubleType()) * 2.0**-53
            first = builder.mul(pair, ir.Constant(pair.type, 2 * SLOTS))
            place = builder.add(first, ir.Constant(pair.type, row * SLOTS))
            write(context, builder, signature.args[0], target, place, number)
        return context.get_dummy_value()

    words = (keys, agents, draws, episodes, times)
    return types.void(out, types.intp, *words), build


def _plain_rows(
    out: Any, pair: int, keys: Any, agents: Any, draws: Any, episodes: Any, times: Any
) -> None:  # fmt: skip
    for s in range(SLOTS):
        where = agents[s], draws[s], episodes[s], times[s] + pair
        fill_uniform(out[2 * pair :, s], 2, keys[s].view(np.uint64), *where)


fill_rows: Any = _plain_rows if config.DISABLE_JIT else _fill_rows  # type: ignore[attr-defined]
fill_rows.__doc__ = (
    """Rows 2 pair and 2 pair + 1 of out (…, S): `fill_uniform` of S slots at `times` + pair."""
)


@compiled
def uniform_lanes(out, keys, agents, draw, episodes, at):  # type: ignore[no-untyped-def]
    """out (L·B, n): row l·B + b holds the numbers of lane l's episode b at counter `at`."""
    for lane in range(len(keys)):
        for b in range(episodes):
            row = out[lane * episodes + b]
            fill_uniform(row, len(row), keys[lane], agents[lane], draw, b, at)
