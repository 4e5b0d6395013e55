"""Laws of `fedrl replay`: the same bits, or where they end, and what is promised elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_cli import Answer, assert_mistake, fedrl  # noqa: F401

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.publishing import replay, stored_run
from fedrl.benchmark.publishing.replay import compare, recompute
from fedrl.benchmark.publishing.stored_run import original
from fedrl.benchmark.storage import provenance
from fedrl.benchmark.storage.files import ForeignFileError, StoreError
from fedrl.benchmark.storage.run_code import code_of
from fedrl.benchmark.storage.store import Store
from fedrl.benchmark.training.federation import train

Fedrl = Callable[..., Answer]
COMMON: dict[str, Any] = {"agents": 2, "rounds": 4, "local_steps": 2, "evaluate_every": 2}
TABULAR = Config(family="random-mdp", algorithm="fedsvrpg-m", kappa=0.5, **COMMON)
NEURAL = Config(family="cartpole", algorithm="fedpg", options={"horizon": 20}, **COMMON)
RUN = Run(TABULAR, Seed("test", 3))


def stored(results: Path, run: Run = RUN, study: str = "study", **changed: Any) -> Path:
    """The run's file, with some columns changed, and without those that are None."""
    result = train([run])[0]
    store = Store(results, study)
    columns = {n: column for n, column in (result.columns | changed).items() if column is not None}
    store.save(run, columns, result.seconds, result.parameters)
    return store.path(run)


@pytest.mark.parametrize("config", [TABULAR, NEURAL], ids=lambda config: config.family)
def test_a_run_is_its_own_replay(tmp_path: Path, config: Config) -> None:
    first = original(str(stored(tmp_path, Run(config, Seed("test", 0)))), tmp_path)
    assert first.run.config == config
    assert not first.differences
    assert compare(first, recompute(first.run).columns) == ("identical", None, {}, None, {})


def test_a_last_bit_of_the_parameters_is_a_difference(tmp_path: Path) -> None:
    first = original(str(stored(tmp_path)), tmp_path)
    again = recompute(RUN)
    assert compare(first, again.columns, again.parameters).outcome == "identical"
    moved = again.parameters.copy()
    moved[0, 0] = np.nextafter(moved[0, 0], np.inf)
    comparison = compare(first, again.columns, moved)
    assert (comparison.outcome, list(comparison.columns)) == ("differs", ["parameters"])
    assert comparison.round == 4
    assert 0 < comparison.largest < 1e-15


@pytest.mark.parametrize(
    "name",
    [
        f"{TABULAR.id} seed 3",
        f"{TABULAR.id} seed-3",
        f"{TABULAR.id}/seed-00003",
        f"{TABULAR.id}/seed-00003.parquet",
        f"study/{TABULAR.id}/seed-00003",
    ],
)
def test_every_way_to_name_a_run(tmp_path: Path, name: str) -> None:
    path = stored(tmp_path)
    assert original(name, tmp_path).path == path
    assert original(name, tmp_path).run == RUN


def test_the_first_different_bit_is_found(tmp_path: Path) -> None:
    objective = train([RUN])[0].columns["objective"].copy()
    objective[1] = np.nextafter(objective[1], 1)  # of round 2
    objective[2] *= 2
    first = original(str(stored(tmp_path, objective=objective)), tmp_path)
    comparison = compare(first, recompute(RUN).columns)
    assert (comparison.outcome, comparison.round) == ("differs", 2)
    assert list(comparison.columns) == ["objective"]
    assert 0 < comparison.largest < 1e-15


@pytest.mark.parametrize(("one", "two"), [(0.0, -0.0), (1.0, np.nan), ("a", "b"), (1, 2)])
def test_unequal_entries_have_a_gap(one: Any, two: Any) -> None:
    gap = replay._gap
    assert gap(one, two) is not None
    assert gap(one, one) is None
    assert gap(two, two) is None


def test_a_missing_row_or_column_is_a_difference(tmp_path: Path) -> None:
    first = original(str(stored(tmp_path)), tmp_path)
    again = recompute(RUN).columns
    shorter = {name: column[:-1] for name, column in again.items()}
    assert compare(first, shorter)[:2] == ("differs", 4)
    fewer = {name: column for name, column in again.items() if name != "return"}
    assert compare(first, fewer)[:2] == ("differs", 0)
    assert list(compare(first, fewer).columns) == ["return"]


@pytest.mark.parametrize("column", [None, np.array(["word"] * 3)], ids=["none", "words"])
@pytest.mark.parametrize("name", ["round", *replay.SCALE])
def test_a_result_without_rounds_or_scale_is_corrupt(
    tmp_path: Path, name: str, column: Any
) -> None:
    path = stored(tmp_path, **{name: column})
    with pytest.raises(StoreError, match="is corrupt"):
        compare(original(str(path), tmp_path), {})


@pytest.mark.parametrize(("name", "told"), replay.SCALE.items())
def test_another_scale_is_told_and_is_no_other_run(tmp_path: Path, name: str, told: str) -> None:
    column = train([RUN])[0].columns[name]
    first = original(str(stored(tmp_path, **{name: column - 0.5})), tmp_path)
    again = recompute(RUN)
    comparison = compare(first, again.columns, again.parameters)
    assert comparison.reproduced
    assert comparison.outcome == "identical"
    assert comparison.scale == {name: (column[0] - 0.5, column[0])}
    words = replay.sentence(comparison)
    assert words.startswith(f"identical; it is measured on another scale: {told} is ")
    assert replay.as_json(first, comparison)["scale"][name]["now"] == column[0]
    same = compare(original(str(stored(tmp_path)), tmp_path), again.columns, again.parameters)
    assert same.scale == {}
    assert replay.sentence(same) == "identical"


