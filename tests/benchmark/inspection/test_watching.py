"""Laws of `fedrl watch`: what is stored is what is shown, to this machine only."""

import http.client
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from fedrl import run_study
from fedrl.benchmark.config.study import Study, load_study
from fedrl.benchmark.config.study_file import UntunedStudyError
from fedrl.benchmark.inspection.watch_server import HOST, serve
from fedrl.benchmark.inspection.watching import Watcher
from fedrl.benchmark.storage.store import Store
from fedrl.benchmark.tuning.run import carry_out, prepare

STUDY = """
title = "Watched"
seeds = 2
[settings]
kappa = 0.0
agents = 2
rounds = 3
local_steps = 1
episodes = 1
step_size = 0.1
[families.random-mdp]
horizon = 5
[algorithms.fedpg]
[algorithms.fedpg-m]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Path]:
    folder = tmp_path_factory.mktemp("watched")
    (folder / "tiny.toml").write_text(STUDY)
    study = load_study(folder / "tiny.toml")
    run_study(study, results=folder / "results", workers=1)
    return study, folder / "results"


def path_of(place: tuple[Study, Path]) -> Path:
    """The file of the study."""
    return place[1].parent / "tiny.toml"


def test_before_a_study_begins_everything_is_expected(place: Any, tmp_path: Path) -> None:
    state = Watcher(path_of(place), tmp_path).state()
    assert (state["finished"], state["expected"]) == (0, 4)
    assert all(line["curve"] is None for line in state["lines"])
    assert state["tuning"] == {"tune": 0, "select": 0, "tasks": []}


def test_the_curve_is_the_mean_of_the_stored_runs(place: Any) -> None:
    study, results = place
    state = Watcher(path_of(place), results).state()
    assert (state["finished"], state["diverged"]) == (4, 0)
    (line,) = [one for one in state["lines"] if one["algorithm"] == "FedPG"]
    stored = Store(results, study.name).load(
        r for r in study.runs() if r.config.algorithm == "fedpg"
    )
    last = np.mean([run.columns["objective"][-1] for run in stored])
    assert line["curve"]["y"][-1] == pytest.approx(last, rel=1e-4)


def test_what_is_missing_or_damaged_is_told_and_seen_again(place: Any, tmp_path: Path) -> None:
    study, results = place
    shutil.copytree(results, tmp_path / "copy")
    store = Store(tmp_path / "copy", study.name)
    watcher = Watcher(path_of(place), tmp_path / "copy")
    assert watcher.state()["finished"] == 4
    first, second = (store.path(run) for run in study.runs()[:2])
    kept = first.read_bytes()
    first.unlink()
    second.write_bytes(b"damaged")
    state = watcher.state()
    assert (state["finished"], state["damaged"]) == (2, 1)
    assert "damaged" in state["failed"][0]
    first.write_bytes(kept)
    assert watcher.state()["finished"] == 3


@pytest.mark.parametrize("content", [b'{"a": "\\q"}\n{}\n', b"[]\n", b"\xff\n", b"{}\n"])
def test_a_damaged_journal_is_told(place: Any, tmp_path: Path, content: bytes) -> None:
    study, _ = place
    path = tmp_path / study.name / "tuning" / "journal.log"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    (task,) = Watcher(path_of(place), tmp_path).state()["tuning"]["tasks"]
    assert task["task"] == "journal.log is damaged; `fedrl tune` writes it again"


def test_a_study_is_watched_before_and_after_it_is_tuned(tmp_path: Path) -> None:
    """Its first tuning is what takes longest, and then there are no tuned values yet."""
    asks = STUDY.replace("step_size = 0.1", 'hyperparameters = "tuned"').replace(
        "seeds = 2", f"seeds = 2\ntuned = {json.dumps(str(tmp_path / 'tuned'))}\n"
    )
    asks = asks.replace("[algorithms.fedpg-m]\n", "[tuning]\ntrials = 8\nselect_seeds = 3\n")
    (tmp_path / "asks.toml").write_text(asks + "finalists = 1\n")
    results = tmp_path / "results"
    with pytest.raises(UntunedStudyError):
        load_study(tmp_path / "asks.toml")
    watcher = Watcher(tmp_path / "asks.toml", results)
    before = watcher.state()
    assert (before["untuned"], before["expected"], before["finished"]) == (True, 2, 0)
    job = prepare(str(tmp_path / "asks.toml"))
    carry_out(job, results, tmp_path / "tuned", workers=1)
    after = watcher.state()
    assert (after["untuned"], after["finished"]) == (False, 0)
    assert after["tuning"]["tasks"][0]["trials"] == 8
    run_study(load_study(tmp_path / "asks.toml"), results=results, workers=1)
    assert watcher.state()["finished"] == 2


@pytest.fixture
def port(place: Any) -> Iterator[int]:
    server = serve(Watcher(path_of(place), place[1]).state)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def asked(port: int, path: str, host: str | None = None) -> tuple[int, bytes, Any]:
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    connection.request("GET", path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


def test_only_this_machine_is_answered(port: int) -> None:
    status, content, headers = asked(port, "/state")
    assert status == 200
    assert json.loads(content)["finished"] == 4
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    status, page, _ = asked(port, "/")
    assert status == 200
    assert b"http://www.w3.org/2000/svg" in page
    assert page.count(b"http") == 1  # nothing is asked of elsewhere
    assert asked(port, "/state", "evil.example")[0] == 403
    assert asked(port, "/../../etc/passwd")[0] == 404
