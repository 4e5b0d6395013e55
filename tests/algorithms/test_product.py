"""Products of matrices: one chain of fused multiply-adds per entry, on every processor."""

from __future__ import annotations

from fractions import Fraction
from itertools import product as pairs

import numpy as np
import pytest
from numba import njit

from fedrl.algorithms.estimators.networks.product import NARROW, WIDE, product

SIZES = (1, 2, 3, NARROW, 9, WIDE, WIDE + NARROW, 3 * WIDE + 2)


@njit
def compiled(a, b):
    return product(a, b)


def rounded(value: Fraction, bits: int) -> Fraction:
    """To the nearest number with so many binary digits, to the even one of two."""
    if value == 0:
        return value
    size = value.numerator.bit_length() - value.denominator.bit_length()
    size += abs(value) >= Fraction(2) ** size
    scale = Fraction(2) ** (bits - size)
    return round(value * scale) / scale


def chain(row: np.ndarray, column: np.ndarray, bits: int) -> float:
    """Σ_k row_k column_k from 0, each product added and rounded once."""
    total = Fraction(0)
    for one, other in zip(row.tolist(), column.tolist(), strict=True):
        total = rounded(Fraction(one) * Fraction(other) + total, bits)
    return float(total)


def drawn(rows: int, inner: int, columns: int, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng([rows, inner, columns])
    a, b = (generator.standard_normal(size) for size in ((rows, inner), (inner, columns)))
    return a.astype(dtype), b.astype(dtype)


@pytest.mark.parametrize(("dtype", "bits"), [(np.float32, 24), (np.float64, 53)])
def test_an_entry_is_one_chain_of_fused_multiply_adds(dtype: type, bits: int) -> None:
    a, b = drawn(13, 37, WIDE + NARROW + 3, dtype)
    expected = [[chain(row, column, bits) for column in b.T] for row in a]
    np.testing.assert_array_equal(compiled(a, b), np.array(expected, dtype))


@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.long)])
@pytest.mark.parametrize("rows", [1, 3, 4, 7, 8, 13, 64])
def test_an_entry_depends_on_nothing_beside_it(dtype: type, rows: int) -> None:
    """Nor on how the operands lie in memory: of one row or column, see below."""
    for inner, columns in pairs((1, 5, 64), SIZES):
        a, b = drawn(rows, inner, columns, dtype)
        whole = compiled(a, b)
        assert whole.shape == (rows, columns)
        assert whole.flags.c_contiguous
        np.testing.assert_allclose(whole, a @ b, rtol=0, atol=inner * np.finfo(dtype).eps * 16)
        if 1 not in (rows, columns):
            np.testing.assert_array_equal(compiled(a.T.copy().T, b.T.copy().T), whole)
        for place in {0, rows // 2, rows - 1}:
            np.testing.assert_array_equal(compiled(a[place : place + 1], b)[0], whole[place])
        part = compiled(a, b[:, columns // 2 :].copy())
        np.testing.assert_array_equal(part, whole[:, columns // 2 :])


@pytest.mark.long
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rows", "columns"), [(1, 11), (1, 37), (13, 1), (1, 1)])
def test_one_operand_may_lie_otherwise_than_the_other(dtype: type, rows: int, columns: int) -> None:
    """A single row or column lies both ways: each pair of ways is compiled for a second."""
    for inner in (1, 5, 64):
        a, b = drawn(rows, inner, columns, dtype)
        found = compiled(a.T.copy().T, b.T.copy().T)
        np.testing.assert_array_equal(found, compiled(a, b))


def test_a_sum_of_nothing_is_zero_and_a_product_of_no_rows_has_none() -> None:
    a, b = drawn(3, 0, 5, np.float64)
    np.testing.assert_array_equal(compiled(a, b), np.zeros((3, 5)))
    a, b = drawn(0, 4, 5, np.float64)
    assert compiled(a, b).shape == (0, 5)


def test_what_is_not_a_number_stays_in_its_row_and_column() -> None:
    a, b = drawn(9, 6, NARROW + 1, np.float32)
    a[4, 2], b[3, 8] = np.nan, np.inf
    found = compiled(a, b)
    assert np.isnan(found[4]).all()
    others = np.delete(found, 4, axis=0)
    assert np.isinf(others[:, 8]).all()
    assert np.isfinite(np.delete(others, 8, axis=1)).all()
