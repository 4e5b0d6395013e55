"""Conditions in studies: inline tables are values, lists of them are crossed."""

from __future__ import annotations

import pytest

from fedrl import load_records, run_study
from fedrl.benchmark.config.conditions import Drift, Normal, RewardCliff, StudentT
from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.config.study_file import StudyError

TEXT = """
title = "Conditions"
seeds = 1
[settings]
agents = 2
rounds = 1
reward_noise = ["none", {distribution = "student-t", degrees = 2.5, scale = 0.5}]
[families.random-mdp]
horizon = 3
drift = {period = 10}
[algorithms.fedpg]
[algorithms.fedpg-m]
reward_cliff = [{height = 1.0, threshold = 0.5}, {height = 2, threshold = 0.5}, "none"]
"""
NOISE = StudentT(degrees=2.5, scale=0.5)


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(TEXT)
    return file


def test_lists_of_tables_are_crossed(path):
    configs = load_study(path).configs()
    seen = [(c.algorithm, c.reward_noise, c.reward_cliff) for c in configs]
    steep = RewardCliff(height=1.0, threshold=0.5)
    cliffs = (steep, steep.model_copy(update={"height": 2.0}), None)
    assert sorted(map(str, seen)) == sorted(
        map(
            str,
            [("fedpg", noise, None) for noise in (None, NOISE)]
            + [("fedpg-m", noise, cliff) for noise in (None, NOISE) for cliff in cliffs],
        )
    )
    assert {config.drift for config in configs} == {Drift(period=10)}


@pytest.mark.parametrize(
    ("override", "noises"),
    [
        ('settings.reward_noise={distribution="normal", scale=1}', {Normal()}),
        ("settings.reward_noise=none", {None}),
        ('settings.reward_noise=["none", {distribution="normal"}]', {None, Normal()}),
    ],
)
def test_a_table_can_be_given_on_the_command_line(path, override, noises):
    assert {config.reward_noise for config in load_study(path, [override]).configs()} == noises


def test_a_part_of_a_table_can_be_given_on_the_command_line(path):
    configs = load_study(path, ["families.random-mdp.drift.amplitude=0.5"]).configs()
    assert {config.drift for config in configs} == {Drift(period=10, amplitude=0.5)}


@pytest.mark.parametrize(
    ("only", "noise"),
    [
        ("reward_noise=none", None),
        ('reward_noise={scale=0.5, degrees=2.5, distribution="student-t"}', NOISE),
        ('reward_noise="student-t degrees 2.5 scale 0.5"', NOISE),
    ],
)
def test_runs_can_be_selected_by_their_condition(path, only, noise):
    assert {run.config.reward_noise for run in load_study(path, only=[only]).runs()} == {noise}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("reward_noise=3", 'in settings: reward_noise is 3; it must be "none" or a table'),
        ("reward_noise={scale=1}", "lacks a distribution; known: student-t, pareto, normal"),
        (
            'reward_noise={distribution="student"}',
            "no distribution of reward_noise 'student'; did you mean 'student-t'",
        ),
        (
            'reward_noise={distribution="student-t", degrees=1}',
            "in settings: reward_noise.degrees is 1; it must be greater than 1",
        ),
        (
            'reward_noise={distribution="pareto", indx=2}',
            "no setting of reward_noise 'indx'; did you mean 'index'",
        ),
        (
            'reward_noise={distribution="normal", scale=[1, 2]}',
            "reward_noise.scale is [1, 2]; it must be a valid number",
        ),
        ("reward_cliff={height=1}", "reward_cliff.threshold is missing"),
        (
            "reward_cliff={height=-1, threshold=0.5}",
            "reward_cliff.height is -1; it must be greater than or equal to 0",
        ),
        ("reward_cliff={height=1, threshold=2.0}", "a probability below 1 for discrete actions"),
        ("reward_cliff=1", 'reward_cliff is 1; it must be "none" or a table'),
        ("drift={period=1}", "drift.period is 1; it must be greater than or equal to 2"),
        ("drift={perod=9}", "no setting of drift 'perod'; did you mean 'period'"),
        ("drift={period=9, amplitude=1.5}", "drift.amplitude is 1.5; it must be less than"),
        ("drift={period=9, every=0}", "drift.every is 0; it must be greater than or equal to 1"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path, override, message):
    file = tmp_path / "plain.toml"
    file.write_text('title = "Plain"\nseeds = 1\n[families.random-mdp]\n[algorithms.fedpg]\n')
    with pytest.raises(StudyError) as caught:
        load_study(file, [f"settings.{override}"])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_override_inside_a_table_that_is_overruled_is_an_error(path):
    with pytest.raises(StudyError, match=r"has no effect: narrower tables set drift; set families"):
        load_study(path, ["settings.drift.period=4"])
    with pytest.raises(StudyError, match=r"has no effect: narrower tables set drift"):
        load_study(path, ["settings.drift={period=4}"])


def test_records_say_the_condition_in_words(path, tmp_path):
    assert run_study(path, results=tmp_path, workers=1).complete
    table = load_records(path, tmp_path)
    assert set(table["reward_noise"].dropna()) == {"student-t degrees 2.5 scale 0.5"}
    assert set(table["drift"]) == {"amplitude 1 every 1 period 10"}
    cliffs = table.loc[table["algorithm"] == "fedpg-m", "reward_cliff"]
    assert set(cliffs.dropna()) == {"height 1 threshold 0.5", "height 2 threshold 0.5"}
    assert table["reward_noise"].isna().sum() * 2 == len(table)
