"""Grids drawn in characters, and goals that differ between agents."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from test_families import rng

from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.study import load_study
from fedrl.envs import FAMILIES
from fedrl.envs.finite import maps
from fedrl.envs.finite.gridworld import GridWorld


def assert_same(one: Any, two: Any) -> None:
    for name, left, right in zip(one._fields, one, two, strict=True):
        np.testing.assert_array_equal(left, right, err_msg=name)


FIELD = """
S.#
..G
"""


def goals(task: Any) -> list[list[int]]:
    return [np.flatnonzero(row).tolist() for row in task.terminal]


def test_a_map_is_the_grid_of_its_coordinates() -> None:
    drawn = GridWorld(map=FIELD)
    told = GridWorld(height=2, width=3, start=(0, 0), goal=(1, 2), walls=((0, 2),))
    assert drawn.layout == told.layout
    assert (drawn.states, drawn.text(0)) == (6, "A . #\n. . G")
    assert_same(drawn.sample(3, 0.7, rng()), told.sample(3, 0.7, rng()))


@pytest.mark.parametrize("lines", ["S.#\n..G", ("S.#", "..G"), "\n  S.#\n  ..G\n\n"])
def test_text_and_lines_are_the_same_map(lines: Any) -> None:
    assert maps.read(lines) == maps.read(FIELD)


def test_every_goal_pays_and_ends_the_episode() -> None:
    family = GridWorld(map="G.S.G").pinned({"slip": 0.0})
    task = family.sample(2, 0.0, rng())
    assert goals(task) == [[0, 4]] * 2
    right, left = 1, 3
    np.testing.assert_allclose(task.reward[0, [3, 1], [right, left]], 1 - family.step_cost)
    np.testing.assert_allclose(task.reward[0, [3, 1], [left, right]], -family.step_cost)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("S..\n..\n..G", "line 2 of the map is '..'; it must be as long as the first: 3 cells"),
        ("..\n.G", r"number of S \(start\) in the map is 0; it must be 1"),
        ("SS\n.G", r"number of S \(start\) in the map is 2; it must be 1"),
        ("S.\n..", r"number of G \(goals\) in the map is 0; it must be 1 or more"),
        ("S.\nxG", r"cell in line 2 of the map is 'x'; it must be S \(start\), G \(goal\), # \(wa"),
        ("S#G", r"goal is \(0, 2\); it must be reachable from the start"),
        ("S.G\n###\n..G", r"goal is \(2, 2\); it must be reachable from the start"),
        ("\n", "map is '.n'; it must be one line of characters per row"),
    ],
)
def test_impossible_maps_are_refused(lines: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GridWorld(map=lines)


def test_a_map_replaces_the_coordinates() -> None:
    for option, value in (("width", 7), ("start", (1, 1)), ("goal", (0, 1)), ("walls", ((0, 1),))):
        with pytest.raises(ValueError, match=f"{option} is .* must be left out: a map is given"):
            GridWorld(map=FIELD, **{option: value})  # type: ignore[arg-type]


def test_maps_in_a_study(tmp_path: Any) -> None:
    """A text or a list of lines is one map; a list of lists is several."""
    study = """
title = "maps"
description = "maps"
seeds = 1
[settings]
rounds = 1
[algorithms.fedpg]
[families.gridworld]
map = MAP
"""
    for text, count in (
        ('"""\nS.#\n..G\n"""', 1),
        ('["S.#", "..G"]', 1),
        ('[["S.#", "..G"], ["SG"]]', 2),
    ):
        path = tmp_path / "maps.toml"
        path.write_text(study.replace("MAP", text))
        configs = load_study(path).configs()
        assert len(configs) == count
        family: Any = configs[0].build_family()
        assert family.layout == maps.read(FIELD)
        assert Config(**configs[0].model_dump()) == configs[0]


# Goals of their own


def test_goals_move_with_probability_kappa() -> None:
    family = GridWorld(vary_goal=True)
    assert goals(family.sample(5, 0.0, rng())) == [[24]] * 5
    own = np.array(goals(family.sample(3000, 0.4, rng())))[:, 0]
    assert np.mean(own != 24) == pytest.approx(0.4, abs=3 * np.sqrt(0.24 / 3000))
    assert 0 not in own  # the start
    everyone = np.array(goals(family.sample(3000, 1.0, rng())))[:, 0]
    counts = np.bincount(everyone, minlength=25)
    assert counts[0] == counts[24] == 0
    expected = 3000 / 23
    np.testing.assert_allclose(counts[1:24], expected, atol=5 * np.sqrt(expected))


def test_goals_are_drawn_from_those_of_the_map() -> None:
    family = GridWorld(map="G.S.G\n..#.G", vary_goal=True)
    task = family.sample(400, 0.5, rng())
    own = [only for (only,) in goals(task)]
    assert set(own) == {0, 4, 9}
    assert abs(np.mean(np.array(own) == 0) - 0.5) < 0.1


def test_varying_goals_change_no_knob_and_no_other_agent() -> None:
    """And agent i is the same in a larger federation."""
    fixed, varied = GridWorld(), GridWorld(vary_goal=True)
    assert_same(fixed.sample(4, 0.0, rng()), varied.sample(4, 0.0, rng()))
    small, large = varied.sample(3, 0.8, rng()), varied.sample(9, 0.8, rng())
    assert_same(small, type(large)(*(field[:3] for field in large)))
    stays = [i for i, own in enumerate(goals(large)) if own == [24]]
    plain = fixed.sample(9, 0.8, rng())
    assert 0 < len(stays) < 9
    for i in stays:
        np.testing.assert_array_equal(large.kernel[i], plain.kernel[i])


def test_the_view_draws_the_agents_own_goal() -> None:
    assert FAMILIES["gridworld"] is GridWorld
    drawings = set()
    for agent in range(8):
        env = gymnasium.make(
            "FedRL/GridWorld-v0", render_mode="ansi", kappa=1.0, agent=agent, map="G.S.G\n..#.G",
            vary_goal=True,
        )  # fmt: skip
        env.reset(seed=0)
        drawings.add(env.render())
    assert drawings == {". . A . G\n. . # . .", ". . A . .\n. . # . G"}
