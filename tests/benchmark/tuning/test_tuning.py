"""Laws of tuning: the same winner alone or together, with any workers, killed, beside others."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import optuna
import pandas as pd
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from sketches import sketches

from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution.attempt import Failed
from fedrl.benchmark.execution.executors import find
from fedrl.benchmark.storage.files import StoreError, token
from fedrl.benchmark.storage.store import parse_name
from fedrl.benchmark.tuning import journal
from fedrl.benchmark.tuning.evaluation import TuningError
from fedrl.benchmark.tuning.run import Done, carry_out, prepare

TEXT = """
title = "Tiny"
seeds = 2
[settings]
agents = 2
local_steps = 2
episodes = 2
rounds = 6
budget = 150
evaluate_every = 2
kappa = [0.0, 0.5]
[tuning]
trials = 3
wave = 2
select_seeds = 3
finalists = 2
[families.random-mdp]
horizon = 10
[algorithms.fedpg]
[algorithms.fedsvrpg-m]
"""
TASKS = 4
COUNTS = {"fedpg": 3, "fedsvrpg-m": 2 * 3 + 1}  # one from FedPG's winner
FINALISTS = 2
ONE = ["algorithm=fedsvrpg-m", "kappa=0.5"]  # with FedPG, which it contains


@pytest.fixture(autouse=True)
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(TEXT)


class Tuned(NamedTuple):
    """What was tuned in a folder that stays as it is."""

    done: Done
    folder: Path

    def copied(self) -> Done:
        """The same in the current folder, to go on from."""
        shutil.copytree(self.folder, ".", dirs_exist_ok=True)
        return self.done


def made(folder: Path, name: str, only: list[str] | None = None) -> Tuned:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("tiny.toml").write_text(TEXT)
        return Tuned(tuned(name, only), folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """All, in whole/ and whole-tuned/; drawn."""
    return made(tmp_path_factory.mktemp("whole"), "whole")


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """ONE alone, in part/ and part-tuned/; its figures are sketches."""
    with sketches():
        return made(tmp_path_factory.mktemp("part"), "part", ONE)


def tuned(name: str, only: list[str] | None = None, **how: Any) -> Done:
    """Results in NAME/, files in NAME-tuned/."""
    job = prepare("tiny.toml", only=only or [], repeats=how.pop("repeats", 1))
    return carry_out(job, Path(name), Path(f"{name}-tuned"), **({"workers": 1} | how))


def files(folder: str) -> dict[str, bytes]:
    root = Path(folder)
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def runs(folder: str) -> dict[str, bytes]:
    """Results of runs; not wall seconds, not tables of tuning."""
    return {
        name: content
        for name, content in files(folder).items()
        if parse_name(Path(name).name) is not None
    }


def storage_of(path: Path) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(path)))


def trials(folder: str) -> dict[str, list[tuple[Any, Any]]]:
    """The journal as Optuna reads it."""
    storage = storage_of(journal.path_of(Path(folder), "tiny"))
    return {
        one.study_name: [
            (t.params, t.value)
            for t in optuna.load_study(study_name=one.study_name, storage=storage).trials
        ]
        for one in optuna.get_all_study_summaries(storage)
    }


def test_the_protocol_is_followed(whole: Tuned) -> None:
    """Equal trials for all, on tune and select seeds only, chosen by the select seeds."""
    done = whole.copied()
    assert len(done.found) == TASKS
    seeds = [parse_name(Path(name).name) for name in runs("whole")]
    assert {seed for seed in seeds if seed} == {
        *(Seed("tune", n) for n in range(3)),
        *(Seed("select", n) for n in range(3)),
    }
    finalists = sum(len(one.finalists) for one in done.found)
    assert len(seeds) == 2 * sum(COUNTS.values()) * 3 + finalists * 3
    for one in done.found:
        assert len(one.trials) == COUNTS[one.task.base.algorithm]
        assert one.trials[0].values == one.task.own[0]
        ranked = sorted(one.trials, key=lambda t: -t.score)
        expected = {t.number for t in ranked[:FINALISTS]} | {t.number for t in ranked if t.of}
        assert {t.number for t in one.finalists} == expected
        assert one.winner.score == max(t.score for t in one.finalists)
        assert one.estimate.low <= one.winner.score <= one.estimate.high
        assert one.steps == sum(t.steps for t in (*one.trials, *one.finalists))
    table = pd.read_csv("whole/tiny/tuning/trials.csv")
    assert len(table) == 2 * sum(COUNTS.values())
    means = table[["score_0", "score_1", "score_2"]].mean(axis=1)
    assert means.to_numpy() == pytest.approx(table["score"].to_numpy(), abs=1e-12)
    assert {path.name for path in done.pages} >= {"winners.csv", "random-mdp-best-of-k.svg"}


@pytest.mark.usefixtures("undrawn")
def test_a_container_starts_from_the_winner_of_what_it_contains(tmp_path: Path) -> None:
    """K and η included, with select seeds: there it scores as the contained algorithm did."""
    Path("tiny.toml").write_text(TEXT.replace("finalists = 2", "finalists = 1"))
    levels = "tuning.levels.local_steps.values=[1, 2]"
    job = prepare("tiny.toml", ['tuning.tune=["step_size", "beta", "local_steps"]', levels])
    done = carry_out(job, Path("here"), Path("here-tuned"), 1)
    found = {(one.task.base.kappa, one.task.base.algorithm): one for one in done.found}
    assert len(found) == TASKS
    for kappa in (0.0, 0.5):
        inner, outer = found[kappa, "fedpg"], found[kappa, "fedsvrpg-m"]
        (start,) = [trial for trial in outer.finalists if trial.of]
        assert start.of == "fedpg"
        assert start.values == {**inner.winner.values, "beta": 1.0}
        assert start.scores == inner.winner.scores
        assert outer.winner.score >= inner.winner.score


@pytest.mark.usefixtures("undrawn")
def test_alone_in_company_and_again(whole: Tuned, part: Tuned) -> None:
    """The files of tuned values are the same bytes; a second time nothing is computed."""
    whole.copied()
    alone = part.copied()
    company = Path("whole-tuned/random-mdp/fedsvrpg-m.toml").read_text()
    own = Path("part-tuned/random-mdp/fedsvrpg-m.toml").read_text()
    assert [one.task.base.algorithm for one in alone.found] == ["fedpg", "fedsvrpg-m"]
    assert company.endswith(own[own.index("[[tuned]]") :])

    before = {path: path.stat().st_mtime_ns for path in Path("whole").rglob("*.parquet")}
    copy = journal.path_of(Path("whole"), "tiny").read_bytes()
    dead = f"{token().split('-')[0]}-{2**22 + 1}-0123abcd"  # killed after its last run
    left = ("whole/tiny/.at-work.000", "whole/tiny/tuning/.journal.log",
            "whole-tuned/.probe", "whole-tuned/random-mdp/.fedpg.toml")  # fmt: skip
    for path in left:
        Path(f"{path}.{dead}").touch()
    tuned("whole")
    assert [path for place in ("whole", "whole-tuned") for path in Path(place).rglob(".*")] == []
    assert {path: path.stat().st_mtime_ns for path in Path("whole").rglob("*.parquet")} == before
    assert journal.path_of(Path("whole"), "tiny").read_bytes() == copy


@pytest.mark.usefixtures("undrawn")
def test_repeats_have_seeds_of_their_own(part: Tuned) -> None:
    done = tuned("often", ONE, repeats=3)
    assert done.found[:2] == part.done.found
    seeds = {parse_name(Path(name).name) for name in runs("often")}
    assert seeds == {Seed("tune", n) for n in range(9)} | {Seed("select", n) for n in range(9)}
    mine = [one for one in done.found if one.task.base.algorithm == "fedsvrpg-m"]
    assert len({str(one.trials[1].values) for one in mine}) == 3
    row = done.as_json()["variance"][1]
    scores = [one.winner.score for one in mine]
    assert (row["repeats"], row["low"], row["high"]) == (3, min(scores), max(scores))
    assert row["deviation"] == pytest.approx(pd.Series(scores).std())
    assert len(trials("often")) == 2 * 3


# One process imports everything; its children tune and are killed at random moments.
PROGRAM = """
import os, random, signal, sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
from fedrl.benchmark.storage.store import parse_name
from fedrl.benchmark.tuning import search
from fedrl.benchmark.tuning.run import carry_out, prepare

