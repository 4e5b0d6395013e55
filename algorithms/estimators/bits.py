"""Bits as the body of a policy: z[a] = log π(a|s), the sum of log σ(±θ[s,c]) over the bits of a.

Bit b of action a, 0 the last, is chosen where codes below and from c on part: c is a with bit b set
and all later ones 0. Every c = 1 … A - 1 is one choice. A bit whose c ≥ A is 0 in every action and
no choice, and θ[s,0] is not read. See `estimators.kernels` for the contract.
"""

import math
from typing import Any

import numpy as np

from fedrl.algorithms.estimators.compilation import compiled, jitable
from fedrl.algorithms.estimators.networks.borrowed import borrowed


@jitable
def length(actions: Any) -> Any:
    """k, bits of an action."""
    bits = 0
    while (1 << bits) < actions:
        bits += 1
    return bits


@jitable
def choice(action: Any, bit: Any) -> Any:
    """c and ±1, which of its two sides the action is on."""
    above = (action >> (bit + 1)) << (bit + 1)
    return above + (1 << bit), 1.0 if (action >> bit) & 1 else -1.0


@jitable
def log_sigmoid(x: Any) -> Any:
    """log σ(x), without overflow."""
    return min(x, 0.0) - math.log1p(math.exp(-abs(x)))


@jitable
def sigmoid(x: Any) -> Any:
    """σ(x), without overflow."""
    e = math.exp(-abs(x))
    return (1.0 if x >= 0 else e) / (1.0 + e)


@jitable
def log_row(theta: Any, row: int, out: Any) -> None:
    """out (A,) ← log π(·|s), whose choices begin at θ[row]."""
    for a in range(len(out)):
        out[a] = 0
        for bit in range(length(len(out))):
            c, side = choice(a, bit)
            if c < len(out):
                out[a] += log_sigmoid(side * theta[row + c])


@jitable
def forward(shape: Any, theta: Any, x: Any) -> Any:
    """z[m] = log π(·|s_m); nothing to cache."""
    z = np.empty((len(x), shape[1]), theta.dtype)
    for m in range(len(x)):
        log_row(theta, int(x[m, 0]) * shape[1], z[m])
    return np.empty(0, theta.dtype), z


@jitable
def backward(shape: Any, theta: Any, x: Any, cache: Any, delta: Any, gradient: Any) -> None:
    """gradient[s_m,c] += ±σ(∓θ[s_m,c]) delta[m,a]."""
    for m in range(len(x)):
        row = int(x[m, 0]) * shape[1]
        for a in range(shape[1]):
            for bit in range(length(shape[1])):
                c, side = choice(a, bit)
                if c < shape[1]:
                    gradient[row + c] += side * sigmoid(-side * theta[row + c]) * delta[m, a]


@jitable
def forward_tangent(shape: Any, theta: Any, tangent: Any, x: Any, cache: Any) -> Any:
    """ż[m,a] = Σ ±σ(∓θ[s_m,c]) θ̇[s_m,c]."""
    dz = np.zeros((len(x), shape[1]), theta.dtype)
    for m in range(len(x)):
        row = int(x[m, 0]) * shape[1]
        for a in range(shape[1]):
            for bit in range(length(shape[1])):
                c, side = choice(a, bit)
                if c < shape[1]:
                    dz[m, a] += side * sigmoid(-side * theta[row + c]) * tangent[row + c]
    return np.empty(0, theta.dtype), dz


@jitable
def backward_tangent(
    shape: Any, theta: Any, tangent: Any, x: Any, cache: Any, dcache: Any, delta: Any, ddelta: Any,
    gradient: Any,
) -> None:  # fmt: skip
    """As `backward` of ddelta, and gradient[s_m,c] -= σ(θ) σ(-θ) θ̇ delta[m,a]."""
    backward(shape, theta, x, cache, ddelta, gradient)
    for m in range(len(x)):
        row = int(x[m, 0]) * shape[1]
        for a in range(shape[1]):
            for bit in range(length(shape[1])):
                c, _ = choice(a, bit)
                if c < shape[1]:
                    curve = sigmoid(theta[row + c]) * sigmoid(-theta[row + c])
                    gradient[row + c] -= curve * tangent[row + c] * delta[m, a]


@jitable
def load(theta: Any, columns: Any, slot: int) -> None:
    """Do nothing: `outputs` reads one row of θ itself."""


@jitable
def outputs(shape: Any, theta: Any, lanes: Any, columns: Any, x: Any, scratch: Any, z: Any) -> None:
    """z (out, SLOTS) of one observation x (1, SLOTS) of every slot."""
    for s in range(len(lanes)):
        log_row(theta[lanes[s]], int(x[0, s]) * shape[1], borrowed(z)[:, s])


@compiled
def log_rows(theta: Any) -> Any:
    """log π of every row: (R, A)."""
    out = np.empty(theta.shape)
    for r in range(len(theta)):
        log_row(theta[r], 0, out[r])
    return out


@compiled
def bitwise(theta: Any, actions: int, state: Any, action: Any, discount: float, out: Any) -> None:
    """out (L, M) ← Σ_p γ^{p/(k-1)} log π(bit p | s, bits before it), p = 0 the first bit."""
    k = length(actions)
    for lane in range(len(theta)):
        for m in range(state.shape[1]):
            row, total = int(state[lane, m]) * actions, 0.0
            for p in range(k):
                c, side = choice(int(action[lane, m]), k - 1 - p)
                if c < actions:
                    weight = discount ** (p / (k - 1)) if k > 1 else 1.0
                    total += weight * log_sigmoid(side * theta[lane, row + c])
            out[lane, m] = total
