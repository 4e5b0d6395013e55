"""Views of borrowed arrays are the arrays' own entries, and are not counted."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numba import njit

from fedrl.algorithms.estimators.networks.borrowed import borrowed, entries, put, taken


@njit
def total(row):
    if row[0] < 0:
        raise ValueError("negative")  # where a function may raise, numba keeps what it counts
    return row.sum()


@njit
def counted(matrix, order):
    found = 0.0
    for place in order:
        found += total(matrix[place])
    return found


@njit
def uncounted(matrix, order):
    matrix = borrowed(matrix)
    found = 0.0
    for place in order:
        found += total(matrix[place])
    return found


def references(function) -> int:
    """Instructions that count a reference, wherever they stand."""
    text = function.inspect_llvm(function.signatures[0])
    return len(re.findall(r"call void @NRT_(?:inc|dec)ref", text))


def test_a_view_of_a_borrowed_array_is_the_same_and_is_not_counted():
    matrix, order = np.arange(12.0).reshape(3, 4), np.array([2, 0, 2])
    assert counted(matrix, order) == uncounted(matrix, order) == 82.0
    assert references(uncounted) < references(counted)


@njit
def written(cube, first, count):
    part = entries(cube, first, count)
    for k in range(count):
        part[k] = -1.0


@njit
def of_what_is_left(count):
    made = np.ones(count)
    part = entries(made, 0, count)  # the array itself is read no more
    for _ in range(3):
        np.full(count, 7.0)
    return part.sum()


@pytest.mark.parametrize("count", [4, 300, 1_000_000])
def test_entries_hold_what_they_are_of(count):
    assert of_what_is_left(count) == count


def test_entries_are_those_of_the_array_in_order():
    cube = np.arange(12.0).reshape(2, 3, 2)
    expected = cube.copy().reshape(-1)
    expected[3:8] = -1.0
    written(cube, 3, 5)
    assert np.array_equal(cube.reshape(-1), expected)


@njit
def moved(values):
    first = taken(values, 0)
    put(values, 0, taken(values, 1))
    put(values, 1, first)
    return values


@njit
def of_pairs():
    values = moved([(1.0, 2), (3.0, 4)])
    return values[0], values[1]


@njit
def of_arrays(one, two):
    values = moved([one, two])
    values = moved(moved(values))  # every array is held, however often it moves
    return values[0].sum() - values[1].sum()


def test_lists_give_and_take_tuples_and_arrays():
    assert of_pairs() == ((3.0, 4), (1.0, 2))
    one, two = np.ones(3), np.zeros(3)
    assert of_arrays(one, two) == -3.0
    assert np.array_equal(one, np.ones(3))
