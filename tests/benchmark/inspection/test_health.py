"""What a results folder holds; sweeping removes what is useless and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution.checkpoint import Checkpoints
from fedrl.benchmark.inspection.health import examine
from fedrl.benchmark.storage import provenance
from fedrl.benchmark.storage.files import StoreError, set_aside, token
from fedrl.benchmark.storage.store import Store
from fedrl.benchmark.training.record import RunState

CONFIG = Config(family="random-mdp", algorithm="fedpg", agents=2, rounds=2)
RUNS = [Run(CONFIG, Seed("test", index)) for index in range(6)]
COLUMNS = {"round": np.array([0, 1]), "objective": np.array([0.1, 1 / 3])}
THETA = np.array([[0.5, 1 / 3]])
STATE = RunState(
    *(1, False, THETA, THETA, THETA, {"server": THETA}, np.zeros((4, 1)), 0.5, float("nan")),
    rows={"round": np.array([0])},
    seconds=np.array([0.5]),
)


def test_a_study_that_was_killed_before_its_first_run_is_swept(tmp_path: Path) -> None:
    left = tmp_path / "study" / f".at-work.000.{token()}"
    left.parent.mkdir()
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    left = left.with_name(re.sub(r"-\d+-", f"-{dead}-", left.name))
    left.touch()
    (found,) = examine(tmp_path)
    assert found.sweep() == [left]
    assert not left.exists()


def test_every_kind_is_told_and_only_the_useless_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "results", "study")
    store.prepare()
    checkpoints = Checkpoints.beside(store)
    stored, stale, damaged, unfinished, aside, foreign = RUNS
    for run in (stored, damaged, aside, foreign):
        store.save(run, COLUMNS, np.zeros(2), THETA)
    for run in (stored, unfinished):
        checkpoints.save(run, STATE)
    with monkeypatch.context() as patch:  # as another version would have stored it
        patch.setattr(provenance, "config_code", lambda config: {"training": "another"})
        store.save(stale, COLUMNS, np.zeros(2), THETA)
    path = store.path(damaged)
    path.write_bytes(path.read_bytes()[:-1])
    set_aside(store.path(aside))
    store.path(foreign).write_bytes(store.path(stored).read_bytes())
    dead = f"{token().split('-')[0]}-{2**22 + 1}-0123abcd"
    left = [store.folder / f".at-work.000.{dead}", store.folder / CONFIG.id / f".x.parquet.{dead}"]
    for path in left:
        path.touch()
    before = {path: path.read_bytes() for path in store.folder.rglob("*") if path.is_file()}

    (health,) = examine(tmp_path / "results")
    counted = {kind.name: (kind.runs, len(kind.files)) for kind in health.kinds}
    assert counted["stored"] == (1, 3)
    assert counted["unfinished"] == (1, 1)
    assert counted["stale"] == (1, 3)
    assert counted["damaged"][0] == 2
    assert counted["aside"] == (0, 1)
    assert counted["left over"] == (0, 3)
    costs = {kind.name: kind.seconds for kind in health.kinds}
    assert costs["stored"] == costs["unfinished"] > 0
    assert set(health.useless) == {*left, checkpoints.path(stored)}
    assert {path: path.read_bytes() for path in before} == before

    assert set(health.sweep()) == set(health.useless)
    after = {path for path in store.folder.rglob("*") if path.is_file()}
    assert after == set(before) - set(health.useless)
    (again,) = examine(tmp_path / "results")
    assert not again.useless


def test_what_is_no_results_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no results"):
        examine(tmp_path)
    with pytest.raises(StoreError, match="there is no folder"):
        examine(tmp_path / "none")
