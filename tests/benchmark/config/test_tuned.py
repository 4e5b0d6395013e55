"""Laws of tuned values: what a study takes, and everything it refuses."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fedrl.benchmark.config.registry import algorithms
from fedrl.benchmark.config.settings import SettingError
from fedrl.benchmark.config.spaces.parameter import Parameter
from fedrl.benchmark.config.spaces.protocol import Protocol
from fedrl.benchmark.config.spaces.search_space import point_of
from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.config.study_file import StudyError
from fedrl.benchmark.config.tuned import entries as files
from fedrl.benchmark.config.tuned import identity, lookup
from fedrl.benchmark.config.tuned.entries import Entry, pair_of, path_of, read
from fedrl.benchmark.config.tuned.lookup import shipped
from fedrl.benchmark.execution.execution import plan
from fedrl.benchmark.storage.tuned_code import tuned_elsewhere
from fedrl.benchmark.tuning import shelf, tested, tuned_writer
from fedrl.benchmark.tuning.objective import Outcome
from fedrl.benchmark.tuning.run import prepare
from fedrl.benchmark.tuning.search import tune
from fedrl.benchmark.tuning.task import Task
from places import ROOT

DOCS = ROOT / "docs" / "tuning.md"
TEXT = """
title = "Tiny"
seeds = 2
[settings]
agents = 2
rounds = 6
budget = 150
kappa = [0.0, 0.5]
step_size = 0.7
[families.random-mdp]
horizon = 10
[algorithms.fedpg]
[algorithms.fedsvrpg-m]
"""
TUNED = TEXT.replace("step_size = 0.7", 'hyperparameters = "tuned"')


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study, and tuned values for it from outcomes that are not computed but made up."""
    folder = tmp_path_factory.mktemp("original")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("tiny.toml").write_text(TEXT)
        Path("asks.toml").write_text(TUNED)
        make("tuned")
    return folder


@pytest.fixture(autouse=True)
def made(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of them, which is the test's own."""
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


@cache
def shipped_entries() -> list[tuple[str, str, Entry]]:
    return shelf.entries(shipped())


def make(folder: str, *overrides: str, repeats: int = 1) -> None:
    job = prepare("tiny.toml", [*overrides, "tuning.trials=8", "tuning.wave=4"])

    def evaluate(title: str, runs: Any) -> dict[Any, Outcome]:
        def score(run: Any) -> float:
            beta = run.config.hyperparameters.get("beta", 0.0)
            return -abs(run.config.step_size - 0.3) - beta + 0.01 * run.seed.index

        return {run.key: Outcome(score(run), False, 10) for run in runs}

    found = [
        tune(job.tasks, job.protocol, tuner, evaluate, lambda _: None) for tuner in range(repeats)
    ]
    pairs: dict[tuple[str, str], list[Entry]] = {}
    for several in zip(*found, strict=True):
        base = several[0].task.base
        entry = tuned_writer.entry_of(several, job.protocol, job.study)
        pairs.setdefault((base.family, base.algorithm), []).append(entry)
    for (family, algorithm), entries in pairs.items():
        tuned_writer.write(Path(folder), family, algorithm, entries)


def edit(change: Callable[[str], str], algorithm: str = "fedpg") -> None:
    path = Path(f"tuned/random-mdp/{algorithm}.toml")
    before = path.read_text()
    path.write_text(change(before))
    assert path.read_text() != before


def refusal(*overrides: str) -> str:
    with pytest.raises(StudyError) as caught:
        load_study("asks.toml", overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_study_takes_plain_values(tmp_path: Path) -> None:
    """Its cells are those of a study with the values written by hand."""
    configs = load_study("asks.toml").configs()
    assert len(configs) == 4
    for config in configs:
        entry = lookup.find(config, [Path("tuned")])
        hand = TEXT.replace("[0.0, 0.5]", f"{config.kappa}").replace(
            "step_size = 0.7", "\n".join(f"{n} = {v!r}" for n, v in entry.values.items())
        )
        if config.algorithm == "fedpg":
            hand = hand.replace("[algorithms.fedsvrpg-m]", "")
        Path("hand.toml").write_text(hand)
        by_hand = load_study("hand.toml", only=[f"algorithm={config.algorithm}"])
        assert [other.id for other in by_hand.configs()] == [config.id]


def test_a_file_is_parsed_once_until_it_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """A study has thousands of configurations, and a file tens of thousands of values."""
    parsed: list[str] = []
    loads = files.tomllib.loads

    def counted(text: str) -> dict[str, Any]:
        parsed.append(text)
        return loads(text)

    path = Path("tuned/random-mdp/fedpg.toml")
    first = read(path)
    monkeypatch.setattr(files.tomllib, "loads", counted)
    assert read(path) == read(path) == first
    read(path).clear()  # somebody else's list
    assert read(path) == first
    assert parsed == []
    edit(lambda text: text + "\n# another\n")
    assert read(path) == first
    assert len(parsed) == 1


def test_wider_tables_give_way_and_another_budget_is_allowed() -> None:
    Path("asks.toml").write_text(
        TEXT.replace("[families.random-mdp]", '[families.random-mdp]\nhyperparameters = "tuned"')
    )
    tuned = {c.id: c for c in load_study("asks.toml").configs()}
    assert 0.7 not in {c.step_size for c in tuned.values()}
    longer = load_study("asks.toml", ["settings.budget=900", "settings.rounds=99"]).configs()
    assert [c.step_size for c in longer] == [c.step_size for c in tuned.values()]
    message = refusal("settings.step_size=0.5")
    assert "--set settings.step_size=0.5 has no effect" in message


def test_a_narrower_table_can_say_given() -> None:
    study = load_study("asks.toml", ["algorithms.fedpg.hyperparameters=given"])
    steps = {c.algorithm: set() for c in study.configs()}
    for config in study.configs():
        steps[config.algorithm].add(config.step_size)
    assert steps["fedpg"] == {0.01}
    assert steps["fedsvrpg-m"] != {0.01}


def test_tuning_reads_a_study_that_asks_for_what_it_will_make(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lookup, "shipped", lambda: Path("package"))  # which has nothing
    Path("elsewhere").mkdir()
    overrides = ["tuned=elsewhere"]
    assert "neither elsewhere nor the package has random-mdp/fedpg.toml" in refusal(*overrides)
    assert [t.label for t in prepare("asks.toml", overrides).tasks] == [
        t.label for t in prepare("tiny.toml").tasks
    ]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("settings.kappa=[0.4]", "(kappa 0.5, agents 2, study tiny), do not fit: kappa is 0.4"),
        ("settings.agents=3", "agents is 3, tuned for 2"),
        ("families.random-mdp.horizon=12", "option horizon is 12, tuned for 10"),
        ("settings.episodes=4", "episodes is 4, tuned for the default"),
        ("settings.step_size=0.1", "settings.step_size is set by hand"),
        (
            "algorithms.fedsvrpg-m.beta=0.1",
            "takes step_size, beta together from a file",
        ),
        ("settings.hyperparameters=tune", "did you mean 'tuned'"),
        ("settings.hyperparameters=[0.1]", "no kind of hyperparameters"),
    ],
)
def test_what_does_not_fit_is_refused(override: str, expected: str) -> None:
    assert expected in refusal(override)


