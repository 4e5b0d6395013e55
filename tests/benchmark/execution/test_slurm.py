"""Laws of the Slurm executor, before a `sbatch` that starts processes of this machine."""

import os
import stat
import sys
from pathlib import Path

import pytest

from fedrl import run_study
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution import slurm_executor
from fedrl.benchmark.execution.attempt import Failed
from fedrl.benchmark.execution.checkpoint import Checkpoints
from fedrl.benchmark.execution.executors import ExecutorError, find
from fedrl.benchmark.execution.job_files import job_bytes, read_job, read_outcome
from fedrl.benchmark.storage.provenance import machine

STUDY = """
title = "Tiny"
seeds = 3
[settings]
rounds = 4
agents = 2
[families.random-mdp]
horizon = 5
[algorithms.fedpg]
[algorithms.fedpg-m]
"""
SBATCH = """
import os, pathlib, subprocess, sys
home = pathlib.Path(__file__).parent
def lives(job):
    try:
        return open(f"/proc/{job}/stat").read().split()[2] != "Z"
    except OSError:
        return False
if any(lives(path.name) for path in home.glob("jobs/*")):
    (home / "refused").touch()
    sys.exit("sbatch: error: AssocMaxSubmitJobLimit")
count = int((home / "count").read_text())
(home / "count").write_text(str(count + 1))
script = "exec sleep 0" if count == 0 else f"exec sh {sys.argv[-1]}"  # the first job is lost
quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
job = subprocess.Popen(["sh", "-c", script], start_new_session=True, **quiet)
(home / "jobs" / str(job.pid)).touch()
print(job.pid)
"""
SQUEUE = """
import os, sys
for job in sys.argv[-1].partition("=")[2].split(","):
    try:
        if open(f"/proc/{job}/stat").read().split()[2] != "Z":
            print(job)
    except OSError:
        pass
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "bin"
    (home / "jobs").mkdir(parents=True)
    (home / "count").write_text("0")
    for name, text in (("sbatch", SBATCH), ("squeue", SQUEUE), ("scancel", "")):
        (home / name).write_text(f"#!{sys.executable}\n{text}")
        (home / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{home}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(slurm_executor, "POLL_EVERY", 0.2)
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(STUDY)
    return home


def files(folder: str) -> dict[str, bytes]:
    found = {p.relative_to(folder).as_posix(): p for p in Path(folder).rglob("*") if p.is_file()}
    return {n: p.read_bytes() for n, p in found.items() if "seconds" not in n and "manif" not in n}


@pytest.mark.long
def test_a_cluster_that_loses_jobs_and_limits_them_gives_the_same_files(cluster: Path) -> None:
    done = run_study("tiny.toml", results="slurm", workers=2, executor="slurm", address="--mem=1G")
    assert (done.finished, len(done.failed)) == (6, 0)
    assert (cluster / "refused").exists()
    assert int((cluster / "count").read_text()) >= 3  # one was lost, and submitted again
    run_study("tiny.toml", results="local", workers=1)
    assert files("slurm") == files("local")
    assert not list(Path("slurm").glob(".slurm*"))


def test_a_job_whose_time_is_up_asks_to_be_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    place = tmp_path / "00000"
    batch = [Run(Config(family="random-mdp", algorithm="fedpg"), Seed("test", 3))]
    monkeypatch.setattr(slurm_executor, "attempt", interrupted)
    monkeypatch.setattr(slurm_executor.signal, "signal", lambda *_: None)
    place.write_bytes(job_bytes(batch, Checkpoints(tmp_path, "study")))
    assert read_job(place.read_bytes())[:2] == (batch, Checkpoints(tmp_path, "study"))
    slurm_executor.work(place)
    assert place.with_suffix(".again").exists()
    assert not place.with_suffix(".result").exists()
    monkeypatch.setattr(slurm_executor, "run_key", lambda run: "another")
    slurm_executor.work(place)
    event = read_outcome(place.with_suffix(".result").read_bytes(), batch)
    assert isinstance(event, Failed)
    assert "other code or versions" in event.reason


def test_what_is_no_option_of_sbatch_is_refused(cluster: Path) -> None:
    with pytest.raises(ExecutorError, match="options of sbatch"):
        find("slurm", "cluster:6379")


def test_without_a_cluster_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExecutorError, match="login node"):
        find("slurm")


def test_the_image_of_a_container_is_in_manifests(monkeypatch: pytest.MonkeyPatch) -> None:
    told = machine.__wrapped__  # what it remembers is of this process
    monkeypatch.delenv("FEDRL_IMAGE", raising=False)
    assert "image" not in told()
    monkeypatch.setenv("FEDRL_IMAGE", "sha256:0123")
    assert told()["image"] == "sha256:0123"
