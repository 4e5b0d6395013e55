"""Exact values of policies in finite MDPs, for the finite-horizon objective.

J(π) = E[Σ_{h<T} γ^h R(s_h, a_h)]. Everything is computed agent by agent, on the outcomes of
`finite.mdp.TabularTask` only. Axes: N agents, Z states, A actions, K outcomes, M states that can
follow a state, T steps.
"""

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def evaluate(successor, chance, reward, start, policy, discount, horizon):  # type: ignore[no-untyped-def]
    """J_i(π_i): (N,), and ∂J_i/∂π(a|s): (N, Z, A), the entries of π taken as independent.

    V_h = r_π + γ P_π V_{h+1},  d_{h+1} = P_πᵀ d_h,
    ∂J/∂π(a|s) = Σ_h γ^h d_h(s) [R(s,a) + γ Σ_x P(x|s,a) V_{h+1}(x)].
    """
    objective = np.zeros(len(reward))
    gradient = np.zeros(reward.shape)
    for i in range(len(reward)):
        follows, count, place = _reach(successor[i], chance[i])
        gain, step = _chain(chance[i], reward[i], policy[i], place, follows.shape[1])
        value = _values(follows, count, gain, step, discount, horizon)
        for s in range(start.shape[1]):
            objective[i] += start[i, s] * value[0, s]
        visits, flow = _flow(follows, count, step, start[i], value, discount, horizon)
        _slope(chance[i], reward[i], place, visits, flow, gradient[i])
    return objective, gradient


@njit(cache=True, nogil=True)
def plan(successor, chance, reward, discount, horizon):  # type: ignore[no-untyped-def]
    """Value iteration: V*_0 (N, Z) and the best action at every step and state (N, T, Z)."""
    agents, states, actions = reward.shape
    value = np.zeros((agents, states))
    best = np.zeros((agents, horizon, states), np.int64)
    for i in range(agents):
        for h in range(horizon - 1, -1, -1):
            earlier = np.empty(states)
            for s in range(states):
                for a in range(actions):
                    worth = _worth(successor[i, s, a], chance[i, s, a], value[i])
                    worth = reward[i, s, a] + discount * worth
                    if a == 0 or worth > earlier[s]:
                        earlier[s] = worth
                        best[i, h, s] = a
            for s in range(states):  # a copy of arrays compiles much more
                value[i, s] = earlier[s]
    return value, best


@njit(cache=True, nogil=True)
def action_values(successor, chance, reward, policy, discount, best):  # type: ignore[no-untyped-def]
    """Q_i (N, Z, A) of the infinite horizon: of policies (N, Z, A), or of the `best` ones.

    Q ← R + γ Σ_x P(x|s,a) V(x), V(x) = Σ_b π(b|x) Q(x,b) or max_b Q(x,b), until γ^n < 1e-16.
    """
    agents, states, actions = reward.shape
    found = reward.copy()
    for i in range(agents):
        value = np.zeros(states)
        for _ in range(int(math.log(1e-16) / math.log(discount)) + 1 if discount > 0 else 1):
            for s in range(states):
                value[s] = found[i, s, 0] if best else policy[i, s, 0] * found[i, s, 0]
                for a in range(1, actions):
                    if best:
                        value[s] = max(value[s], found[i, s, a])
                    else:
                        value[s] += policy[i, s, a] * found[i, s, a]
            for s in range(states):
                for a in range(actions):
                    ahead = _worth(successor[i, s, a], chance[i, s, a], value)
                    found[i, s, a] = reward[i, s, a] + discount * ahead
    return found


@njit(cache=True, nogil=True)
def follow(successor, chance, reward, start, actions, discount):  # type: ignore[no-untyped-def]
    """J_i of doing actions (N, T, Z), one per step and state: (N,)."""
    agents, horizon, states = actions.shape
    objective = np.zeros(agents)
    for i in range(agents):
        value = np.zeros(states)
        for h in range(horizon - 1, -1, -1):
            earlier = np.empty(states)
            for s in range(states):
                a = actions[i, h, s]
                worth = _worth(successor[i, s, a], chance[i, s, a], value)
                earlier[s] = reward[i, s, a] + discount * worth
            value = earlier
        for s in range(states):
            objective[i] += start[i, s] * value[s]
    return objective


