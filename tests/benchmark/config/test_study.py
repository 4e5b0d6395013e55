"""Laws of studies: what a file means, and what every mistake is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.settings import parse_value
from fedrl.benchmark.config.study import Study, load_study
from fedrl.benchmark.config.study_file import StudyError, built_in

TEXT = """
title = "A study"
seeds = 3
[settings]
kappa = [0.0, 0.5]
beta = [0.1, 0.2]
agents = 2
rounds = 2
[families.random-mdp]
size = 3
[families.gridworld]
rounds = 5
[algorithms.fedpg]
[algorithms.fedsvrpg-m]
step_size = 0.5
[families.gridworld.algorithms.fedsvrpg-m]
step_size = 0.25
agents = 3
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "mine.toml"
    file.write_text(TEXT)
    return file


LARGE = ("sensitivity", "sensitivity_beyond", "beta")  # thousands of runs


def configs(study: Study, **wanted: object) -> list[Config]:
    return [c for c in study.configs() if all(getattr(c, k) == v for k, v in wanted.items())]


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.long if n in LARGE else ()) for n in built_in()],
)
def test_built_in_studies_survive_a_round_trip(name: str) -> None:
    study = load_study(name)
    again = Study.model_validate_json(study.model_dump_json())
    assert again == study
    assert [run.config.id for run in again.runs()] == [run.config.id for run in study.runs()]


def test_quick_is_the_study_of_the_readme() -> None:
    study = load_study("quick")
    assert len(study.runs()) == 3 * 2 * 4 * 5
    assert {c.family for c in study.configs()} == {"gridworld", "cartpole", "halfcheetah"}


def test_quick_tuned_has_the_tasks_of_quick() -> None:
    """Two families; they differ in what was tuned, and in nothing else."""
    tuned = {"step_size", "server_step_size", "hyperparameters"}
    tasks = [
        sorted(
            str(sorted(config.model_dump(exclude=tuned).items()))
            for config in load_study(name).configs()
            if config.family != "halfcheetah"
        )
        for name in ("quick", "quick_tuned")
    ]
    assert tasks[0] == tasks[1]
    assert {config.id for config in load_study("quick").configs()} != {
        config.id for config in load_study("quick_tuned").configs()
    }


def test_paper_covers_its_grid() -> None:
    study = load_study("paper")
    betas = {c.hyperparameters["beta"] for c in study.configs() if "beta" in c.hyperparameters}
    assert betas == {0.0, 0.1, 0.2, 0.5, 0.8, 1.0}
    assert {c.agents for c in study.configs()} == {1, 2, 4, 8, 16}
    assert study.seeds == tuple(range(6))


def test_lists_are_crossed_and_nothing_is_there_twice(path: Path) -> None:
    study = load_study(path)
    assert len(configs(study, family="random-mdp", algorithm="fedpg")) == 2  # κ; it has no β
    assert len(configs(study, family="random-mdp", algorithm="fedsvrpg-m")) == 4  # κ × β
    assert len({c.id for c in study.configs()}) == len(study.configs())
    assert len(study.runs()) == 3 * len(study.configs())


def test_two_spellings_of_one_value_are_one_config(path: Path) -> None:
    assert len(load_study(path, ["settings.kappa=[0, 0.0, 0.5]"]).configs()) == len(
        load_study(path).configs()
    )


def test_the_narrowest_table_wins(path: Path) -> None:
    study = load_study(path)
    default = Config.model_fields["step_size"].default
    assert {c.step_size for c in configs(study, algorithm="fedpg")} == {default}
    wide = configs(study, algorithm="fedsvrpg-m", family="random-mdp")
    assert {(c.step_size, c.agents, c.rounds) for c in wide} == {(0.5, 2, 2)}
    narrow = configs(study, algorithm="fedsvrpg-m", family="gridworld")
    assert {(c.step_size, c.agents, c.rounds) for c in narrow} == {(0.25, 3, 5)}


def test_an_algorithm_wins_over_a_family(path: Path) -> None:
    both = TEXT.replace("rounds = 5", "rounds = 5\nbeta = 0.9")
    path.write_text(both.replace("step_size = 0.5", "step_size = 0.5\nbeta = 0.7"))
    study = load_study(path)
    found = configs(study, family="gridworld", algorithm="fedsvrpg-m")
    assert {c.hyperparameters["beta"] for c in found} == {0.7}


@pytest.mark.parametrize(
    ("override", "count", "value"),
    [
        ("settings.hidden=[4, 4]", 1, {(4, 4)}),
        ("settings.hidden=[[4], [4, 4]]", 2, {(4,), (4, 4)}),
        ("settings.hidden=[]", 1, {()}),
        ("settings.hidden=[[], [4]]", 2, {(), (4,)}),
    ],
)
def test_tuples_are_values_and_lists_of_them_are_crossed(
    path: Path, override: str, count: int, value: set[tuple[int, ...]]
) -> None:
    study = load_study(path, [override])
    assert {c.hidden for c in study.configs()} == value
    assert len(study.configs()) == count * len(load_study(path).configs())


def test_options_are_crossed_one_level_deeper_than_they_are(path: Path) -> None:
    one = load_study(path, ["families.gridworld.walls=[[1, 1], [1, 2]]"])
    assert {str(c.options["walls"]) for c in configs(one, family="gridworld")} == {
        "[[1, 1], [1, 2]]"
    }
    two = load_study(path, ["families.gridworld.walls=[[[1, 1]], []]"])
    assert {str(c.options["walls"]) for c in configs(two, family="gridworld")} == {"[[1, 1]]", "[]"}


