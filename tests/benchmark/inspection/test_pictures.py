"""Laws of what is shown: the numbers are the agents' own, pictures and films come out the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from test_cli import Answer, assert_mistake, content, fedrl  # noqa: F401

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.inspection.federation import facts, federation, total_variation
from fedrl.benchmark.inspection.pictures.cast import cast
from fedrl.benchmark.inspection.pictures.film import _moments
from fedrl.benchmark.inspection.pictures.grids import drift
from fedrl.benchmark.inspection.pictures.layout import layout_of
from fedrl.benchmark.publishing.stored_run import original
from fedrl.benchmark.storage.parameters import beside
from fedrl.benchmark.storage.store import Store
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.rollout import Sampler, Stream
from fedrl.envs import FAMILIES
from fedrl.envs.finite.gridworld import GridWorld
from fedrl.envs.finite.maps import MOVES

Fedrl = Callable[..., Answer]
every_family = pytest.mark.parametrize("name", FAMILIES)
COMMON: dict[str, Any] = {"agents": 3, "rounds": 1, "local_steps": 1, "kappa": 0.6}


def stored(results: Path, family: str, algorithm: str = "fedpg", **more: Any) -> Path:
    """The file of a small run."""
    run = Run(Config(family=family, algorithm=algorithm, **COMMON, **more), Seed("test", 1))
    result, store = train([run])[0], Store(results, "study")
    store.save(run, result.columns, result.seconds, result.parameters)
    return store.path(run)


@every_family
def test_facts_are_those_of_a_runs_agents(name: str) -> None:
    shown = federation(name, 4, 0.6, 2, [])
    task = FAMILIES[name]().sample(4, 0.6, Seed("test", 2).generator("environment"))
    for field, ours in zip(task, shown.task, strict=True):
        np.testing.assert_array_equal(field, ours)
    for fact in facts(shown):
        assert fact.values.shape == (4,)
        if fact.name in task._fields:
            np.testing.assert_array_equal(fact.values, getattr(task, fact.name))


def test_a_whole_numbers_knob_is_shown_as_its_agents_have_it() -> None:
    ranges = "ranges={frame_skip = [2, 4, 6], action_noise = [0.0, 0.0, 0.2]}"
    shown = federation("gymnasium", 4, 1.0, 0, ["id=Swimmer-v5", ranges])
    skips, noise = (fact.values for fact in facts(shown))
    assert set(skips) <= {2, 3, 4, 5, 6}
    np.testing.assert_array_equal(np.stack([skips, noise], axis=1), shown.task.values)


def test_total_variation_is_half_the_largest_change_of_any_events_probability() -> None:
    kernel = np.array([[[[0.5, 0.5, 0.0]]], [[[0.1, 0.5, 0.4]]]])
    np.testing.assert_allclose(total_variation(kernel), [[[0.2]], [[0.2]]], rtol=1e-12)
    assert (total_variation(np.repeat(kernel[:1], 5, axis=0)) == 0).all()


def test_a_grids_states_lie_where_its_map_shows_them() -> None:
    family = GridWorld(width=4, height=3, walls=((1, 1), (0, 2)), start=(2, 0))
    layout = layout_of(family)
    assert layout is not None
    assert layout.places == [divmod(state, 4) for state in range(12)]
    assert ["".join(row) for row in layout.rows] == ["..#.", ".#..", "...G"]
    assert layout_of(FAMILIES["random-mdp"]()) is None
    assert layout_of(FAMILIES["cartpole"]()) is None


@pytest.mark.parametrize("direction", range(4))
def test_drift_points_where_the_wind_blows(direction: int) -> None:
    """In the middle of the grid nothing else moves an agent whose actions are equally likely."""
    family = GridWorld(width=5, height=5).pinned({"wind": 0.3, "direction": direction})
    layout = layout_of(family)
    assert layout is not None
    kernel = family.sample(1, 0.0, np.random.default_rng(0)).kernel[0]
    np.testing.assert_allclose(
        drift(kernel, layout)[12], 0.3 * np.array(MOVES[direction]), rtol=0, atol=1e-12
    )


@every_family
def test_a_film_is_an_episode_of_the_engine(name: str) -> None:
    """Step for step: its length, and the return in its captions."""
    shown = federation(name, 3, 0.6, 0, ["horizon=30"])
    theta = np.random.default_rng(3).normal(0, 0.3, (3, shown.policy.size))
    keys = np.full(3, shown.seed.key("film"), np.uint64)
    stream = Stream(keys, np.arange(3), 0)
    played = Sampler(shown.family, shown.policy, shown.task).sample(theta, stream, 1)
    for agent in range(3):
        moments = _moments(shown, theta, agent, 30)
        assert len(moments) == 1 + played.length[agent, 0]
        total = played.reward[agent, 0, : played.length[agent, 0]].sum()
        np.testing.assert_allclose(moments[-1].reward, total, rtol=1e-12, atol=1e-12)
        assert len(_moments(shown, theta, agent, 2)) == min(3, len(moments))


@pytest.mark.parametrize(
    "name",
    ["cartpole", *(pytest.param(n, marks=pytest.mark.long) for n in ("gridworld", "random-mdp"))],
)
def test_show_draws_the_same_bytes_again(fedrl: Fedrl, tmp_path: Path, name: str) -> None:  # noqa: F811
    arguments = ["show", name, "--kappa", "0.8", "--set", "horizon=20"]
    answer = json.loads(fedrl(*arguments, "--out", "one", "--json").out)
    assert fedrl(*arguments, "--out", "two").code == 0
    one, two = content(tmp_path / "one"), content(tmp_path / "two")
    assert one == two
    assert sorted(answer["pictures"]) == sorted(f"one/{name}" for name in one)
    assert {Path(name).suffix for name in one} == {".png", ".svg"}
    assert fedrl(*arguments, "--out", "three", "--set", "discount=0.5", "--seed", "1").code == 0
    assert content(tmp_path / "three") != one


@pytest.mark.usefixtures("undrawn")
def test_many_agents_are_summed_up(fedrl: Fedrl) -> None:  # noqa: F811
    shown = fedrl("show", "cartpole", "--agents", "30", "--set", "horizon=20").out
    assert "median" in shown
    assert "agent 0" not in shown
    assert "agent 4" in fedrl("show", "cartpole", "--agents", "5", "--set", "horizon=20").out


@pytest.mark.parametrize("algorithm", ["fedpg", "projpavg", "qavg"])
def test_a_film_acts_as_its_run_did(algorithm: str, tmp_path: Path) -> None:
    """θ of a finite MDP may hold logits, probabilities or values."""
    run = stored(tmp_path / "results", "gridworld", algorithm)
    drawn, theta = cast("gridworld", str(run), tmp_path)
    own = original(str(run), tmp_path)
    assert own.parameters is not None
    chances = own.run.config.build_policy().probabilities(own.parameters)
    np.testing.assert_allclose(
        drawn.policy.probabilities(theta), np.repeat(chances, 3, 0), atol=1e-12
    )


def test_render_films_all_agents_step_by_step(fedrl: Fedrl, tmp_path: Path) -> None:  # noqa: F811
    """As many frames as the longest episode has states; wider with more agents; same bytes."""
    run = stored(tmp_path / "results", "gridworld")
    shown = fedrl("render", "gridworld", "--policy", str(run), "--out", "a.gif", "--steps", "12")
    assert shown.out == "a.gif\n"
    film: Any = Image.open("a.gif")
    assert 2 <= film.n_frames <= 13
    assert f"3 agents, {film.n_frames} frames" in shown.err
    arguments = ("render", "gridworld", "--policy", str(run), "--steps", "12")
    fedrl(*arguments, "--out", "b.gif")
    assert Path("a.gif").read_bytes() == Path("b.gif").read_bytes()
    fedrl(*arguments, "--out", "c.gif", "--agents", "1")
    assert Image.open("c.gif").width < film.width


@pytest.mark.parametrize(
    ("family", "algorithm", "more", "words"),
    [
        ("cartpole", "fedpg", [], ["is a run of random-mdp", "cannot act in cartpole"]),
        ("random-mdp", "fedpg", [], ["random-mdp has no picture"]),
        ("random-mdp", "fedpg", ["--out", "a.avi"], ["suffix '.avi'", ".gif"]),
        ("random-mdp", "fedpg", ["--set", "size=7"], ["25 parameters", "needs 35"]),
        ("random-mdp", "independent-pg", ["--agents", "9"], ["each of its 3 agents"]),
    ],
)
def test_what_cannot_be_filmed_is_said_in_one_line(
    fedrl: Fedrl,  # noqa: F811
    tmp_path: Path,
    family: str,
    algorithm: str,
    more: list[str],
    words: list[str],
) -> None:
    run = stored(tmp_path / "results", "random-mdp", algorithm)
    before = content(tmp_path)
    assert_mistake(fedrl("render", family, "--policy", str(run), *more), *words)
    assert content(tmp_path) == before


def test_a_run_without_parameters_is_named(fedrl: Fedrl, tmp_path: Path) -> None:  # noqa: F811
    run = stored(tmp_path / "results", "gridworld")
    beside(run).unlink()
    answer = fedrl("render", "gridworld", "--policy", str(run))
    assert_mistake(answer, "no parameters are stored beside", run.name)
