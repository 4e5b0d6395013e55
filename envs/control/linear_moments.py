"""Finite-horizon values of linear controllers of linear systems, by recursion of moments.

Axes: N agents, Z coordinates of the state, A of the action. With x = (s, 1), a = Kᵀx + σ ε and
s' = A s + B a + w, the second moment X_h = E[x xᵀ] and the cost-to-go matrix P_h obey

    X_{h+1} = C X_h Cᵀ + G Σ Gᵀ + noise² I,   C = F + G Kᵀ,  F = diag(A, 1), G = (B; 0)
    P_h     = Q + r K Kᵀ + γ Cᵀ P_{h+1} C,    P_T = 0
    J       = -Σ_h γ^h (tr Q X_h + r tr Kᵀ X_h K + r tr Σ)
    ∂J/∂K   = -2 Σ_h γ^h X_h (r K + γ Cᵀ P_{h+1} G)
    ∂J/∂ℓ_j = -2 σ_j² Σ_h γ^h (r + γ (Gᵀ P_{h+1} G)_jj)

Fazel, Ge, Kakade & Mesbahi, ICML 2018, lemma 1, with a horizon, a discount, noise and a bias.
"""

from typing import Any

import numpy as np
from numba import njit

from fedrl.envs.family import Array


@njit(cache=True, nogil=True)
def moments(drift, drive, state_cost, action_cost, noise, start, theta, discount, horizon):  # type: ignore[no-untyped-def]
    """J (N,) and ∇J (N, d) at theta (N, d), agent by agent. θ = K row-major, then ℓ = log σ."""
    agents, states, actions = drive.shape
    objective = np.zeros(agents)
    gradient = np.zeros(theta.shape)
    powers = discount ** np.arange(horizon)
    for n in range(agents):
        gain = theta[n, : (states + 1) * actions].copy().reshape(states + 1, actions)
        variance = np.exp(2 * theta[n, (states + 1) * actions :])
        push = np.zeros((states + 1, actions))  # G
        closed = np.zeros((states + 1, states + 1))  # C
        for i in range(states):  # written out: numba compiles assignments of arrays for seconds
            for j in range(actions):
                push[i, j] = drive[n, i, j]
            for j in range(states):
                closed[i, j] = drift[n, i, j]
        closed[states, states] = 1.0
        closed += push @ gain.T.copy()
        weight = action_cost[n] * (gain @ gain.T.copy())  # Q + r K Kᵀ
        spread = (push * variance) @ push.T.copy()  # GΣGᵀ + noise² I
        second = np.zeros((horizon, states + 1, states + 1))  # X_h
        second[0, states, states] = 1.0
        for i in range(states):
            weight[i, i] += state_cost[n]
            spread[i, i] += noise[n] * noise[n]
            second[0, i, i] = start[n] * start[n]
        effort = action_cost[n] * np.sum(variance)
        for h in range(horizon):
            objective[n] -= powers[h] * (np.sum(weight * second[h]) + effort)
            if h + 1 < horizon:
                following = closed @ second[h] @ closed.T.copy() + spread
                for i in range(states + 1):
                    for j in range(states + 1):
                        second[h + 1, i, j] = following[i, j]
        slope = np.zeros((states + 1, actions))
        stretch = np.zeros(actions)
        ahead = np.zeros((states + 1, states + 1))  # P_{h+1}
        for h in range(horizon - 1, -1, -1):
            felt = discount * (ahead @ push)
            slope -= 2 * powers[h] * (second[h] @ (action_cost[n] * gain + closed.T.copy() @ felt))
            for j in range(actions):
                stretch[j] += powers[h] * (action_cost[n] + np.sum(push[:, j] * felt[:, j]))
            ahead = weight + discount * (closed.T.copy() @ ahead @ closed)
        for j in range(actions):
            for i in range(states + 1):
                gradient[n, i * actions + j] = slope[i, j]
            gradient[n, (states + 1) * actions + j] = -2 * variance[j] * stretch[j]
    return objective, gradient


def riccati(task: Any, discount: float, horizon: int) -> Array:
    """max over all policies of J_i: (N,), by the finite-horizon Riccati recursion.

    V_h(s) = -sᵀ P_h s - c_h and, with P = P_{h+1},
    P_h = qI + γ Aᵀ P A - γ² Aᵀ P B (rI + γ Bᵀ P B)⁻¹ Bᵀ P A.
    """
    best = np.empty(len(task.drift))
    for n, (a, b) in enumerate(zip(task.drift, task.drive, strict=True)):
        ahead, constant = np.zeros_like(a), 0.0
        for _ in range(horizon):
            constant = discount * (constant + task.noise[n] ** 2 * np.trace(ahead))
            price = task.action_cost[n] * np.eye(b.shape[1]) + discount * b.T @ ahead @ b
            gain = np.linalg.pinv(price) @ (discount * b.T @ ahead @ a)  # 0 where nothing is felt
            ahead = (
                task.state_cost[n] * np.eye(len(a))
                + discount * a.T @ ahead @ a
                - discount * a.T @ ahead @ b @ gain
            )
        best[n] = -(task.start_width[n] ** 2) * np.trace(ahead) - constant
    return best


def best_common_gain(task: Any, discount: float, horizon: int) -> tuple[float, Array]:
    """Best known max_K (1/N) Σ_i J_i over policies a = Kᵀ(s, 1) without noise, and its K.

    Gradient ascent from K = 0 and an adaptive step. The problem is not concave: a lower bound.
    """
    agents, states, actions = task.drive.shape
    size = (states + 1) * actions

    def score(gain: Array) -> tuple[float, Array]:
        theta = np.concatenate([gain, np.full(actions, -np.inf)])  # σ = 0
        lifted = np.broadcast_to(theta, (agents, len(theta))).copy()
        objective, gradient = moments(*task, lifted, discount, horizon)  # type: ignore[call-arg]
        return float(np.mean(objective)), np.mean(gradient[:, :size], axis=0)

    gain = np.zeros(size)
    value, slope = score(gain)
    step = 0.1 / (1 + float(np.sqrt(np.sum(slope * slope))))
    for _ in range(2000):
        trial = gain + step * slope
        trial_value, trial_slope = score(trial)
        if not trial_value > value:
            step /= 2
            if step < 1e-18:
                break
            continue
        gain, value, slope = trial, trial_value, trial_slope
        step *= 1.5
        if float(np.sum(slope * slope)) <= 1e-14 * value * value:
            break
    return value, gain
