"""Functions of vectors give the bits of one agent to many at once, arrays or tensors."""

import math

import numpy as np
import pytest
import torch
from torch.func import vmap

from fedrl.algorithms import Trajectories
from fedrl.algorithms.estimators.lifting import (
    exponential,
    flat,
    joined,
    logarithm,
    normalised,
    power,
    root,
    summed,
    where,
)

LANES, D = 13, 21


def vectors(dtype: torch.dtype) -> torch.Tensor:
    """Vectors (L, d) of many sizes, one of them 0."""
    generator = torch.Generator().manual_seed(0)
    found = torch.randn(LANES, D, generator=generator, dtype=dtype)
    found *= torch.logspace(-8, 8, LANES, dtype=dtype).unsqueeze(-1)
    found[3] = 0
    return found


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "function",
    [
        summed,
        normalised,
        lambda x: root(x * x + 1),
        lambda x: exponential(normalised(x)),
        lambda x: logarithm(x * x + 1),
        lambda x: power(x * x + 1, -0.3),
        lambda x: where(x > 0, x, 0),
        lambda x: joined([x, 2 * x]),
    ],
    ids=["summed", "normalised", "root", "exp", "log", "power", "where", "joined"],
)
def test_many_at_once_are_one_after_the_other(function, dtype):
    many = vectors(dtype)
    alone = torch.stack([function(one) for one in many])
    assert torch.equal(function(many), alone)
    assert torch.equal(vmap(function)(many), alone)
    found = function(many.numpy())
    assert isinstance(found, np.ndarray)
    assert found.dtype == alone.numpy().dtype
    assert np.array_equal(found, alone.numpy())


def test_steps_become_one_axis():
    assert flat(np.zeros((5, 2, 3))).shape == (5, 6)
    assert flat(torch.zeros(2, 3)).shape == (6,)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_mean_returns_of_many_agents_are_a_column(dtype):
    generator = torch.Generator().manual_seed(1)
    reward = torch.randn(LANES, 2, 5, generator=generator, dtype=dtype)
    length = torch.randint(1, 6, (LANES, 2), generator=generator)
    alive = torch.arange(5) < length.unsqueeze(-1)
    reward = torch.where(alive, reward, float("nan"))  # padding is never read
    steps, end = torch.zeros(LANES, 2, 5, 1, dtype=dtype), torch.zeros(LANES, 2, 1, dtype=dtype)
    none, theta = torch.zeros_like(reward), torch.zeros(LANES, D, dtype=dtype)
    batch = Trajectories(steps, steps, reward, none, length, end, length < 5, theta, none)
    alone = [Trajectories(*each).mean_return(0.9) for each in zip(*batch, strict=True)]
    assert alone[0].dim() == 0
    expected = sum(0.9**h * reward[0, b, h] for b in range(2) for h in range(length[0, b])) / 2
    torch.testing.assert_close(alone[0], expected)
    found = Trajectories(*(part.numpy() for part in batch)).mean_return(0.9)
    assert np.array_equal(found, torch.stack(alone).unsqueeze(-1).numpy())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_elementary_functions_are_those_of_the_c_library(dtype):
    x = np.exp(np.random.default_rng(0).normal(size=(500, 3))).astype(dtype)
    exact = {exponential: math.exp, logarithm: math.log, root: math.sqrt}
    for function, scalar in exact.items():
        expected = np.vectorize(lambda each, scalar=scalar: scalar(float(each)))(x)
        bound = 0 if dtype == np.float64 else 2e-7  # the library has functions of its own for them
        np.testing.assert_allclose(function(x), expected, rtol=bound)
    expected = np.vectorize(lambda each: math.pow(float(each), -0.3))(x)
    np.testing.assert_allclose(power(x, -0.3), expected, rtol=0 if dtype == np.float64 else 3e-7)


def test_roots_are_rounded_correctly():
    """As numbers of twice the digits say; torch's own are off by a digit in one case of five."""
    x = torch.rand(1000, generator=torch.Generator().manual_seed(2))
    exact = np.sqrt(x.numpy().astype(np.float64)).astype(np.float32)
    assert np.array_equal(root(x).numpy(), exact)
