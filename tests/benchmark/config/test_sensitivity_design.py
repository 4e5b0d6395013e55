"""Laws of designs: what is tried, that all are tried at the same, and what mistakes are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fedrl.benchmark.config.spaces.axis import Axis
from fedrl.benchmark.config.spaces.design import Design, projected
from fedrl.benchmark.config.study import Study, load_study
from fedrl.benchmark.config.study_file import StudyError

TEXT = """
title = "A design"
seeds = 2
[settings]
kappa = [0.0, 1.0]
agents = 3
budget = 600
rounds = 100
[design]
evaluations = 5
[design.space.beta]
values = [0.2, 0.5, 1.0]
[design.space.step_size]
low = 0.25
high = 4.0
levels = 3
relative = true
[design.space.local_steps]
values = [1, 4]
[design.space.server_step_size]
values = [0.5, 1.0]
relative = true
[families.random-mdp]
size = 3
horizon = 10
step_size = 0.1
[families.gridworld]
horizon = 20
step_size = 2.0
[families.gridworld.algorithms.fedpg]
step_size = 4.0
[algorithms.fedpg]
[algorithms.fedsvrpg-m]
"""
SOBOL = ["design.kind=sobol", "design.points=32"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "mine.toml"
    file.write_text(TEXT)
    return file


def tried(study: Study) -> dict[tuple[str, ...], set[tuple[float, ...]]]:
    """(family, κ, N, algorithm) -> the coordinates it is tried at."""
    found: dict[tuple[str, ...], set[tuple[float, ...]]] = {}
    for config in study.configs():
        place = config.family, str(config.kappa), str(config.agents), config.algorithm
        found.setdefault(place, set()).add(tuple(study.coordinates[config.id].items()))
    return found


@pytest.mark.parametrize("overrides", [[], SOBOL])
def test_one_design_is_shared_by_all_environments(path: Path, overrides: list[str]) -> None:
    everywhere = tried(load_study(path, overrides))
    assert len(everywhere) == 2 * 2 * 2
    for algorithm in ("fedpg", "fedsvrpg-m"):
        own = [points for place, points in everywhere.items() if place[-1] == algorithm]
        assert all(points == own[0] for points in own)


def test_a_grid_is_the_product_of_its_levels_and_projects_without_repeats(path: Path) -> None:
    study = load_study(path)
    sizes = {place[-1]: len(points) for place, points in tried(study).items()}
    assert sizes == {"fedsvrpg-m": 3 * 3 * 2 * 2, "fedpg": 3 * 2 * 2}  # fedpg has no β
    assert len({config.id for config in study.configs()}) == len(study.configs()) == 4 * (36 + 12)


def test_what_an_algorithm_lacks_has_no_coordinate(path: Path) -> None:
    study = load_study(path)
    for config in study.configs():
        assert ("beta" in study.coordinates[config.id]) == ("beta" in config.hyperparameters)


def test_a_sobol_set_projects_to_as_many_settings(path: Path) -> None:
    study = load_study(path, [*SOBOL, "design.space.step_size={low=0.1, high=10, relative=true}"])
    assert {len(points) for points in tried(study).values()} == {32}


def test_relative_values_are_multiples_of_what_the_tables_say(path: Path) -> None:
    study = load_study(path)
    base = {"random-mdp": 0.1, "gridworld": 2.0}
    for config in study.configs():
        point = study.coordinates[config.id]
        own = (
            4.0
            if (config.family, config.algorithm) == ("gridworld", "fedpg")
            else base[config.family]
        )
        assert config.step_size == point["step_size"] * own
        averaging = config.step_size * config.local_steps
        assert config.server_step == point["server_step_size"] * averaging
        assert config.local_steps == point["local_steps"]


def test_evaluations_follow_the_budget_whatever_the_round_costs(path: Path) -> None:
    for config in load_study(path).configs():
        steps = (
            config.local_steps * config.episodes * config.options["horizon"] * config.evaluate_every
        )
        assert steps * 5 == pytest.approx(600, rel=0.35)  # rounded to whole rounds


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_each_axis_of_a_sobol_set_is_uniform(seed: int) -> None:
    axis = {"low": 1e-3, "high": 1e3, "scale": "log"}
    listed = {"values": [1, 2, 5, 9]}
    space = {"a": axis, "b": {"low": -1, "high": 3, "scale": "linear"}, "c": listed}
    design = Design.model_validate({"kind": "sobol", "points": 64, "seed": seed, "space": space})
    points = design.coordinates(set())
    assert len(points) == 64
    shares = [
        np.log(np.array([point["a"] for point in points]) / 1e-3) / np.log(1e6),
        (np.array([point["b"] for point in points]) + 1) / 4,
    ]
    for share in shares:  # one point in each of the 64 equal parts
        np.testing.assert_array_equal(np.sort(np.floor(share * 64)), np.arange(64))
    _, counts = np.unique([point["c"] for point in points], return_counts=True)
    np.testing.assert_array_equal(counts, [16] * 4)


def test_the_seed_decides_the_sobol_set() -> None:
    space = {"beta": {"low": 0.1, "high": 1.0}, "step_size": {"low": 0.1, "high": 10.0}}

    def drawn(seed: int) -> list[dict[str, float]]:
        table = {"kind": "sobol", "points": 16, "seed": seed, "space": space}
        return Design.model_validate(table).coordinates(set())

    assert drawn(3) == drawn(3)
    assert drawn(3) != drawn(4)


def test_levels_are_even_on_their_scale_and_end_where_they_should() -> None:
    log = Axis(low=0.01, high=100, levels=5).listed
    np.testing.assert_allclose(log, [0.01, 0.1, 1, 10, 100], rtol=1e-12)
    assert (log[0], log[-1]) == (0.01, 100)
    assert Axis(low=0, high=1, scale="linear", levels=3).listed == (0.0, 0.5, 1.0)


def test_five_hyperparameters_are_a_sobol_set_unless_the_study_says_grid() -> None:
    space = {name: {"values": [1, 2]} for name in "abcde"}
    assert Design.model_validate({"space": space}).kind == "sobol"
    assert Design.model_validate({"space": space}).points == 64
    assert Design.model_validate({"space": space, "kind": "grid"}).kind == "grid"
    del space["e"]
    assert Design.model_validate({"space": space}).kind == "grid"


def test_projection_keeps_the_first_of_each_and_their_order() -> None:
    points = [{"a": 1.0, "b": x} for x in (3.0, 1.0, 3.0)] + [{"a": 2.0, "b": 3.0}]
    assert projected(points, {"b"}) == [{"b": 3.0}, {"b": 1.0}]


@pytest.mark.parametrize("overrides", [[], SOBOL])
def test_a_study_with_a_design_survives_a_round_trip(path: Path, overrides: list[str]) -> None:
    study = load_study(path, overrides)
    again = Study.model_validate_json(study.model_dump_json())
    assert [run.config.id for run in again.runs()] == [run.config.id for run in study.runs()]
    assert again.coordinates == study.coordinates


def test_a_part_of_a_design_has_the_configs_of_the_whole(path: Path) -> None:
    whole = load_study(path)
    part = load_study(path, only=["beta=0.5", "kappa=1"])
    assert {c.id for c in part.configs()} < {c.id for c in whole.configs()}
    assert {part.coordinates[c.id]["beta"] for c in part.configs()} == {0.5}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("design.space.bta={values=[1, 2]}", "did you mean 'beta'"),
        ("design.space.kappa={values=[0, 1]}", "tells environments apart"),
        ("design.space={}", "design.space is empty"),
        ("design.space.beta={values=[0.5]}", "at least two different numbers"),
        ("design.space.beta={values=[0.5, 0.5]}", "at least two different numbers"),
        ("design.space.beta={}", "give values"),
        ("design.space.beta={low=0.1, high=1}", "a grid needs its levels"),
        ("design.space.beta={low=0.1, high=1, levels=1}", "levels is 1"),
        ("design.space.beta={low=0, high=1, levels=3}", "low is 0; on a log scale"),
        ("design.space.beta={low=-1, high=1, levels=3}", "low is -1; on a log scale"),
        ("design.space.beta={low=1, high=0.1, levels=3}", "low must be smaller"),
        ("design.space.beta.low=0.1", "values and an interval"),
        ("design.space.beta={values=[0.5, 2.0]}", "beta is 2.0"),
        ("design.points=64", 'belongs to kind = "sobol"'),
        ("design.kind=latin", "'grid' or 'sobol'"),
        ("design.space.clip_norm={values=[1, 2], relative=true}", "clip_norm has no value"),
        ("settings.step_size=[0.1, 0.2]", "crossed list"),
        ("families.gridworld.step_size=[0.1, 0.2]", "families.gridworld.step_size is a crossed"),
        (
            "algorithms.fedsvrpg-m.beta=[0.1, 0.2]",
            "algorithms.fedsvrpg-m.beta is a crossed list",
        ),
        ("settings.beta=0.3", "settings.beta is overruled by design.space.beta"),
        ("settings.server_step_size=0.3", "multiples are of ηK"),
        ("settings.evaluate_every=3", "overruled by design.evaluations"),
        ("settings.budget=none", "design.evaluations needs a budget"),
        ("design.space.local_steps={values=[1.01, 1.02], relative=true}", "one configuration"),
    ],
)
def test_mistakes_are_told_before_any_compute(path: Path, override: str, words: str) -> None:
    with pytest.raises(StudyError) as mistake:
        load_study(path, [override])
    assert words in str(mistake.value)
    assert "\n" not in str(mistake.value)


def test_whole_numbers_are_rounded_and_then_each_is_there_once(path: Path) -> None:
    study = load_study(path, ["design.space.local_steps={low=1, high=4, levels=6}"])
    assert {point["local_steps"] for point in study.coordinates.values()} == {1, 2, 3, 4}
    assert {config.local_steps for config in study.configs()} == {1, 2, 3, 4}


@pytest.mark.parametrize(("points", "near"), [(0, 2), (1, 2), (48, 64), (100, 128)])
def test_a_sobol_set_needs_a_power_of_two(path: Path, points: int, near: int) -> None:
    with pytest.raises(StudyError, match=f"points is {points}; .* such as {near}$"):
        load_study(path, ["design.kind=sobol", f"design.points={points}"])


@pytest.mark.parametrize("name", ["sensitivity", "sensitivity_beyond"])
def test_shipped_studies_vary_what_they_say(name: str) -> None:
    study = load_study(name)
    assert {"beta", "step_size", "local_steps", "episodes"} <= set(study.design.space)
    assert len(study.seeds) % 2 == 0
    sizes = {place[-1]: len(points) for place, points in tried(study).items()}
    assert len({sizes[a] for a in ("fedpg-m", "fedsvrpg-m", "fedhapg-m")}) == 1
    assert sizes["fedpg"] * len(study.design.space["beta"].listed) == sizes["fedsvrpg-m"]