def test_another_family_another_space_and_damage_are_refused() -> None:
    edit(lambda text: re.sub(r'problem = "\w+"', 'problem = "0"', text))
    assert "the family draws other MDPs or has other knobs" in refusal()
    make("tuned")
    edit(lambda text: text.replace("beta =", "betas ="), "fedsvrpg-m")
    assert "no hyperparameter of fedsvrpg-m 'betas'; did you mean 'beta'" in refusal()
    make("tuned")
    edit(lambda text: re.sub(r"beta = [\d.]+", "beta = 3.0", text), "fedsvrpg-m")
    assert "beta = 3 is not in [0, 1]" in refusal()
    make("tuned")
    edit(lambda text: text.replace('family = "random-mdp"', 'family = "gridworld"', 1))
    assert "holds values of gridworld / fedpg" in refusal()
    make("tuned")
    edit(lambda text: text.replace("format = 1", "format = 2"))
    assert "format 2; this version reads 1" in refusal()
    make("tuned")
    edit(lambda text: text[: len(text) // 2])
    assert "no file of tuned values" in refusal()
    make("tuned")
    edit(lambda text: text.replace("problem =", "problems ="))
    assert "lacks 'problem'" in refusal()
    make("tuned")
    edit(lambda text: re.sub(r"budget = \d+", "budget = true", text))
    assert "is damaged: budget: Input should be a valid integer" in refusal()
    make("tuned")
    assert load_study("asks.toml").configs()
    assert len(list(Path("tuned/random-mdp").glob("fedpg.toml.corrupt-*"))) == 5


def test_values_tuned_under_other_code_are_used_and_named() -> None:
    """A change of code is no other problem: it is told in one sentence, which says what changed."""
    configs = load_study("asks.toml").configs()
    assert tuned_elsewhere(load_study("asks.toml")) == ""
    edit(lambda text: re.sub(r'algorithm = "\w{32}"', 'algorithm = "0"', text))
    told = tuned_elsewhere(load_study("asks.toml"))
    assert told == (
        "hyperparameters tuned under other code: random-mdp / fedpg: algorithm changed since"
    )
    edit(lambda text: re.sub(r'training = "\w{32}"', 'training = "0"', text), "fedsvrpg-m")
    told = tuned_elsewhere(load_study("asks.toml"))
    assert told.endswith("; random-mdp / fedsvrpg-m: training changed since")
    assert load_study("asks.toml").configs() == configs


def test_values_whose_code_was_not_recorded_are_used_and_named() -> None:
    """Those of 0.1.0."""
    configs = load_study("asks.toml").configs()
    for algorithm in ("fedpg", "fedsvrpg-m"):
        edit(lambda text: re.sub(r"code = .*\n", "", text), algorithm)
    study = load_study("asks.toml")
    assert study.configs() == configs
    assert tuned_elsewhere(study) == (
        "hyperparameters tuned under other code: random-mdp / fedpg, random-mdp / fedsvrpg-m: code "
        f"was not recorded (fedrl {identity.release()})"
    )
    only = load_study("asks.toml", only=["algorithm=fedpg"])
    assert "fedsvrpg-m" not in tuned_elsewhere(only)


def test_who_runs_a_study_is_told_of_values_from_other_code(tmp_path: Path) -> None:
    edit(lambda text: re.sub(r'family = "\w{32}"', 'family = "0"', text))
    notes = plan(load_study("asks.toml"), tmp_path / "results", 1).prepare()
    assert [note for note in notes if "family changed since" in note]


def test_a_file_keeps_its_other_entries_and_repeats() -> None:
    path = Path("tuned/random-mdp/fedsvrpg-m.toml")
    before = read(path)
    make("tuned", "settings.kappa=0.25", repeats=2)
    after = read(path)
    assert [e.kappa for e in after] == [0.0, 0.25, 0.5]
    assert [e for e in after if e.kappa != 0.25] == before
    repeats = after[1].repeats
    assert [one.tuner for one in repeats] == [0, 1]
    assert repeats[0].values == after[1].values
    make("tuned", "settings.kappa=0.25", repeats=2)
    assert read(path) == after
    assert "### Repeated tuning" in shelf.markdown(Path("tuned"))


def test_of_two_budgets_the_nearest_is_taken() -> None:
    make("tuned", "settings.budget=15000", "tuning.ranges={step_size=[0.5, 0.6]}")
    near = load_study("asks.toml", ["settings.budget=300"]).configs()
    far = load_study("asks.toml", ["settings.budget=9000"]).configs()
    assert all(config.step_size < 0.5 for config in near)
    assert all(0.5 <= config.step_size <= 0.6 for config in far)


def test_a_value_at_the_end_of_its_range_is_marked() -> None:
    make("tuned", "tuning.ranges={step_size=[1e-4, 1e-3]}", "settings.step_size=1e-3")
    found = [entry for _, algorithm, entry in shelf.entries(Path("tuned")) if algorithm == "fedpg"]
    assert [shelf.on_edge(entry) for entry in found] == [["step_size"]] * 2
    assert "step_size 0.001*" in shelf.markdown(Path("tuned"))


# --- what the package has -------------------------------------------------------------------------


def test_shipped_values_are_of_this_code() -> None:
    """Every entry was made for families as they are, by trials that are all there."""
    found = shipped_entries()
    assert found
    studies = {name: load_study(name).configs() for name in {entry.study for _, _, entry in found}}
    for family, algorithm, entry in found:
        space = tuple(Parameter(**d.model_dump()) for d in entry.space)
        assert {parameter.name for parameter in space} == set(entry.values)
        point = point_of(studies[entry.study][0], space, entry.values)
        assert all(p.holds(point[p.name]) for p in space)
        columns, trials = entry.columns, entry.trials
        winner = trials[entry.finalists[0]["trial"]]
        assert {n: winner[columns.index(n)] for n in entry.values} == entry.values
        assert entry.finalists[0]["score"] == entry.score
        fitting = [
            config
            for config in studies[entry.study]
            if (config.family, config.algorithm, config.kappa, config.agents)
            == (family, algorithm, entry.kappa, entry.agents)
            and not lookup.differences(config, entry)
        ]
        assert fitting, (family, algorithm, entry.kappa, entry.agents)


def test_equal_trials_for_every_hyperparameter_of_a_study() -> None:
    """And a start from what is contained; of a grid, every point; 0.1.0: as many for every task."""
    counts: dict[tuple[str, str], set[int]] = {}
    for family, name, entry in shipped_entries():
        space, trials = entry.space, len(entry.trials)
        levels = [one.model_dump().get("levels") for one in space]
        if all(levels):
            assert trials == math.prod(map(len, levels))
        elif entry.code:
            assert trials == Protocol().trials * len(space) + len(algorithms()[name].contains)
        else:
            counts.setdefault((entry.study, family), set()).add(trials)
    assert all(len(count) == 1 for count in counts.values())


@pytest.mark.parametrize("name", ["fedpg-m", "fedsvrpg-m"])
def test_momentum_loses_nothing_that_fedpg_has(name: str) -> None:
    """On the same select seeds: β = 1 is FedPG with it, but for the samples of u_0."""
    scores = {
        (family, algorithm, entry.kappa): entry.score
        for family, algorithm, entry in shipped_entries()
        if entry.study == "paper"
    }
    behind = [
        scores[family, "fedpg", kappa] - score
        for (family, algorithm, kappa), score in scores.items()
        if algorithm == name
    ]
    assert len(behind) == 13
    assert max(behind) < 0.01


def test_the_table_in_the_docs_is_that_of_the_files() -> None:
    """With what test seeds gave, of the published study that used the values."""
    records = pd.read_parquet(ROOT / "reports" / "published" / "paper_tuned" / "records.parquet")
    assert shelf.markdown(shipped(), records) in DOCS.read_text()


def test_scores_on_test_seeds_stand_beside_those_that_chose() -> None:
    """Of runs at the values, the κ, N and budget that were tuned, and of no others."""
    (entry,) = [e for e in read(Path("tuned/random-mdp/fedsvrpg-m.toml")) if e.kappa == 0.5]
    named = {"family": "random-mdp", "algorithm": "fedsvrpg-m", "kappa": 0.5, "agents": 2}
    run = {**named, **entry.values, "budget": 150, "cell": "a", "metric": "objective"}
    run |= {"random": 1.0, "reference": 3.0, "diverged": False, "round": 0, "return": 0.0}
    rows = [
        {**run, "seed": seed, "round": round_, "steps_per_agent": 150.0 * round_, "objective": j}
        for seed, last in enumerate((2.0, 3.0, 4.0))
        for round_, j in enumerate((1.0, last))
    ]
    others = [{**row, "beta": 0.123, "cell": "b", "objective": 99.0} for row in rows]
    others += [{**row, "budget": 300, "cell": "c", "objective": 99.0} for row in rows]
    test = tested.score(pd.DataFrame(rows + others), "random-mdp", "fedsvrpg-m", entry)
    assert test is not None
    assert test.value == pytest.approx(np.mean([0.25, 0.5, 0.75]))
    assert test.low < test.value < test.high
    assert tested.score(pd.DataFrame(others), "random-mdp", "fedsvrpg-m", entry) is None
    told = entry.model_copy(update={"score": 0.8, "interval": [0.7, 0.9]})
    assert tested.optimism([(told, test)]) == (1, 1, pytest.approx(0.3))


def test_what_is_missing_is_an_error_at_the_boundary() -> None:
    with pytest.raises(SettingError, match="cannot read"):
        read(Path("tuned/random-mdp/none.toml"))
    assert shelf.entries(Path("nowhere")) == []
    task: Task = prepare("tiny.toml").tasks[0]
    assert (Protocol().trials, Protocol().select_seeds) == (16, 20)
    assert task.own == ({"step_size": 0.7},)


def test_values_that_were_edited_by_hand_are_told() -> None:
    assert "edited by hand" not in tuned_elsewhere(load_study("asks.toml"))
    edit(lambda text: re.sub(r"(values = \{ step_size = )[^ ,]+", r"\g<1>0.123456", text))
    told = tuned_elsewhere(load_study("asks.toml"))
    assert "no trial of their file has the tuned values of random-mdp / fedpg: edited" in told


def test_names_of_plugins_with_a_slash_have_a_file_that_is_found_again(tmp_path: Path) -> None:
    shipped = path_of(lookup.shipped(), "gridworld", "fedpg")
    path = path_of(tmp_path, "mylab/grid", "mylab/fedpg")
    assert path == tmp_path / "mylab=2fgrid" / "mylab=2ffedpg.toml"
    assert path != path_of(tmp_path, "mylab-grid", "mylab-fedpg")
    text = shipped.read_text("utf-8")
    path.parent.mkdir()
    path.write_text(
        text.replace('"gridworld"', '"mylab/grid"', 1).replace('"fedpg"', '"mylab/fedpg"', 1)
    )
    assert pair_of(path) == ("mylab/grid", "mylab/fedpg")
    assert read(path) == read(shipped)