def test_none_can_be_written(path: Path) -> None:
    study = load_study(path, ['settings.weight_cap=["none", 2.0]'])
    assert {c.weight_cap for c in study.configs()} == {None, 2.0}


def test_only_narrows(path: Path) -> None:
    study = load_study(path, only=["algorithm=fedpg", "kappa=0", "seed=0,2"])
    assert {run.config.algorithm for run in study.runs()} == {"fedpg"}
    assert {run.seed.index for run in study.runs()} == {0, 2}
    either = load_study(path, only=["algorithm=fedpg", "algorithm=fedsvrpg-m"])
    assert either.runs() == load_study(path).runs()
    assert len(load_study(path, only=["beta=0.1"]).configs()) == 4  # fedpg has no β


def test_an_override_that_narrower_tables_overrule_is_refused(path: Path) -> None:
    """It would silently do nothing; the message says where to set the value instead."""
    narrow = [f"families.{name}.rounds=3" for name in ("gridworld", "random-mdp")]
    with pytest.raises(StudyError, match=r"settings\.rounds=9 has no effect.*families\.gridworld"):
        load_study(path, [*narrow, "settings.rounds=9"])
    some = load_study(path, [narrow[0], "settings.rounds=9"])
    assert {config.rounds for config in configs(some, family="random-mdp")} == {9}


MISTAKES = [
    ("families.random-mdp.rouns=3", "families.random-mdp.rouns: no setting 'rouns'; did you mean"),
    ("settings.betta=1", "settings.betta: no setting 'betta'; did you mean 'beta'"),
    (
        "algorithms.fedpg.beta=0.1",
        "algorithms.fedpg.beta: no setting 'beta'",
    ),
    ("settings.width2=1", "did you mean 'width'"),
    ("families.cartpol={}", "no family 'cartpol'; did you mean 'cartpole'"),
    (
        "algorithms.fedsvrpg-n={}",
        "no algorithm 'fedsvrpg-n'; did you mean 'fedsvrpg-m'",
    ),
    ("families.gridworld.algorithms.fedpg-m.rounds=1", "no algorithm of this study 'fedpg-m'"),
    ("titel=x", "no key of a study 'titel'; did you mean 'title'"),
    ("rounds=3", "write settings.rounds"),
    ("title=3", "title is 3; it must be a valid string"),
    ("seeds=-1", "seeds is -1; it must be a count of at least 1"),
    ("seeds=0", "seeds is 0; it must be a count of at least 1"),
    ("seeds=[0, -2]", "it must be a count of at least 1, or a list of different indices"),
    ("seeds=[1, 1]", "a list of different indices"),
    ("settings.beta=1.5", "in settings: beta is 1.5; it must be in [0, 1]"),
    ("settings.beta=nan", "in settings: beta is nan; it must be in [0, 1]"),
    (
        "algorithms.fedsvrpg-m.beta=-0.1",
        "in algorithms.fedsvrpg-m: beta is -0.1",
    ),
    ("settings.beta=[]", "settings.beta is an empty list"),
    ("settings.kappa=2", "in settings: kappa is 2.0; it must be in [0, 1]"),
    ("settings.agents=0", "agents is 0; it must be greater than or equal to 1"),
    ("settings.agents=many", "agents is 'many'; it must be a valid integer"),
    ("families.gridworld.horizon=1.5", "horizon is 1.5; it must be a valid integer"),
    ("families.gridworld.goal=7", "goal is 7; it must be a valid tuple"),
    ("families.gridworld=7", "families.gridworld is 7; it must be a table"),
    ("settings.rounds=[1,", "is not a TOML value"),
    ("settings.rounds", "is not of the form path=value"),
    ("title.x=1", "title is not a table"),
]


def test_a_path_of_a_package_needs_no_quotes() -> None:
    for word in ("package:Class", "package:Area/Name-v0", "CartPole-v1", "half_length"):
        assert parse_value(word) == parse_value(f'"{word}"') == word


@pytest.mark.parametrize(("override", "expected"), MISTAKES)
def test_a_mistake_is_named_with_its_remedy(path: Path, override: str, expected: str) -> None:
    with pytest.raises(StudyError) as caught:
        load_study(path, [override])
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (["algoritm=fedpg"], "no field 'algoritm'; did you mean 'algorithm'"),
        (["algorithm=fedpgg"], "no run with algorithm 'fedpgg'; did you mean 'fedpg'"),
        (["seed=7"], "Known: 0, 1, 2"),
        (["beta=0.1", "algorithm=fedpg"], "the other conditions leave algorithm fedsvrpg-m"),
        (["algorithm"], "is not of the form field=value"),
    ],
)
def test_only_that_leaves_nothing_says_what_there_is(
    path: Path, only: list[str], expected: str
) -> None:
    with pytest.raises(StudyError, match=expected):
        load_study(path, only=only)


def test_a_study_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no study 'quik'; did you mean 'quick'"):
        load_study("quik")
    with pytest.raises(StudyError, match="No such file"):
        load_study(tmp_path / "absent.toml")
    with pytest.raises(StudyError, match="cannot read study"):
        load_study(tmp_path)
    broken = tmp_path / "broken.toml"
    broken.write_text("title = ")
    with pytest.raises(StudyError, match="not valid TOML"):
        load_study(broken)
    broken.write_bytes(b"\xff\xfe")
    with pytest.raises(StudyError, match="not UTF-8"):
        load_study(broken)
    broken.write_text('title = "x"\nseeds = 1\n[algorithms.fedpg]\n')
    with pytest.raises(StudyError, match="families is missing"):
        load_study(broken)
