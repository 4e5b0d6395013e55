"""Randomness as data: known answers, independence of streams, uniformity."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training.noise import START, fill_rows, philox, uniform_lanes


@pytest.mark.parametrize(
    ("key", "counter", "words"),
    [
        (0, (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (
            0xFFFFFFFFFFFFFFFF,
            (0xFFFFFFFF,) * 4,
            (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
        ),
        (
            0x299F31D0A4093822,
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_known_answers(key, counter, words):
    """Salmon et al. 2011, Random123 known-answer vectors for philox4x32-10."""
    assert tuple(int(w) for w in philox(np.uint64(key), *map(np.uint64, counter))) == words


def lanes(seeds, draw=0, episodes=2, at=0, numbers=5):
    keys = np.array([seed.key("training-0") for seed in seeds], np.uint64)
    out = np.empty((len(seeds) * episodes, numbers))
    uniform_lanes(out, keys, np.zeros(len(seeds), np.int64), draw, episodes, at)
    return out


def test_a_lane_reads_the_same_numbers_wherever_it_stands():
    seeds = [Seed("test", index) for index in range(4)]
    together = lanes(seeds)
    for place, seed in enumerate(seeds):
        np.testing.assert_array_equal(lanes([seed]), together[2 * place : 2 * place + 2])


@njit
def filled(out, keys, agents, draws, episodes, times):
    for pair in range(len(out) // 2):
        fill_rows(out, pair, keys, agents, draws, episodes, times)


def test_slots_beside_each_other_read_the_numbers_of_their_own_lanes():
    """Of any keys and counters, also those whose highest bits are set."""
    draws = np.random.default_rng(0)
    keys = draws.integers(0, 2**64, 8, np.uint64)
    counters = draws.integers(0, 2**32, (4, 8))
    counters[2] %= 4  # `uniform_lanes` counts episodes from 0
    counters[3] //= 2  # later pairs stay words of 32 bits
    rows = np.empty((6, 8))
    filled(rows, keys.view(np.int64), *counters)
    for slot, (agent, draw, episode, at) in enumerate(counters.T):
        alone = np.empty((episode + 1, 6))
        uniform_lanes(alone, keys[slot : slot + 1], np.array([agent]), draw, episode + 1, at)
        np.testing.assert_array_equal(rows[:, slot], alone[episode])


def test_every_counter_and_key_gives_other_numbers():
    base = lanes([Seed("test", 0)])
    others = [
        lanes([Seed("test", 1)]),
        lanes([Seed("tune", 0)]),
        lanes([Seed("select", 0)]),
        lanes([Seed("test", 0)], draw=1),
        lanes([Seed("test", 0)], at=START),
    ]
    for other in others:
        assert not np.isin(other, base).any()
    assert not np.isin(base[0], base[1]).any()


def test_numbers_are_uniform_on_the_unit_interval():
    out = np.sort(lanes([Seed("test", index) for index in range(200)], numbers=50).ravel())
    assert out[0] >= 0
    assert out[-1] < 1
    empirical = np.arange(len(out)) / len(out)
    # Kolmogorov-Smirnov distance; 1.95 / √n is exceeded with probability 1e-3
    assert np.abs(out - empirical).max() < 1.95 / np.sqrt(len(out))


def test_sequential_generators_of_different_purposes_differ():
    seed = Seed("test", 3)
    first = seed.generator("environment").random(4)
    np.testing.assert_array_equal(first, seed.generator("environment").random(4))
    assert not np.isin(first, seed.generator("parameters").random(4)).any()
