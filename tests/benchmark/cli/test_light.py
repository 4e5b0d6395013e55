"""Lists and slips are answered without what computes: the modules imported are looked at."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import light
import pytest
from light import Answer

from fedrl.algorithms import ALGORITHMS
from fedrl.benchmark.cli import known, names, remembered
from fedrl.benchmark.cli.commands.studies.list_known import counted_studies
from fedrl.benchmark.cli.names import fields
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.config.selection import facts
from fedrl.benchmark.config.study import Study
from fedrl.benchmark.config.study_file import built_in
from fedrl.benchmark.execution.executors import EXECUTORS
from fedrl.benchmark.inspection import catalogue
from fedrl.benchmark.publishing.mirrors import MIRRORS
from fedrl.envs import FAMILIES
from fedrl.envs.validation import nearest
from places import ROOT

HEAVY = {"torch", "numba", "pandas", "pyarrow", "scipy", "gymnasium", "mujoco"}


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., Answer]:
    """What a command answers in the repository, and which of HEAVY it has imported."""
    return lambda *words: light.ask(list(words), tmp_path, ROOT, HEAVY)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param(("run", "--help"), 0, "", marks=pytest.mark.long),
        (("run", "qick"), 2, "no study 'qick'; did you mean 'quick'?"),
        pytest.param(
            ("report", "qick"), 2, "no study 'qick'; did you mean 'quick'?", marks=pytest.mark.long
        ),
        (("list", "famlies"), 2, "no list 'famlies'; did you mean 'families'?"),
        (("show", "cartpol"), 2, "no family 'cartpol'; did you mean 'cartpole'?"),
        (("speed", "--algorithm", "fedgp"), 2, "no algorithm 'fedgp'; did you mean 'fedpg'?"),
        pytest.param(
            ("tune", "qick"), 2, "no study 'qick'; did you mean 'quick'?", marks=pytest.mark.long
        ),
        pytest.param(
            ("thresholds", "taxi", "cartpol"),
            2,
            "no family 'cartpol'; did you mean 'cartpole'?",
            marks=pytest.mark.long,
        ),
        (("check", "cartpol"), 2, "no family or algorithm 'cartpol'; did you mean 'cartpole'?"),
        (("open", "qick"), 2, "no published study 'qick'; did you mean 'quick'?"),
        (
            ("claims", "sensitvity"),
            2,
            "no study or claim 'sensitvity'; did you mean 'sensitivity'?",
        ),
        pytest.param(
            ("verify", "benchmrk"),
            2,
            "there is no folder benchmrk; did you mean benchmark?",
            marks=pytest.mark.long,
        ),
        pytest.param(
            ("compare", "tests", "benchmrk"),
            2,
            "there is no folder benchmrk",
            marks=pytest.mark.long,
        ),
        (("import", "none.csv", "--out", "out"), 2, "cannot read none.csv"),
        (
            ("run", "quick", "--only", "family=gridworld,cartpol"),
            2,
            "no run with family 'cartpol'; did you mean 'cartpole'?",
        ),
        pytest.param(
            ("report", "quick", "--only", "algorithm=fedgp"),
            2,
            "did you mean 'fedpg'?",
            marks=pytest.mark.long,
        ),
        (("run", "quick", "--set", "seds=3"), 2, "no key of a study 'seds'; did you mean 'seeds'?"),
        (
            ("records", "quick", "--set", "families.cartpol.horizon=9"),
            2,
            "no family 'cartpol'; did you mean 'cartpole'?",
        ),
        (("tune", "quick", "--executor", "slrum"), 2, "no executor 'slrum'; did you mean 'slurm'?"),
        (
            ("mirror", "quick", "--to", "tensorbord", "--out", "out"),
            2,
            "no mirror 'tensorbord'; did you mean 'tensorboard'?",
        ),
        (("replay", "CELL", "seed", "3", "--results", "tests"), 2, "no run 'CELL seed 3'"),
        (
            ("render", "cartpole", "--policy", "CELL/seed-00003", "--results", "tests"),
            2,
            "no run 'CELL/seed-00003'",
        ),
        pytest.param(
            ("doctor", "benchmrk"),
            2,
            "there is no folder benchmrk; did you mean benchmark?",
            marks=pytest.mark.long,
        ),
        pytest.param(
            ("merge", "benchmrk", "--into", "all"),
            2,
            "no results in benchmrk; did you mean",
            marks=pytest.mark.long,
        ),
        (("handbook", "algoritms", "--out", "out"), 2, "no pages 'algoritms'; did you mean"),
        (
            ("study", "new", "my.toml", "--algorithm", "my:Mine", "--families", "taxi,cartpol"),
            2,
            "no family 'cartpol'; did you mean 'cartpole'?",
        ),
    ],
)
def test_help_and_slips_import_nothing_heavy(ask, words, code, told) -> None:
    answer = ask(*words)
    assert answer.code == code, answer.err
    assert told in answer.err
    assert answer.imported == []


def test_help_imports_what_reads_the_command_line_and_no_more(tmp_path: Path) -> None:
    light_too = {"numpy", "pydantic", "rich", "importlib.metadata"}
    answer = light.ask(["--help"], tmp_path, ROOT, HEAVY | light_too)
    assert answer.code == 0
    assert answer.imported == []


@pytest.mark.parametrize(
    "what",
    [pytest.param(n, marks=() if n == "studies" else pytest.mark.long) for n in catalogue.LISTS],
)  # the others take seconds to make
def test_a_list_is_remembered(ask, what) -> None:
    first = ask("list", what, "--json")
    again = ask("list", what, "--json")
    assert first[:2] == again[:2]
    assert again.code == 0
    assert again.imported == []


def test_sizes_of_studies_are_kept_and_counted_anew_once_a_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise: python docs/making/sizes.py."""
    kept = counted_studies()
    assert kept == json.loads(json.dumps(catalogue.studies()))
    monkeypatch.setattr(names, "PACKAGES", tmp_path)
    shutil.copytree(ROOT / "benchmark" / "studies", tmp_path / "benchmark" / "studies")
    assert counted_studies() == kept
    file = tmp_path / "benchmark" / "studies" / "quick.toml"
    file.write_text(file.read_text("utf-8") + "# edited\n", "utf-8")
    assert counted_studies() is None


