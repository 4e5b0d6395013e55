"""Laws of the parts of tuning: spaces, proposals, objective, seeds, budgets, best of k."""

from __future__ import annotations

import itertools
import math
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedrl.algorithms import ALGORITHMS
from fedrl.benchmark.config import toml_text
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.settings import SettingError
from fedrl.benchmark.config.spaces.parameter import Parameter, edges, sized
from fedrl.benchmark.config.spaces.protocol import Protocol, protocol_of
from fedrl.benchmark.config.spaces.search_space import (
    applied,
    point_of,
    searched,
    space_of,
    values_at,
)
from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.config.study_file import StudyError
from fedrl.benchmark.tuning.objective import outcome_of
from fedrl.benchmark.tuning.run import prepare
from fedrl.benchmark.tuning.sampler import FinishedTrial, propose
from fedrl.benchmark.tuning.task import Task, tasks_of
from fedrl.reports.statistics.best_of_k import expected_best, race

SPACE = (
    Parameter("step_size", 1e-3, 10.0, True),
    Parameter("beta", 0.05, 1.0, False),
    Parameter("local_steps", 1, 40, True, True),
)
TEXT = """
title = "A study"
seeds = 2
[settings]
agents = 2
kappa = [0.0, 0.5]
rounds = 6
budget = 300
episodes = 4
local_steps = 3
[families.random-mdp]
horizon = 10
[algorithms.fedpg]
[algorithms.fedsvrpg-m]
beta = [0.0, 0.2, 0.5]
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "mine.toml"
    file.write_text(TEXT)
    return str(file)


def told(count: int) -> list[FinishedTrial]:
    return [
        FinishedTrial(values, -abs(math.log(values["step_size"])) - values["beta"])
        for values in propose(SPACE, [], [], count, 7)
    ]


# --- proposals ------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.integers(0, 20), st.integers(1, 9))
@settings(max_examples=20, deadline=None)
def test_a_wave_is_a_function_of_seed_and_trials(seed: int, before: int, count: int) -> None:
    """And lies in the space, with whole numbers where they are whole."""
    wave = propose(SPACE, [], told(before) if before else [], count, seed)
    assert wave == propose(SPACE, [], told(before) if before else [], count, seed)
    assert len(wave) == count
    for values in wave:
        assert all(p.holds(values[p.name]) for p in SPACE)
        assert type(values["local_steps"]) is int


def test_other_seeds_propose_otherwise() -> None:
    for before in ([], told(8)):
        waves = [str(propose(SPACE, [], before, 4, seed)) for seed in range(5)]
        assert len(set(waves)) == 5


def test_tpe_gathers_where_trials_were_good() -> None:
    """η near 1 and small β are good: later waves are nearer to them than random points."""
    trials = told(16)
    near = {name: [] for name in ("random", "tpe")}
    for seed in range(8):
        near["random"] += propose(SPACE, [], [], 8, seed)
        near["tpe"] += propose(SPACE, [], trials, 8, seed)
    worth = {
        name: np.mean([abs(math.log(v["step_size"])) + v["beta"] for v in values])
        for name, values in near.items()
    }
    assert worth["tpe"] < 0.8 * worth["random"]


def test_the_studys_own_values_come_first() -> None:
    own = [{"step_size": 0.5, "beta": 0.3, "local_steps": 3}]
    assert propose(SPACE, own, [], 4, 0)[0] == own[0]
    assert propose(SPACE, own, told(4), 4, 0)[0] != own[0]


def test_quasi_random_points_cover_every_half_of_every_range() -> None:
    points = propose(SPACE, [], [], 8, 3)
    middle = {p.name: p.at(0.5) for p in SPACE}
    for parameter in SPACE:
        below = sum(v[parameter.name] < middle[parameter.name] for v in points)
        assert 3 <= below <= 5


LEVELS = (
    Parameter("step_size", 0.1, 10.0, True, levels=(0.1, 1.0, 10.0)),
    Parameter("local_steps", 1, 10, True, True, levels=(1, 10)),
)


def test_levels_are_tried_in_every_combination_or_by_tpe() -> None:
    every = propose(LEVELS, [], [], 99, 0)
    pairs = [(v["step_size"], v["local_steps"]) for v in every]
    assert pairs == list(itertools.product((0.1, 1.0, 10.0), (1, 10)))
    assert Protocol().waves(LEVELS) == [6]
    mixed = (SPACE[1], *LEVELS)
    for before in ([], [FinishedTrial({"beta": b, **every[3]}, b) for b in (0.1, 0.5, 0.9)]):
        for values in propose(mixed, [], before, 8, 1):
            assert all(p.holds(values[p.name]) for p in mixed)
    assert sized(LEVELS) == "6 points"
    assert edges(LEVELS, every[0]) == ["step_size", "local_steps"]


def test_a_range_may_be_of_multiples() -> None:
    """λ of ηK, plain averaging, and the proximal μ of 1/η."""
    config = Config(family="random-mdp", algorithm="fedprox-pg", step_size=2.0, local_steps=5)
    protocol = Protocol(tune=("step_size", "server_step_size", "mu"))
    space = space_of([config], protocol)
    assert {p.name: (p.low, p.high, p.unit) for p in space[1:]} == {
        "server_step_size": (1 / 8, 8.0, "ηK"),
        "mu": (1e-3, 1.0, "1/η"),
    }
    point = {"step_size": 0.5, "server_step_size": 3.0, "mu": 0.2}
    values = values_at(config, space, point)
    assert values == {"step_size": 0.5, "server_step_size": 7.5, "mu": 0.4}
    assert point_of(config, space, values) == pytest.approx(point)
    fixed = space_of([config], Protocol(tune=("mu",)))
    assert values_at(config, fixed, {"mu": 0.2}) == {"mu": 0.1}


def test_the_pull_of_fedprox_is_searched_where_it_matters() -> None:
    """Of a constant drift, K = 10 steps take back a tenth and more in most of the range."""
    config = Config(family="cartpole", algorithm="fedprox-pg", step_size=4e-4, local_steps=10)
    space = space_of([config], Protocol())
    (mu,) = [parameter for parameter in space if parameter.name == "mu"]
    shares = []
    for u in np.linspace(0, 1, 101):
        values = values_at(config, space, {"step_size": 6e-4, "mu": mu.at(float(u))})
        pull = 6e-4 * values["mu"]
        shares.append(1 - (1 - (1 - pull) ** 10) / (10 * pull))
        assert config.build_algorithm().tunables()["mu"].metadata["domain"][1] >= values["mu"]
    assert np.mean(np.array(shares) >= 0.1) > 0.5
    assert (shares[0], shares[-1]) == (pytest.approx(0.0045, abs=1e-3), pytest.approx(0.9))


def test_values_have_few_digits_and_stay_inside() -> None:
    parameter = Parameter("x", 0.123416789, 1.0, False)
    assert parameter.at(0.0) == 0.123416789  # rounded it would lie outside
    assert parameter.at(0.5) == 0.5617
    assert sized(SPACE) == "2 continuous × 40 points"


# --- spaces and tasks -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_has_a_space(name: str) -> None:
    kind = ALGORITHMS[name]
    assert searched(kind, Protocol()) == ["step_size", *kind.tunables()]


def test_a_task_is_all_configs_that_differ_in_what_is_tuned(path: str) -> None:
    study = load_study(path)
    tasks = tasks_of(study, Protocol())
    assert len(study.configs()) == 2 * (1 + 3)
    assert len(tasks) == 2 * 2
    momentum = next(t for t in tasks if t.base.algorithm == "fedsvrpg-m")
    assert [v["beta"] for v in momentum.own] == [0.2, 0.5]  # 0 lies outside of the range
    assert {p.name: (p.low, p.high) for p in momentum.space} == {
        "step_size": (0.01 / 32, 0.32),
        "beta": (0.05, 1.0),
    }
    apart = tasks_of(study, Protocol(tune=("step_size",)))
    assert len(apart) == len(study.configs()) == len({task.label for task in apart})
    assert any(task.label.endswith("fedsvrpg-m, beta 0.2") for task in apart)


def test_tasks_do_not_know_of_each_other(path: str) -> None:
    whole = {t.label: t.id for t in tasks_of(load_study(path), Protocol())}
    for algorithm, count in (("fedpg", 1), ("fedsvrpg-m", 2)):  # which contains the other
        only = [f"algorithm={algorithm}", "kappa=0.5"]
        part = tasks_of(load_study(path, only=only), Protocol())
        assert [(t.label, t.id) for t in part] == [(t.label, whole[t.label]) for t in part]
        assert len(part) == count


def test_budgets_are_equal(path: str) -> None:
    """Every trial of every algorithm has the same steps per agent, trials and seeds."""
    job = prepare(path, ['tuning.tune=["step_size", "local_steps", "episodes"]'])
    for task in job.tasks:
        for values in propose(task.space, task.own, [], 16, 1):
            config = task.config(values)
            assert config.budget == 300
            most = config.rounds * config.local_steps * config.episodes
            assert most >= task.base.rounds * task.base.local_steps * task.base.episodes
            assert most < (task.base.rounds + 1) * 12 + config.local_steps * config.episodes
            assert config.hyperparameters == task.base.hyperparameters
    cost = job.cost(1)  # fedsvrpg-m is one task per β here, none of which is FedPG
    assert cost.trials == len(job.tasks) * 3 * 16
    assert cost.runs == len(job.tasks) * (3 * 16 * 3 + 5 * 20)


def test_without_a_budget_it_is_what_the_rounds_cost(path: str) -> None:
    job = prepare(path, ["settings.budget=none"])
    assert {task.base.budget for task in job.tasks} == {6 * 3 * 4 * 10}
    assert "families.random-mdp.budget" in job.notes[0]
    assert not prepare(path).notes


def test_values_are_applied_to_the_config_as_if_set_by_hand() -> None:
    config = Config(family="random-mdp", algorithm="fedsvrpg-m", rounds=10)
    by_hand = Config(
        family="random-mdp",
        algorithm="fedsvrpg-m",
        rounds=10,
        step_size=0.3,
        hyperparameters={"beta": 0.7},
    )
    assert applied(config, {"step_size": 0.3, "beta": 0.7}) == by_hand
    assert applied(config, {"local_steps": 20}).rounds == 5
    assert applied(config, {"episodes": 3}).rounds == 4


def test_seeds_of_tuning_selection_and_test_are_disjoint(path: str) -> None:
    protocol = Protocol()
    test = {run.seed for run in load_study(path).runs()}
    tune = [set(protocol.tune_seeds(t)) for t in range(4)]
    select = [set(protocol.selection_seeds(t)) for t in range(4)]
    for one, other in itertools.combinations([test, *tune, *select], 2):
        assert not one & other
    keys = [seed.key("noise") for group in (test, *tune, *select) for seed in group]
    assert len(set(keys)) == len(keys)
    assert {seed.namespace for seed in test} == {"test"}


@pytest.mark.parametrize("trials", [8, 9, 16, 17, 32, 50])
def test_waves_add_up(trials: int) -> None:
    """And a larger budget goes on where a smaller one ended its full waves."""
    for dimensions in (1, 2, 3):
        assert sum(Protocol(trials=trials).waves(SPACE[:dimensions])) == trials * dimensions
    assert Protocol().waves(SPACE[:1]) == [8, 8]
    assert Protocol().waves(SPACE[:2]) == [16, 8, 8]
    assert Protocol(trials=24).waves(SPACE[:2])[:3] == [16, 8, 8]


# --- objective ------------------------------------------------------------------------------------

CELL = Config(family="random-mdp", algorithm="fedpg", budget=100)


def columns(score: list[float], steps: list[float], **more: Any) -> dict[str, Any]:
    constant = {"metric": "objective", "random": 1.0, "reference": 3.0, "diverged": False} | more
    count = len(score)
    return {
        "objective": np.array(score),
        "steps_per_agent": np.array(steps),
        "steps_total": 2 * np.array(steps),
        **{name: np.full(count, value) for name, value in constant.items()},
    }


def test_the_objective_is_the_normalised_area_up_to_the_budget() -> None:
    flat = outcome_of(CELL, columns([2.0, 2.0], [0, 120]))
    assert flat == (0.5, False, 240, 0.0)
    assert outcome_of(CELL, columns([2.0], [0]), np.array([[3.0, -4.0]])).size == 4.0
    ramp = outcome_of(CELL, columns([1.0, 3.0], [0, 100]))
    assert ramp.score == 0.5
    early = outcome_of(CELL, columns([1.0, 3.0], [0, 50]))  # it goes on at its last score
    assert early.score == 0.75
    raw = outcome_of(CELL, columns([2.0, 2.0], [0, 120], reference=math.nan))
    assert raw.score == 1.0  # above random, in units of the score
    below = outcome_of(CELL, columns([2.0, 2.0], [0, 120], reference=0.5))
    assert below == raw  # a reference below random is none: better stays better


def test_a_diverged_run_is_random_from_there_on() -> None:
    good = outcome_of(CELL, columns([3.0, 3.0, 3.0], [0, 25, 50], diverged=True))
    assert (good.score, good.diverged) == (pytest.approx(0.5), True)
    bad = outcome_of(CELL, columns([0.0, 0.0], [0, 50], diverged=True))
    assert bad.score == pytest.approx(-0.5)
    one_point = outcome_of(CELL, columns([3.0], [0], diverged=True))
    assert one_point.score == pytest.approx(0.0)


# --- best of k ------------------------------------------------------------------------------------


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=5))
@settings(max_examples=30, deadline=None)
def test_expected_best_equals_enumeration(scores: list[float]) -> None:
    """Mean of the maximum over all n^k draws with replacement."""
    found = expected_best(scores)
    for k in range(1, len(scores) + 1):
        exact = np.mean([max(draw) for draw in itertools.product(scores, repeat=k)])
        assert found[k - 1] == pytest.approx(exact, abs=1e-12)
    assert (np.diff(found) >= -1e-12).all()


def test_a_race_is_counted() -> None:
    scores = [[4.0, 0, 0], [3.0, 0, 0], [2.0, 9, 9], [1.0, 0, 0]]
    outcome = race(scores, [2, 0], 4)
    assert outcome == (pytest.approx(2 * 2 / 12), 0.5, True)
    assert race(scores, [0, 1], 4)[1:] == (0.0, False)


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ('tuning.tune=["stepsize"]', "no hyperparameter to tune 'stepsize'; did you mean 'step_si"),
        ("tuning.tune=[]", "tuning.tune is empty"),
        ('tuning.tune=["beta"]', "search space of fedpg is empty.*--only"),
        ("tuning.ranges={bta=[0, 1]}", "'bta'; did you mean 'beta'"),
        ("tuning.ranges={beta=[0.5, 0.5]}", r"\[0.5, 0.5\]; it must be .* in \[0, 1\]"),
        ("tuning.ranges={beta=[0.5, 2]}", r"beta is \[0.5, 2\]; it must be"),
        ("tuning.ranges={step_size=[0, 1]}", "both positive"),
        ("tuning.trails=9", "no key of .tuning. 'trails'; did you mean 'trials'"),
        ("tuning.trials=5", "5 trials are fewer than one wave of 8"),
        ("tuning.trials=1000000000000", "tuning.trials is 1000000000000; it must be less than"),
        ("tuning.select_seeds=1000000000000", "tuning.select_seeds is 1000000000000; it must"),
        ("tuning.seeds=2", "tuning.seeds is 2; it must be greater than or equal to 3"),
        ("tuning.levels.beta.values=[0.5]", r"levels.beta: values is \[0.5\]; it must be at least"),
        ("tuning.levels.beta.values=[0.5, 2]", r"levels.beta is 0.5, 2; it must be .* in \[0, 1\]"),
        ("tuning.levels.bta.values=[0.5, 1]", "'bta'; did you mean 'beta'"),
        ("settings.rounds=0", "nothing to tune"),
    ],
)
def test_mistakes_are_told_before_any_compute(path: str, override: str, message: str) -> None:
    more = ["settings.budget=none"] if "rounds" in override else []
    with pytest.raises((SettingError, StudyError), match=message):
        prepare(path, [override, *more])


def test_fewer_trials_than_a_wave_are_refused(path: str) -> None:
    with pytest.raises(SettingError, match="give at least --trials 8"):
        prepare(path, trials=7)
    assert protocol_of({"wave": 4}, 4).waves(SPACE[:1]) == [4]


# --- files ----------------------------------------------------------------------------------------

PLAIN = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(), PLAIN, max_size=4))
@settings(max_examples=100, deadline=None)
def test_toml_is_read_as_it_was_written(table: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text.document(table)) == table


def test_a_task_keeps_its_label(path: str) -> None:
    task: Task = tasks_of(load_study(path), Protocol())[0]
    assert task.label == "random-mdp/kappa0/n2/fedpg"
    assert len({task.seed(t, w) for t in range(3) for w in range(3)}) == 9
