"""tanh, exp and log of vectors: within what they say, and in single precision to the last bit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit

from fedrl.algorithms.estimators.networks import exponential, tanh
from fedrl.algorithms.estimators.networks.tanh import tanh_into

EVERY = 1 << 32  # numbers of single precision
PART = 1 << 24


def test_the_vector_hyperbolic_tangent():
    """Within 1e-14 everywhere, to the last decade above zero, NaN and infinities included."""
    tiny = 10.0 ** np.arange(-300, 0, 0.1)
    x = np.concatenate([np.linspace(-30, 30, 10_001), tiny, -tiny, [0, np.inf, -np.inf, np.nan]])
    out = np.empty_like(x)
    tanh_into(x, out)
    np.testing.assert_allclose(out, [math.tanh(value) for value in x], rtol=1e-14, atol=0)
    compiled = njit(lambda z, out: tanh_into(z, out))
    for dtype in (np.float32, np.float64):
        for size in (0, 1, 7, 8, 9, 31, 32, 33, 100, len(x)):  # and nothing beyond the vector
            z = x[len(x) - size :].astype(dtype)
            expected, found = np.full((2, size + 1), 7, dtype)
            tanh_into(z, expected[:size])
            compiled(z, found[:size])
            np.testing.assert_array_equal(found, expected)


@njit
def compiled_tanh(z, out):
    tanh_into(z, out)


@njit
def compiled_double_tanh(z, out):
    for i in range(0, len(z), tanh.NARROW):
        tanh.narrow(z, out, i)


@njit
def compiled_exp(x):
    exponential.exp_into(x)


@njit
def c_exp(x):
    for i in range(len(x)):
        x[i] = math.exp(x[i])


@njit
def compiled_log(x):
    exponential.log_into(x)


@njit
def uncertain(x):
    """How many blocks of tanh and entries of exp are not certain."""
    out, blocks, entries = np.empty_like(x), 0, 0
    for i in range(0, len(x), tanh.NARROW):
        blocks += not tanh.quick_narrow(x, out, i)
    for i in range(len(x)):
        entries += not exponential.exp_one(x, i)
    return blocks, entries


@njit
def rounded(a, b, total, near):
    out = np.empty_like(a)
    for i in range(len(a)):
        out[i] = exponential.less_log(a[i], b[i], total[i], near[i])
    return out


def assert_same_bits(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(found.view(np.uint32), expected.view(np.uint32))


@pytest.fixture(params=[pytest.param(1, marks=pytest.mark.long), 4099], ids=["every", "some"])
def numbers(request):
    """Numbers of single precision, all of them or one in some thousand, part after part."""
    step = request.param
    return (
        np.arange(first, min(first + PART * step, EVERY), step, np.uint32)
        for first in range(0, EVERY, PART * step)
    )


def test_single_precision_is_double_precision_rounded(numbers):
    for part in numbers:
        z = part[: len(part) // 8 * 8].view(np.float32)
        found, expected = np.empty_like(z), np.empty_like(z)
        compiled_tanh(z, found)
        compiled_double_tanh(z, expected)
        assert_same_bits(found, expected)


@pytest.mark.parametrize("largest", [tanh.NEAR, 8])
def test_few_entries_are_left_to_what_is_slow(largest):
    """One in some ten thousand of tanh, one in a hundred of exp."""
    x = -np.random.default_rng(0).uniform(0.01, largest, 1 << 20).astype(np.float32)
    blocks, entries = uncertain(x)
    assert 0 < blocks < len(x) / 10_000
    assert 0 < entries < len(x) / 100


def test_the_exponential_is_the_c_librarys(numbers):
    for part in numbers:
        found, expected = part.view(np.float32).copy(), part.view(np.float32).copy()
        compiled_exp(found)
        c_exp(expected)
        same = np.isnan(found) & np.isnan(expected)
        assert_same_bits(np.where(same, 0, found), np.where(same, 0, expected))


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 31, 100])
def test_an_exponential_does_not_depend_on_its_place(size):
    """And double precision is left to the C library."""
    draws = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        x = (3 * draws.normal(size=size + 1)).astype(dtype)
        found = x.copy()
        compiled_exp(found[:size])
        expected = np.array([math.exp(float(value)) for value in x[:size]]).astype(dtype)
        np.testing.assert_allclose(found[:size], expected, rtol=np.finfo(dtype).eps, atol=0)
        assert found[size] == x[size]
        alone = [x[i : i + 1].copy() for i in range(size)]
        for one in alone:
            compiled_exp(one)
        np.testing.assert_array_equal(found[:size], np.concatenate([*alone, x[:0]]))


def test_logarithms_are_near_enough_for_what_is_rounded():
    draws = np.random.default_rng(0)
    total = np.concatenate(
        [1 + 10.0 ** draws.uniform(-16, 2, 100_001), [1, 2, 4, 1 + 2.0**-52, math.sqrt(2), np.nan]]
    )
    near = total.copy()
    compiled_log(near)
    error = np.abs(near - np.log(total)) / np.where(total == 1, 1, np.log(total))
    assert np.nanmax(error) < exponential.CERTAIN / 2
    for dtype in (np.float32, np.float64):
        a, b = (3 * draws.normal(size=(2, len(total)))).astype(dtype)
        for shift in (b, np.zeros_like(b)):
            expected = (a - (shift + np.array([math.log(t) for t in total]))).astype(dtype)
            np.testing.assert_array_equal(rounded(a, shift, total, near), expected)