def child(results, out):
    process = os.fork()
    if process == 0:
        carry_out(prepare("tiny.toml", only=sys.argv[1:]), Path(results), Path(out), 1)
        os._exit(0)
    return process

def stored():
    return sum(parse_name(path.name) is not None for path in Path("killed").rglob("*.parquet"))

assert os.waitpid(child("undisturbed", "undisturbed-tuned"), 0)[1] == 0
moments, partial = random.Random(1), 0
for goal in (1, 7, 13, 22, 30, 34):  # of 45 runs
    process = child("killed", "killed-tuned")
    while stored() < goal and os.waitpid(process, os.WNOHANG)[0] == 0:
        time.sleep(0.01)
    time.sleep(moments.uniform(0, 0.05))
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    partial += not any(Path("killed-tuned").rglob("*.toml"))
assert os.waitpid(child("killed", "killed-tuned"), 0)[1] == 0
together = [child("shared", "shared-tuned") for _ in range(2)]
assert [os.waitpid(process, 0)[1] for process in together] == [0, 0]
print(partial)
"""


@pytest.mark.long
def test_killed_or_in_company_it_finds_the_same(tmp_path: Path) -> None:
    """`kill -9`, and two processes on one folder and journal: the same winner, trial by trial."""
    command = [sys.executable, "-c", PROGRAM, *ONE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 3, "few kills left anything to go on from: the test shows little"
    for name in ("killed", "shared"):
        assert files(f"{name}-tuned") == files("undisturbed-tuned")
        assert runs(name) == runs("undisturbed")
        assert trials(name) == trials("undisturbed")
    assert {len(found) for found in trials("killed").values()} == set(COUNTS.values())


# --- journal --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("undrawn")
def test_the_journal_is_a_copy_that_can_be_lost(part: Tuned) -> None:
    """Damaged, it is set aside and written again; of other code, its trials are replaced."""
    done = part.copied()
    path = journal.path_of(Path("part"), "tiny")
    before = trials("part")
    assert sorted(len(found) for found in before.values()) == sorted(COUNTS.values())
    for damage in (path.read_bytes()[:-7], b"nonsense\n", b'{"op_code": 77}\n'):
        path.write_bytes(damage)
        journal.record(path, done.found)
        assert trials("part") == before
    assert len(list(path.parent.glob("journal.log.corrupt-*"))) == 3
    content = path.read_bytes()
    journal.record(path, done.found)
    assert path.read_bytes() == content  # nothing new, nothing written
    first = done.found[1]
    worse = [t._replace(outcomes=(t.outcomes[0]._replace(score=-1.0),)) for t in first.trials]
    journal.record(path, [done.found[0], first._replace(trials=tuple(worse))])
    after = trials("part")
    assert [value for _, value in after[journal.study_name(first)]] == [-1.0] * len(first.trials)


@pytest.mark.usefixtures("undrawn")
def test_the_dashboard_opens_the_journal(part: Tuned) -> None:
    from io import BytesIO

    dashboard = pytest.importorskip("optuna_dashboard")
    done = part.copied()
    app = dashboard.wsgi(storage_of(journal.path_of(Path("part"), "tiny")))
    status: list[str] = []
    request = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/api/studies",
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
        "SERVER_NAME": "part",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
    }
    body = b"".join(app(request, lambda code, headers, *more: status.append(code)))
    assert status[0].startswith("200")
    assert journal.study_name(done.found[0]) in body.decode()


# --- elsewhere ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("undrawn")
def test_a_failed_run_stops_tuning_and_the_same_command_goes_on(
    part: Tuned, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fedrl.benchmark.execution import workers

    original = workers.attempt

    def broken(batch: Any, *more: Any) -> Any:
        if any(run.seed == Seed("tune", 1) for run in batch):
            return Failed(batch, "no reason")
        return original(batch, *more)

    monkeypatch.setattr(workers, "attempt", broken)
    with pytest.raises(TuningError, match="tune seed 1: no reason; the same command goes on"):
        tuned("here", ONE)
    assert files("here-tuned") == {}
    monkeypatch.setattr(workers, "attempt", original)
    tuned("here", ONE)
    part.copied()
    assert files("here-tuned") == files("part-tuned")


def test_a_folder_that_cannot_be_written_to_is_told_before_compute(tmp_path: Path) -> None:
    Path("here-tuned").touch()
    with pytest.raises(StoreError, match=r"cannot write tuned values to here-tuned: .* --out"):
        tuned("here")
    assert not Path("here").exists()


@pytest.fixture(scope="module")
def ray_here() -> Iterator[None]:
    ray = pytest.importorskip("ray")
    yield
    ray.shutdown()


@pytest.mark.long
def test_processes_and_ray_find_the_same(tmp_path: Path, ray_here: None) -> None:
    """One wave and the selection: every wave starts its workers, which takes seconds."""
    short = TEXT.replace("trials = 3", "trials = 2")
    Path("tiny.toml").write_text(short)
    alone = ["algorithm=fedpg", "kappa=0.5"]
    tuned("here", alone)
    tuned("ray", alone, workers=2, executor=find("ray"))
    tuned("two", alone, workers=2)
    for name in ("ray", "two"):
        assert files(f"{name}-tuned") == files("here-tuned")
        assert runs(name) == runs("here")
