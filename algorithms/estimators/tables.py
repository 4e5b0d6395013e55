"""Row-wise operations on tables of states × actions, row after row: R rows, A actions.

Numba loops, so that a row's numbers are the same bits however many rows are computed together.
"""

from typing import Any

import numpy as np
from numba import njit

from fedrl.algorithms.estimators.categorical import softmax
from fedrl.algorithms.estimators.compilation import compiled


@njit(nogil=True)  # no cache: numba would not notice a change of `softmax`
def softmax_rows(logits: Any) -> Any:
    """exp z_j / Σ exp z of every row: (R, A)."""
    out = np.empty_like(logits)
    for r in range(len(logits)):
        softmax(logits[r], out[r])
    return out


@compiled
def greedy_rows(values: Any) -> Any:
    """1 at the largest entry of every row, the first if there are several: (R, A)."""
    out = np.zeros(values.shape)
    for r in range(len(values)):
        best = 0
        for j in range(1, values.shape[1]):
            if values[r, j] > values[r, best]:
                best = j
        out[r, best] = 1.0
    return out


@compiled
def project_rows(rows: Any, out: Any) -> None:
    """out_r = argmin ‖p - x_r‖ over p ≥ 0, Σ p = 1, exactly, by sorting.

    p = max(x - t, 0) with t = (Σ_{i≤k} u_i - 1) / k, u = x sorted downwards and k the last index
    where u_k > t. Held, Wolfe, Crowder 1974; Duchi et al., ICML 2008, Figure 1.
    """
    for r in range(len(rows)):
        falling = np.sort(rows[r].astype(np.float64))[::-1]
        total = 0.0
        threshold = 0.0
        for k in range(len(falling)):
            total += falling[k]
            candidate = (total - 1.0) / (k + 1)
            if falling[k] > candidate:
                threshold = candidate
        for j in range(rows.shape[1]):
            out[r, j] = max(rows[r, j] - threshold, 0.0)


@compiled
def softmax_jacobian(probability: Any, vector: Any) -> Any:
    """(diag π - π πᵀ) v of every row: (..., A)."""
    out = np.empty(vector.shape)
    rows = out.reshape(-1, out.shape[-1])
    pi, v = probability.reshape(rows.shape), vector.reshape(rows.shape)
    for r in range(len(rows)):
        mean = 0.0
        for j in range(rows.shape[1]):
            mean += pi[r, j] * v[r, j]
        for j in range(rows.shape[1]):
            rows[r, j] = pi[r, j] * (v[r, j] - mean)
    return out


@compiled
def softmax_jacobian_change(probability: Any, change: Any, vector: Any) -> Any:
    """The derivative of (diag π - π πᵀ) v when π changes: π̇ ∘ (v - ⟨π, v⟩) - π ⟨π̇, v⟩."""
    out = np.empty(vector.shape)
    rows = out.reshape(-1, out.shape[-1])
    pi, dpi = probability.reshape(rows.shape), change.reshape(rows.shape)
    v = vector.reshape(rows.shape)
    for r in range(len(rows)):
        mean = dmean = 0.0
        for j in range(rows.shape[1]):
            mean += pi[r, j] * v[r, j]
            dmean += dpi[r, j] * v[r, j]
        for j in range(rows.shape[1]):
            rows[r, j] = dpi[r, j] * (v[r, j] - mean) - pi[r, j] * dmean
    return out
