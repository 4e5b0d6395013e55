"""Functions of vectors give the bits of one agent to many at once, arrays or tensors."""

import numpy as np
import pytest
import torch

from fedrl.algorithms import Trajectories
from fedrl.algorithms.estimators.lifting import flat, joined, normalised, root, summed, where

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
        lambda x: where(x > 0, x, 0),
        lambda x: joined([x, 2 * x]),
    ],
    ids=["summed", "normalised", "root", "where", "joined"],
)
def test_many_at_once_are_one_after_the_other(function, dtype):
    many = vectors(dtype)
    alone = torch.stack([function(one) for one in many])
    assert torch.equal(function(many), alone)
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
