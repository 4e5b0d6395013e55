"""Families taken from Gymnasium's transition tables, and WindyCliff against its definition."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import gymnasium
import numpy as np
import pytest
from test_families import FAMILIES, row

from fedrl.envs.finite.cliff_walking import CliffWalking
from fedrl.envs.finite.frozen_lake import FrozenLake
from fedrl.envs.finite.mdp import TabularTask
from fedrl.envs.finite.tables import TableFamily
from fedrl.envs.finite.taxi import Taxi
from fedrl.envs.finite.windy_cliff import WindyCliff

STOCK: dict[str, tuple[TableFamily, Any]] = {
    "lake": (FrozenLake(), gymnasium.make("FrozenLake-v1")),
    "large lake": (FrozenLake(lake="8x8"), gymnasium.make("FrozenLake-v1", map_name="8x8")),
    "dry lake": (
        FrozenLake(slippery=False),
        gymnasium.make("FrozenLake-v1", is_slippery=False),
    ),
    "cliff": (CliffWalking(), gymnasium.make("CliffWalking-v1")),
    "wet cliff": (CliffWalking(slippery=True), gymnasium.make("CliffWalking-v1", is_slippery=True)),
    "taxi": (Taxi(), gymnasium.make("Taxi-v4")),
}
every_table = pytest.mark.parametrize("name", STOCK)

Row = dict[tuple[int, float, bool], float]  # (s', reward, ended): probability


def listed(entries: Any) -> Row:
    """A row of Gymnasium's table."""
    found: Row = defaultdict(float)
    for probability, following, reward, ended in entries:
        found[int(following), float(reward), bool(ended)] += float(probability)
    return dict(found)


def held(task: Any, s: int, a: int) -> Row:
    """A row of a lane of our task."""
    payoff = np.broadcast_to(task.payoff[s, a], task.chance[s, a].shape)
    outcomes = zip(task.successor[s, a], payoff, task.chance[s, a], strict=True)
    return {
        (int(x), float(paid), bool(task.terminal[x])): float(chance)
        for x, paid, chance in outcomes
        if chance > 0
    }


def visited(table: Any, start: Any) -> list[int]:
    """States in which an episode of Gymnasium's can be before it ends."""
    found, frontier = set(), np.flatnonzero(start).tolist()
    while frontier:
        s = frontier.pop()
        if s not in found:
            found.add(s)
            frontier += [x for row in table[s].values() for _, x, _, ended in row if not ended]
    return sorted(map(int, found))


@every_table
def test_without_slip_the_table_is_gymnasiums_exactly(name: str) -> None:
    """Successors, probabilities, rewards and ends of all rows an episode can use."""
    family, environment = STOCK[name]
    stock = environment.unwrapped
    task = row(family.sample(3, 0.0, np.random.default_rng(0)), 2)
    np.testing.assert_array_equal(task.start, stock.initial_state_distrib)
    assert (family.states, family.actions) == (stock.observation_space.n, stock.action_space.n)
    states = visited(stock.P, stock.initial_state_distrib)
    assert len(states) >= 11
    for s in states:
        for a in range(family.actions):
            if stock.P[s][a][0][1] == s and task.terminal[s]:
                continue  # holes and goals of the lake are in its table, where nothing happens
            assert held(task, s, a) == listed(stock.P[s][a])


@every_table
def test_rows_no_episode_uses_are_gymnasiums_too_except_that_ends_are_ends(name: str) -> None:
    family, environment = STOCK[name]
    table = environment.unwrapped.P
    task = row(family.sample(1, 0.0, np.random.default_rng(0)), 0)
    ends = {x for moves in table.values() for r in moves.values() for _, x, _, end in r if end}
    assert set(np.flatnonzero(task.terminal).tolist()) == {int(x) for x in ends}
    for s in range(family.states):
        for a in range(family.actions):
            ours = {(x, paid): p for (x, paid, _), p in held(task, s, a).items()}
            theirs = {(x, paid): p for (x, paid, _), p in listed(table[s][a]).items()}
            assert ours == ({(s, 0.0): 1.0} if s in ends else theirs)


def test_taxi_has_its_404_reachable_states() -> None:
    _, environment = STOCK["taxi"]
    stock = environment.unwrapped
    task = row(Taxi().sample(1, 0.0, np.random.default_rng(0)), 0)
    assert len(visited(stock.P, stock.initial_state_distrib)) + int(task.terminal.sum()) == 404


