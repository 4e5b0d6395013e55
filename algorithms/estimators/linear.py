"""Linear systems, solved in the same order of operations on every machine."""

import math
from typing import Any

from numba import njit

from fedrl.algorithms.estimators.compilation import jitable


@jitable(error_model="numpy")  # NaN in, NaN out: no exception
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


@njit(cache=True)
def orthonormal_rows(matrix):  # type: ignore[no-untyped-def]
    """Makes the rows (m, n), m ≤ n, orthonormal, in order: Gram and Schmidt, each row twice."""
    rows, columns = matrix.shape
    for i in range(rows):
        for _ in range(2):  # a second pass removes what rounding has left
            for k in range(i):
                along = 0.0
                for j in range(columns):
                    along += matrix[i, j] * matrix[k, j]
                for j in range(columns):
                    matrix[i, j] -= along * matrix[k, j]
        square = 0.0
        for j in range(columns):
            square += matrix[i, j] * matrix[i, j]
        length = math.sqrt(square)
        for j in range(columns):
            matrix[i, j] /= length