@njit(cache=True, nogil=True)
def _worth(successor, chance, value):  # type: ignore[no-untyped-def]
    """Σ_x P(x) V(x) of one row."""
    total = 0.0
    for k in range(len(chance)):
        total += chance[k] * value[successor[k]]
    return total


@njit(cache=True, nogil=True)
def _reach(successor, chance):  # type: ignore[no-untyped-def]
    """States that can follow each state: sorted (Z, M), how many, place of each outcome in it."""
    states, actions, outcomes = chance.shape
    follows = np.zeros((states, min(states, actions * outcomes)), np.int64)
    count = np.zeros(states, np.int64)
    place = np.zeros((states, actions, outcomes), np.int64)
    for s in range(states):
        for a in range(actions):
            for k in range(outcomes):
                if chance[s, a, k] > 0.0:
                    x = successor[s, a, k]
                    m = np.searchsorted(follows[s, : count[s]], x)
                    if m == count[s] or follows[s, m] != x:
                        for later in range(count[s], m, -1):
                            follows[s, later] = follows[s, later - 1]
                        follows[s, m] = x
                        count[s] += 1
        for a in range(actions):
            for k in range(outcomes):
                if chance[s, a, k] > 0.0:
                    place[s, a, k] = np.searchsorted(follows[s, : count[s]], successor[s, a, k])
    return follows, count, place


@njit(cache=True, nogil=True)
def _chain(chance, reward, policy, place, width):  # type: ignore[no-untyped-def]
    """r_π (Z,) and P_π (Z, M), the rewards and moves of a Markov chain."""
    states, actions, outcomes = chance.shape
    gain = np.zeros(states)
    step = np.zeros((states, width))
    for s in range(states):
        for a in range(actions):
            gain[s] += policy[s, a] * reward[s, a]
            for k in range(outcomes):
                if chance[s, a, k] > 0.0:
                    step[s, place[s, a, k]] += policy[s, a] * chance[s, a, k]
    return gain, step


@njit(cache=True, nogil=True)
def _values(follows, count, gain, step, discount, horizon):  # type: ignore[no-untyped-def]
    """V_h, backwards: (T + 1, Z)."""
    states = len(gain)
    value = np.zeros((horizon + 1, states))
    for h in range(horizon - 1, -1, -1):
        for s in range(states):
            total = 0.0
            for m in range(count[s]):
                total += step[s, m] * value[h + 1, follows[s, m]]
            value[h, s] = gain[s] + discount * total
    return value


@njit(cache=True, nogil=True)
def _flow(follows, count, step, start, value, discount, horizon):  # type: ignore[no-untyped-def]
    """Σ_h γ^h d_h(s): (Z,), and Σ_h γ^{h+1} d_h(s) V_{h+1}(x): (Z, M)."""
    states, width = follows.shape
    mass = start.copy()  # γ^h d_h
    visits, flow = np.zeros(states), np.zeros((states, width))
    for h in range(horizon):
        following = np.zeros(states)
        for s in range(states):
            if mass[s] == 0.0:
                continue
            visits[s] += mass[s]
            for m in range(count[s]):
                x = follows[s, m]
                flow[s, m] += discount * mass[s] * value[h + 1, x]
                following[x] += discount * mass[s] * step[s, m]
        mass = following
    return visits, flow


@njit(cache=True, nogil=True)
def _slope(chance, reward, place, visits, flow, out):  # type: ignore[no-untyped-def]
    """∂J/∂π(a|s) from visits (Z,) and flow (Z, M)."""
    states, actions, outcomes = chance.shape
    for s in range(states):
        for a in range(actions):
            total = visits[s] * reward[s, a]
            for k in range(outcomes):
                if chance[s, a, k] > 0.0:
                    total += chance[s, a, k] * flow[s, place[s, a, k]]
            out[s, a] = total