def test_a_list_of_another_environment_is_kept_too(tmp_path, monkeypatch) -> None:
    """Two processes with other plug-ins in turn: neither makes its list anew; few are kept."""
    monkeypatch.setattr(remembered, "PLACE", tmp_path)
    made = []
    for digest in ("one", "two", "one", "two", *map(str, range(20))):
        monkeypatch.setattr(remembered, "digest", lambda digest=digest: digest)
        remembered.remembered("list", lambda digest=digest: made.append(digest) or digest)
    assert made == ["one", "two", *map(str, range(20))]
    assert len(list(tmp_path.iterdir())) == remembered.KEPT + 1


def test_an_edited_file_is_noticed(tmp_path, monkeypatch) -> None:
    for package in ("algorithms", "benchmark", "envs"):
        (tmp_path / package).mkdir()
    file = tmp_path / "envs" / "one.py"
    file.write_text("a = 1")
    monkeypatch.setattr(remembered, "PACKAGES", tmp_path)
    monkeypatch.setattr(remembered, "PLACE", tmp_path / "kept")
    made = iter(range(9))
    assert [remembered.remembered("x", lambda: next(made)) for _ in range(3)] == [0, 0, 0]
    file.write_text("a = 12")
    assert remembered.remembered("x", lambda: next(made)) == 1
    assert len(list((tmp_path / "kept").iterdir())) == 2, "the one before is kept too"
    (tmp_path / "kept" / f"x-{remembered.digest()}.json").write_text("{ torn")
    assert remembered.remembered("x", lambda: next(made)) == 2


def test_where_a_command_is_called_is_no_fact_and_an_edited_plugin_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "PACKAGES", tmp_path / "none")
    (tmp_path / "plugin").mkdir()
    module = tmp_path / "plugin" / "mine.py"
    module.write_text("a = 1")
    points = [EntryPoint("mine", "plugin.mine:Mine", "fedrl.families")]
    monkeypatch.setattr(remembered, "entry_points", lambda group: points)
    monkeypatch.syspath_prepend(tmp_path)
    before = remembered.digest()
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path / "results")
    monkeypatch.setattr(sys, "path", [*sys.path, ""])
    assert remembered.digest() == before
    module.write_text("a = 12")
    assert remembered.digest() != before
    assert "plugin" not in sys.modules


def test_every_field_of_a_run_and_every_setting_of_an_entry_may_be_named() -> None:
    for family, kind in FAMILIES.items():
        config = Config(family=family, algorithm="fedpg")
        for field in facts(Run(config, Seed("test", 0))):
            known.check_condition(f"{field}=x", None, None)
        for option in dataclasses.fields(kind):
            known.check_override(f"families.{family}.{option.name}=x")
    for algorithm, kind in ALGORITHMS.items():
        for own in dataclasses.fields(kind):
            known.check_override(f"settings.{own.name}=x")
            known.check_override(f"families.taxi.algorithms.{algorithm}.{own.name}=x")
            known.check_condition(f"{own.name}=x", None, None)
    for wrong in ("settings.agnts=1", "families.taxi.agnts=1", "algorithms.fedpg.agnts=1"):
        with pytest.raises(known.UnknownName, match="did you mean 'agents'"):
            known.check_override(wrong)
    with pytest.raises(known.UnknownName, match="did you mean 'family'"):
        known.check_condition("famly=x", None, None)


def test_names_are_those_of_the_registries() -> None:
    assert known.names("family") == list(FAMILIES)
    assert known.names("algorithm") == list(ALGORITHMS)
    assert known.names("study") == built_in()
    assert known.nearest("family", "taxy", FAMILIES) == nearest("family", "taxy", FAMILIES)
    assert known.names("executor") == list(EXECUTORS)
    assert known.names("mirror") == list(MIRRORS)
    assert {*known.study_keys()} == {*Study.model_fields} - {"name", "only"}
    declared = fields("benchmark/config/configuration.py", "Config")
    assert {*Config.model_fields} <= {*declared}
    known.check_override("families.gymnasium@pole.horizon=9")
    known.check_condition("family=taxi", "quick", ["families.taxi.horizon=9"])
    known.check_condition("family=anything", "no-study.toml", None)
    known.of("family")("my_package.mine:Family")
    known.of("family")("gymnasium@pole")
    with pytest.raises(known.UnknownName, match="did you mean 'gymnasium'"):
        known.of("family")("gymnasum@pole")
