"""Linear systems, solved in the same order of operations on every machine."""

from __future__ import annotations

from typing import Any

from numba.extending import register_jitable


@register_jitable(error_model="numpy")  # NaN in, NaN out: no exception
def solve(matrix: Any, right: Any) -> None:
    """right ← matrix⁻¹ right by elimination with partial pivoting; both are overwritten."""
    size = len(right)
    for column in range(size):
        pivot = column
        for row in range(column + 1, size):
            if abs(matrix[row, column]) > abs(matrix[pivot, column]):
                pivot = row
        if pivot != column:
            for j in range(size):
                matrix[column, j], matrix[pivot, j] = matrix[pivot, j], matrix[column, j]
            right[column], right[pivot] = right[pivot], right[column]
        for row in range(column + 1, size):
            factor = matrix[row, column] / matrix[column, column]
            if factor != 0.0:
                for j in range(column, size):
                    matrix[row, j] -= factor * matrix[column, j]
                right[row] -= factor * right[column]
    for row in range(size - 1, -1, -1):
        total = right[row]
        for j in range(row + 1, size):
            total -= matrix[row, j] * right[j]
        right[row] = total / matrix[row, row]
