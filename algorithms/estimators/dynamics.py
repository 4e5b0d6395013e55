"""Dynamic programming on finite MDPs, lane after lane, written out for numba.

All take kernel (L, Z, A, Z), reward (L, Z, A), π (L, Z, A); start is (L, Z). Sums are in double
precision and in a fixed order, so that a lane's numbers are its own.
"""

import math
from typing import Any

import numpy as np
from numba import njit

from fedrl.algorithms.estimators.compilation import compiled, jitable
from fedrl.algorithms.estimators.linear import solve


@jitable
def ends(kernel: Any, reward: Any) -> Any:
    """Which states only loop to themselves without reward: (Z,) bool."""
    states, actions = reward.shape
    out = np.ones(states, np.bool_)
    for s in range(states):
        for a in range(actions):
            if kernel[s, a, s] != 1.0 or reward[s, a] != 0.0:
                out[s] = False
    return out


@jitable
def average(kernel: Any, pi: Any) -> Any:
    """Σ_a π(a|s) P(x|s,a): (Z, Z)."""
    states, actions = pi.shape
    out = np.zeros((states, states))
    for s in range(states):
        for a in range(actions):
            for x in range(states):
                out[s, x] += pi[s, a] * kernel[s, a, x]
    return out


@jitable
def add_product(scale: float, matrix: Any, vector: Any, out: Any) -> None:
    """out += scale · matrix vector."""
    for s in range(len(out)):
        total = 0.0
        for x in range(len(vector)):
            total += matrix[s, x] * vector[x]
        out[s] += scale * total


@compiled
def derivatives(  # type: ignore[no-untyped-def]
    kernel, reward, start, pi, change, discount, entropy, horizon
):
    """∂J/∂π with the entries of π independent, and its derivative along π̇ = change: (L, Z, A) ×2.

    V_h = Σ_a π r + γ P_π V_{h+1};  d_{h+1} = P_πᵀ d_h;  r = R - τ log π, no entropy in the end;
    G(s,a) = Σ_h γ^h d_h(s) [r(s,a) - τ + γ Σ_x P(x|s,a) V_{h+1}(x)], and the product rule for Ġ.
    """
    slope, turn = np.empty(pi.shape), np.empty(pi.shape)
    lanes, states, actions = pi.shape
    for lane in range(lanes):
        done = ends(kernel[lane], reward[lane])
        gain = np.zeros((states, actions))  # r - τ
        bend = np.zeros((states, actions))  # ṙ
        value, dvalue = np.zeros((horizon + 1, states)), np.zeros((horizon + 1, states))
        now, dnow = np.zeros(states), np.zeros(states)  # Σ_a π r and its derivative
        for s in range(states):
            for a in range(actions):
                p, r = pi[lane, s, a], reward[lane, s, a] * 1.0
                charge = entropy
                if entropy == 0.0 or done[s]:
                    charge = 0.0
                elif p > 0.0:
                    r -= entropy * math.log(p)
                    bend[s, a] = -entropy * change[lane, s, a] / p
                gain[s, a] = r - charge
                now[s] += p * r
                dnow[s] += change[lane, s, a] * gain[s, a]
        moves, dmoves = average(kernel[lane], pi[lane]), average(kernel[lane], change[lane])
        for h in range(horizon - 1, -1, -1):
            value[h] = now
            dvalue[h] = dnow
            add_product(discount, moves, value[h + 1], value[h])
            add_product(discount, moves, dvalue[h + 1], dvalue[h])
            add_product(discount, dmoves, value[h + 1], dvalue[h])
        mass, dmass = start[lane].astype(np.float64), np.zeros(states)  # γ^h d_h
        visits, dvisits = np.zeros(states), np.zeros(states)
        outer, douter = np.zeros((states, states)), np.zeros((states, states))
        for h in range(horizon):
            following, dfollowing = np.zeros(states), np.zeros(states)
            visits += mass
            dvisits += dmass
            for s in range(states):
                weight, dweight = discount * mass[s], discount * dmass[s]
                for x in range(states):
                    outer[s, x] += weight * value[h + 1, x]
                    douter[s, x] += dweight * value[h + 1, x] + weight * dvalue[h + 1, x]
                    following[x] += weight * moves[s, x]
                    dfollowing[x] += dweight * moves[s, x] + weight * dmoves[s, x]
            mass, dmass = following, dfollowing
        for s in range(states):
            for a in range(actions):
                total = visits[s] * gain[s, a]
                dtotal = dvisits[s] * gain[s, a] + visits[s] * bend[s, a]
                for x in range(states):
                    total += kernel[lane, s, a, x] * outer[s, x]
                    dtotal += kernel[lane, s, a, x] * douter[s, x]
                slope[lane, s, a] = total
                turn[lane, s, a] = dtotal
    return slope, turn


@compiled
def occupancy(kernel, reward, start, pi, horizon):  # type: ignore[no-untyped-def]
    """Expected number of steps taken in each state over that of all steps: (L, Z)."""
    share = np.zeros(pi.shape[:2])
    for lane in range(len(pi)):
        done = ends(kernel[lane], reward[lane])
        moves = average(kernel[lane], pi[lane])
        mass = start[lane].astype(np.float64)
        for _ in range(horizon):
            share[lane] += mass
            following = np.zeros(len(mass))
            for s in range(len(mass)):
                for x in range(len(mass)):
                    if not done[x]:  # the episode ends on arrival
                        following[x] += mass[s] * moves[s, x]
            mass = following
        total = 0.0
        for s in range(len(mass)):
            total += share[lane, s]
        for s in range(len(mass)):
            share[lane, s] /= total
    return share


@njit(nogil=True)  # no cache: numba would not notice a change of `solve`
def action_value(kernel, reward, pi, discount, relative, out):  # type: ignore[no-untyped-def]
    """out (L, d) ← R + γ P V with (I - γ P_π) V = r_π, minus V if relative."""
    lanes, states, actions = pi.shape
    for lane in range(lanes):
        system = average(kernel[lane], pi[lane])
        value = np.zeros(states)
        for s in range(states):
            for x in range(states):
                system[s, x] = (1.0 if s == x else 0.0) - discount * system[s, x]
            for a in range(actions):
                value[s] += pi[lane, s, a] * reward[lane, s, a]
        solve(system, value)
        for s in range(states):
            for a in range(actions):
                total = 0.0
                for x in range(states):
                    total += kernel[lane, s, a, x] * value[x]
                total = reward[lane, s, a] + discount * total
                out[lane, s * actions + a] = total - value[s] if relative else total


@compiled
def backup(kernel, reward, old, discount, out):  # type: ignore[no-untyped-def]
    """out (L, d) ← R + γ P max_a old, old (L, d)."""
    lanes, states, actions = reward.shape
    for lane in range(lanes):
        for s in range(states):
            for a in range(actions):
                total = 0.0
                for x in range(states):
                    best = old[lane, x * actions]
                    for b in range(1, actions):
                        best = max(best, old[lane, x * actions + b])
                    total += kernel[lane, s, a, x] * best
                out[lane, s * actions + a] = reward[lane, s, a] + discount * total