@every_table
@pytest.mark.parametrize("drift", [0.0, 0.25, 1.0])
def test_slip_mixes_the_table_as_stated(name: str, drift: float) -> None:
    """P = (1-p) P(·|a) + p [q P(·|right of a) + (1-q) P(·|left of a)], and R likewise."""
    family, _ = STOCK[name]
    stock = family.sample(1, 0.0, np.random.default_rng(0))
    slipping = family.pinned({"slip": 0.4, "drift": drift}).sample(1, 0.0, np.random.default_rng(0))
    for a in range(family.actions):
        right, left = family.sides.get(a, (a, a))
        for ours, table in ((slipping.kernel, stock.kernel), (slipping.reward, stock.reward)):
            sides = drift * table[:, :, right] + (1 - drift) * table[:, :, left]
            expected = 0.6 * table[:, :, a] + 0.4 * sides
            np.testing.assert_allclose(ours[:, :, a], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("family", [FrozenLake(slippery=False, lake="8x8"), CliffWalking(), Taxi()])
def test_sides_are_quarter_turns(family: TableFamily) -> None:
    """Right of right of a move is opposite to it, and left undoes right."""
    task: TabularTask = family.sample(1, 0.0, np.random.default_rng(0))
    to, reward = np.argmax(task.kernel[0], axis=-1), task.reward[0]
    for move, (right, left) in family.sides.items():
        assert family.sides[right][1] == move == family.sides[left][0]
        back = family.sides[right][0]
        assert back == family.sides[left][1]
        states = np.flatnonzero(to[:, move] != np.arange(len(to)))
        after = to[states, move]
        # A fall off the cliff leads back to the start, and after the end nothing moves.
        upright = (reward[states, move] > -100) & (reward[after, back] > -100)
        known = upright & ~task.terminal[0][after]
        assert known.sum() >= 11
        np.testing.assert_array_equal(to[after, back][known], states[known])


def test_the_right_of_north_is_east() -> None:
    for family, north, east in ((FrozenLake(), 3, 2), (CliffWalking(), 0, 1), (Taxi(), 1, 2)):
        assert family.sides[north][0] == east


def test_falls_are_paid_when_they_happen() -> None:
    """Between a wall and the cliff a slip from the start is free to one side and costs 100."""
    family = CliffWalking().pinned({"slip": 0.5, "drift": 0.5})
    task = row(family.sample(1, 0.0, np.random.default_rng(0)), 0)
    start, up = 36, 0
    assert held(task, start, up) == {
        (24, -1.0, False): 0.5,
        (start, -1.0, False): 0.25,
        (start, -100.0, False): 0.25,
    }
    assert task.reward[start, up] == -25.75
    kernel = family.kernel
    paid = [
        kernel.transition(task, kernel.initial(task, [0.5]), [up], [(u + 0.5) / 100])[1]
        for u in range(100)
    ]
    assert np.mean(paid) == pytest.approx(-25.75)


@pytest.mark.parametrize("name", ["frozen-lake", "cliff-walking", "taxi"])
def test_slip_above_one_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"slip is 1\.5; it must be a probability"):
        FAMILIES[name]().pinned({"slip": 1.5}).sample(2, 0.0, np.random.default_rng(0))


def test_maps_are_drawn() -> None:
    for name, first in (
        ("frozen-lake", "A F F F\nF H F H\nF F F H\nH F F G"),
        ("cliff-walking", ". . . . . . . . . . . .\n" * 3 + "A C C C C C C C C C C G"),
        ("windy-cliff", ". . . .\n. . . .\n. . . .\nA C C G"),
    ):
        env = gymnasium.make(FAMILIES[name].gymnasium_id, render_mode="ansi")
        env.reset(seed=0)
        assert env.render() == first
    riding = Taxi().text(0 * 100 + 1 * 20 + 4 * 4 + 2)  # row 0, column 1, riding, wants to Y
    assert riding.splitlines()[1] == "|R:A| : :G|"
    assert riding.endswith("passenger in the taxi, wants to Y")


# WindyCliff


def windy(wind: float) -> Any:
    return row(WindyCliff().pinned({"wind": wind}).sample(1, 0.0, np.random.default_rng(0)), 0)


def test_wind_blows_down_a_third_of_its_strength() -> None:
    """4 × 4: states row by row, start 12, cliff 13, 14, goal 15; up, right, down, left."""
    kernel = windy(0.6).kernel
    expected = {
        (8, 1): {9: 0.8, 12: 0.2},  # right along the cliff
        (9, 1): {10: 0.8, 13: 0.2},
        (9, 2): {13: 1.0},  # down is certain
        (5, 0): {1: 0.8, 9: 0.2},
        (0, 3): {0: 0.8, 4: 0.2},  # against the edge
        (12, 0): {8: 0.8, 12: 0.2},
        (12, 2): {12: 1.0},
        (13, 0): {12: 1.0},  # from the cliff and the goal back to the start
        (15, 3): {12: 1.0},
    }
    for (s, a), row_ in expected.items():
        probabilities = np.zeros(16)
        probabilities[list(row_)] = list(row_.values())
        np.testing.assert_allclose(kernel[s, a], probabilities, rtol=1e-12, atol=1e-15)


def test_rewards_belong_to_the_cell_and_nothing_ends() -> None:
    task = windy(0.5)
    expected = np.full(16, -1.0)
    expected[[13, 14]], expected[15] = -100.0, 100.0
    np.testing.assert_array_equal(task.reward, np.tile(expected[:, None], 4))
    assert not task.terminal.any()
    assert task.start[12] == 1


def test_wind_is_uniform_around_one_half() -> None:
    for kappa in (0.2, 1.0):
        task = WindyCliff().sample(2000, kappa, np.random.default_rng(0))
        wind = 3 * task.kernel[:, 9, 1, 13]
        assert wind.min() >= 0.5 - kappa / 2
        assert wind.max() <= 0.5 + kappa / 2
        np.testing.assert_allclose(wind.mean(), 0.5, atol=3 * kappa / np.sqrt(12 * 2000))
        np.testing.assert_allclose(wind.std(), kappa / np.sqrt(12), rtol=0.05)


def test_impossible_cliffs_are_refused() -> None:
    for option, value, least in (("width", 2, 3), ("height", 1, 2)):
        with pytest.raises(ValueError, match=f"{option} is {value}; it must be at least {least}"):
            WindyCliff(**{option: value})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"wind is 3\.5; it must be at most 3"):
        windy(3.5)