def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    there = provenance.machine() | {"cpu": "another processor"}
    monkeypatch.setattr(stored_run, "machine", lambda: there)


def test_another_machine_must_agree_at_the_first_point_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = train([RUN])[0].columns
    off = {0: 1e-9, 1: 1e-9, 2: 0.5}  # relative, per evaluation point
    objective = columns["objective"] * (1 + np.array([off[row] for row in range(3)]))
    path = str(stored(tmp_path, objective=objective))
    assert compare(original(path, tmp_path), columns).outcome == "differs"
    elsewhere(monkeypatch)
    first = original(path, tmp_path)
    assert list(first.differences) == ["cpu"]
    comparison = compare(first, columns)
    assert comparison[:2] == ("identical within tolerance", 0)
    assert comparison.tolerance == 1e-6
    objective[0] *= 1 + 1e-4
    assert compare(first._replace(columns=columns | {"objective": objective}), columns)[0] == (
        "differs"
    )
    fewer_steps = columns | {"steps_total": columns["steps_total"] + 1}
    assert compare(first._replace(columns=fewer_steps), columns).outcome == "differs"


def test_scores_of_a_simulator_are_not_comparable_on_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are a whole episode away from the digit that differs; counts are no matter of digits."""
    assert replay.is_simulated(RUN.config.model_copy(update={"family": "hopper", "options": {}}))
    assert not replay.is_simulated(RUN.config)
    monkeypatch.setattr(replay, "is_simulated", lambda config: True)
    columns = train([RUN])[0].columns
    path = str(stored(tmp_path, objective=columns["objective"] * 1.5))
    assert compare(original(path, tmp_path), columns).outcome == "differs"
    elsewhere(monkeypatch)
    first = original(path, tmp_path)
    comparison = compare(first, columns)
    assert comparison[:2] == ("not comparable", 0)
    assert not comparison.reproduced
    assert replay.sentence(comparison).startswith("not comparable on this machine: ")
    fewer_steps = columns | {"steps_total": columns["steps_total"] + 1}
    assert compare(first._replace(columns=fewer_steps), columns).outcome == "differs"


def test_other_code_gets_no_tolerance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(stored(tmp_path))
    present = code_of(type(TABULAR.build_family()), type(TABULAR.build_algorithm()))
    monkeypatch.setattr(provenance, "code_of", lambda *_: present | {"algorithm": "other"})
    first = original(path, tmp_path)
    assert list(first.differences) == ["code"]
    told = "code differs from the manifest's: algorithm changed"
    assert stored_run.warnings_of(first) == [told]
    assert compare(first, first.columns).tolerance is None


def test_a_run_of_an_older_release_is_read_and_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until 0.1.0 a manifest had one digest of all code, as text."""
    with monkeypatch.context() as older:
        older.setattr(provenance, "config_code", lambda _: "0123456789abcdef")
        path = stored(tmp_path)
    first = original(str(path), tmp_path)
    assert first.manifest is not None
    assert stored_run.warnings_of(first) == [
        "code differs from the manifest's: all code had one digest then"
    ]
    assert compare(first, recompute(RUN).columns).outcome == "identical"


def test_a_manifest_of_another_run_is_not_believed(tmp_path: Path) -> None:
    path = stored(tmp_path)
    cousin = stored(tmp_path, Run(NEURAL, Seed("test", 3)))
    path.with_name("manifest.json").write_bytes(cousin.with_name("manifest.json").read_bytes())
    told = r"no manifest beside it speaks of its seed and key"
    with pytest.raises(ForeignFileError, match=told):
        original(str(path), tmp_path)
    path.with_name("manifest.json").unlink()
    with pytest.raises(ForeignFileError, match=told):
        original(str(path), tmp_path)


def test_the_command(fedrl: Fedrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    stored(tmp_path / "results")
    same = fedrl("replay", TABULAR.id, "seed", "3")
    assert (same.code, same.out, same.err) == (0, "identical\n", "")
    objective = train([RUN])[0].columns["objective"] * np.array([1, 2, 1])
    path = stored(tmp_path / "results", study="other", objective=objective)
    assert_mistake(fedrl("replay", TABULAR.id, "seed", "3"), "several studies", "--study")
    differs = fedrl("replay", str(path), "--json")
    assert differs.code == 1
    answer = json.loads(differs.out)
    assert (answer["outcome"], answer["round"]) == ("differs", 2)
    assert answer["columns"] == {"objective": pytest.approx(0.5)}
    elsewhere(monkeypatch)
    near = fedrl("replay", TABULAR.id, "seed", "3", "--study", "other")
    assert near.code == 0
    assert "cpu differs from the manifest's" in near.err
    assert "identical within tolerance 1e-06" in near.out


def test_an_unknown_run_is_answered_with_the_nearest(fedrl: Fedrl, tmp_path: Path) -> None:  # noqa: F811
    assert_mistake(fedrl("replay", "x/seed-00003"), "no results in results", "--results")
    path = stored(tmp_path / "results")
    near = TABULAR.id.replace("mdp", "mpd")
    assert_mistake(
        fedrl("replay", near, "seed", "3"), f"did you mean 'study/{TABULAR.id}/seed-00003'"
    )
    path.write_bytes(path.read_bytes()[:-20])
    assert_mistake(fedrl("replay", str(path)), "is corrupt")
    with pytest.raises(StoreError, match=r"not the result of a run"):
        original(str(path.with_name("manifest.json")), tmp_path)
