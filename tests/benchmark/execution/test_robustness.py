"""What goes wrong on real machines: bad files, full disks, other processes, Ctrl-C, odd clocks."""

from __future__ import annotations

import ast
import errno
import json
import os
import pickle
import re
import resource
import signal
import subprocess
import sys
import time
import zipfile
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_cli import RUNS, Answer, assert_mistake, content, fedrl, results  # noqa: F401

from fedrl import run_study
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.execution import coordination
from fedrl.benchmark.execution.execution import execute, plan
from fedrl.benchmark.storage import files
from fedrl.benchmark.storage.files import CorruptFileError, set_aside, tidy, write_atomically
from fedrl.benchmark.storage.manifests import read_manifest
from fedrl.benchmark.storage.store import Store
from fedrl.benchmark.storage.tables import DIGEST, KEY
from fedrl.benchmark.training import federation
from places import IMPORTED_FROM, ROOT

Fedrl = Callable[..., Answer]
MANY = """
title = "Many small runs"
seeds = 6
[settings]
rounds = 200
agents = 4
local_steps = [5, 6, 7]
kappa = [0.0, 0.1, 0.2]
[families.random-mdp]
[algorithms.fedpg]
"""  # nine cells, three programs


def tiny(fedrl: Fedrl, *more: str) -> Answer:  # noqa: F811
    return fedrl("run", "tiny.toml", "--workers", "1", *more)


# --- bad files ------------------------------------------------------------------------------------

VICTIMS = (
    *("seed-00001.parquet", "seed-00001.seconds.parquet", "seed-00001.parameters.npz"),
    "manifest.json",
)
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda data: data[: len(data) // 2],
    # A bit in each of 16 bytes: of wall seconds, which differ each time, one byte of a page's
    # header may be statistics that nothing reads.
    "flipped": lambda data: data[:60] + bytes(byte ^ 1 for byte in data[60:76]) + data[76:],
    "emptied": lambda _: b"",
}


# Every file and every damage; the other pairs are long.
KEPT = [*zip(VICTIMS, ("flipped", "emptied", "truncated", "truncated"), strict=True)]


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("name", "damage"),
    [
        pytest.param(
            name,
            damage,
            id=f"{name}-{kind}",
            marks=() if (name, kind) in KEPT else pytest.mark.long,
        )
        for name in VICTIMS
        for kind, damage in DAMAGE.items()
    ],
)
def test_run_sets_a_bad_file_aside_and_computes_its_run_again(
    fedrl: Fedrl,  # noqa: F811
    tmp_path: Path,
    name: str,
    damage: Callable[[bytes], bytes],
) -> None:
    only = ("--only", "kappa=0.5", "--only", "algorithm=fedpg")
    assert tiny(fedrl, *only).code == 0
    sound = results(tmp_path / "results")
    victim = next((tmp_path / "results").rglob(name))
    for count in (1, 2):
        bad = damage(victim.read_bytes())
        victim.write_bytes(bad)
        before = content(tmp_path)
        assert fedrl("run", "tiny.toml", *only, "--dry-run").code == 0
        assert content(tmp_path) == before
        answer = tiny(fedrl, *only, "--json")
        assert answer.code == 0
        assert f"{name} is corrupt; it is kept as {name}.corrupt-{count}" in answer.err
        assert answer.err.count("is corrupt") == 1
        assert json.loads(answer.out)["finished"] == (0 if name == "manifest.json" else 1)
        assert victim.with_name(f"{name}.corrupt-{count}").read_bytes() == bad
        assert victim.is_file()
    if name == "manifest.json":  # the keys of the runs prove everything in it but the machine
        there = read_manifest(victim)
        before_it = json.loads(sound[str(victim.relative_to(tmp_path / "results"))])
        assert {**there, "machine": before_it["machine"]} == {
            key: value for key, value in before_it.items() if key != "digest"
        }
        assert "unknown" in there["machine"]["cpu"]
    else:
        now = results(tmp_path / "results")
        assert {path: now[path] for path in sound} == sound
    drawn = name == "manifest.json" and damage is DAMAGE["truncated"]  # once: it takes seconds
    words = ("report", "tiny.toml") if drawn else ("records", "tiny.toml", "--out", "new.csv")
    assert fedrl(*words, *only).code == 0


@pytest.mark.parametrize("command", ["report", "records"])
def test_reading_refuses_a_bad_file_and_touches_nothing(
    fedrl: Fedrl,  # noqa: F811
    tmp_path: Path,
    command: str,
) -> None:
    tiny(fedrl, "--only", "seed=1")
    victim = next(tmp_path.rglob("seed-00001.parquet"))
    victim.write_bytes(victim.read_bytes()[:99])
    before = content(tmp_path)
    assert_mistake(fedrl(command, "tiny.toml"), "seed-00001.parquet is corrupt", "fedrl run")
    assert content(tmp_path) == before


def test_a_bad_checkpoint_is_set_aside_and_named(fedrl: Fedrl, tmp_path: Path) -> None:  # noqa: F811
    tiny(fedrl, "--only", "seed=1")
    victim = next(tmp_path.rglob("seed-00001.parquet"))
    sound = victim.read_bytes()
    victim.rename(tmp_path / "elsewhere")
    checkpoint = victim.with_suffix(".checkpoint")
    checkpoint.write_bytes(b"no checkpoint")
    answer = tiny(fedrl, "--only", "seed=1")
    assert answer.code == 0
    assert "seed-00001.checkpoint is corrupt; it is kept as" in answer.err
    assert victim.read_bytes() == sound
    kept = checkpoint.with_name(f"{checkpoint.name}.corrupt-1")
    assert kept.read_bytes() == b"no checkpoint"


def test_setting_aside_never_overwrites(tmp_path: Path) -> None:
    names = []
    for number in range(3):
        (tmp_path / "file").write_text(str(number))
        names.append(set_aside(tmp_path / "file").name)
    assert names == ["file.corrupt-1", "file.corrupt-2", "file.corrupt-3"]
    assert [(tmp_path / name).read_text() for name in names] == ["0", "1", "2"]
    set_aside(tmp_path / "file")  # another process was faster
    assert len(list(tmp_path.iterdir())) == 3


# --- disks ----------------------------------------------------------------------------------------


def fail(code: int) -> Callable[..., Any]:
    def raising(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return raising


@pytest.mark.parametrize("point", ["open", "write", "fsync", "replace"])
def test_a_disk_full_at_any_point_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with monkeypatch.context() as patch:
        if point == "open":
            patch.setattr(Path, "open", fail(errno.ENOSPC))
        elif point == "write":
            limit = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
        elif point == "fsync":
            patch.setattr(files.os, "fsync", fail(errno.ENOSPC))
        else:
            patch.setattr(Path, "replace", fail(errno.ENOSPC))
        try:
            with pytest.raises(OSError, match=r"No space left|File too large"):
                write_atomically(path, bytes(5000))
        finally:
            if point == "write":
                resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("after", [0, 3, 8])
def test_a_full_disk_stops_a_study_that_goes_on_later(
    fedrl: Fedrl,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
) -> None:
    sync, left = os.fsync, [2 * after]

    def full(descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        answer = tiny(fedrl)
    assert answer.code == 2
    errors = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "No space left on device" in errors[0]
    assert "Traceback" not in answer.err
    assert not [p for p in tmp_path.rglob(".*") if p.is_file()]
    assert tiny(fedrl).code == 0
    assert fedrl("run", "tiny.toml", "--results", "whole", "--workers", "1").code == 0
    assert results(tmp_path / "results") == results(tmp_path / "whole")


def test_a_read_only_folder_is_refused_before_any_compute(
    fedrl: Fedrl,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(federation, "train", fail(errno.EIO))  # would be a failed run, exit 1
    monkeypatch.setattr(Path, "mkdir", fail(errno.EROFS))
    assert_mistake(tiny(fedrl), "cannot write results", "Read-only file system", "--results")
    monkeypatch.undo()


def test_a_results_path_that_is_a_file_is_refused(fedrl: Fedrl, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "results").write_text("in the way")
    before = content(tmp_path)
    assert_mistake(tiny(fedrl), "cannot write results to results/tiny", "Not a directory")
    assert_mistake(fedrl("report", "tiny.toml"), "cannot write the report", "Not a directory")
    assert_mistake(fedrl("replay", "cell", "seed", "1"), "no results in results")
    assert content(tmp_path) == before


def test_killed_processes_leave_nothing_for_long(tmp_path: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-c", "from fedrl.benchmark.storage.files import token; print(token())"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    dead = child.stdout.strip()
    host, process, random = dead.split("-")
    other = f"{'0' * len(host)}-{process}-{random}"
    (tmp_path / "cell").mkdir()
    for word in (dead, other, files.token()):
        (tmp_path / "cell" / f".seed-00001.parquet.{word}").write_bytes(b"")
    (tmp_path / ".hidden").write_bytes(b"")
    tidy(tmp_path)
    there = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert len(there) == 3
    assert f".seed-00001.parquet.{dead}" not in there


# --- clocks ---------------------------------------------------------------------------------------


def test_clocks_decide_nothing(
    fedrl: Fedrl,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert tiny(fedrl, "--only", "seed=0").code == 0
    future = time.time() + 10 * 365 * 86400
    for path in (tmp_path / "results").rglob("*"):
        os.utime(path, (future, future))
    now = [time.time()]

    def backwards() -> float:
        now[0] -= 3600
        return now[0]

    monkeypatch.setattr(time, "time", backwards)
    outcome = json.loads(tiny(fedrl, "--json").out)
    assert (outcome["finished"], outcome["skipped"]) == (RUNS // 2, RUNS // 2)
    assert outcome["seconds"] >= 0
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    run_study("tiny.toml", results="whole", workers=1)
    assert results(tmp_path / "results") == results(tmp_path / "whole")


# --- other processes ------------------------------------------------------------------------------


def command(folder: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "fedrl", "run", "many.toml", *more],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(IMPORTED_FROM)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell lets what it starts in the background ignore Ctrl-C, tests included.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.long
def test_two_processes_share_a_study(tmp_path: Path) -> None:
    (tmp_path / "many.toml").write_text(MANY)
    both = [command(tmp_path, "--workers", "1", "--json") for _ in range(2)]
    answers = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    study = load_study(tmp_path / "many.toml")
    runs = study.runs()
    stored = Store(tmp_path / "results", "many").load(runs)
    assert len(stored) == len(runs)
    assert not any(entry.stale for entry in stored)
    computed = [json.loads(out)["finished"] for out, _ in answers]
    assert all(computed)
    # Each may do twice what the other is busy with.
    longest = max(map(len, plan(study, tmp_path / "absent", 1).batches))
    assert sum(computed) <= len(runs) + 2 * longest
    names = {path.name for path in (tmp_path / "results").rglob("*") if path.is_file()}
    results = (".parquet", ".parameters.npz")
    assert {name for name in names if not name.endswith(results)} == {"manifest.json"}


def test_what_is_stored_meanwhile_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "many.toml").write_text(MANY.replace("rounds = 200", "rounds = 1"))
    study = load_study(tmp_path / "many.toml")
    mine = plan(study, tmp_path / "results", 1)
    mine.prepare()
    train, others = federation.train, []

    def train_while_another_does_the_rest(runs: Any, **more: Any) -> Any:
        if not others:
            others.append(True)
            rest = [run for run in study.runs() if run not in runs]
            for result in [r for run in rest for r in train([run])]:
                mine.store.save(*result)
        return train(runs, **more)

    monkeypatch.setattr(federation, "train", train_while_another_does_the_rest)
    first = len(mine.batches[0])
    summary = execute(mine)
    assert (summary.finished, summary.skipped) == (first, len(study.runs()) - first)
    assert summary.complete


def test_who_comes_later_starts_elsewhere(tmp_path: Path) -> None:
    assert [coordination.place(before, 8) for before in range(8)] == [0, 4, 2, 6, 1, 5, 3, 7]
    with coordination.presence(tmp_path) as first, coordination.presence(tmp_path) as second:
        assert (first, second) == (0, 1)
    assert list(tmp_path.iterdir()) == []
    with coordination.presence(tmp_path / "absent") as alone:
        assert alone == 0


def test_a_batch_loses_its_stored_runs_only(tmp_path: Path) -> None:
    config = Config(family="random-mdp", algorithm="fedpg", agents=2, rounds=1)
    runs = [Run(config, Seed("test", index)) for index in range(4)]
    store = Store(tmp_path, "study")
    for run in runs[:3]:
        store.save(run, {"round": np.array([0])}, np.zeros(1), np.zeros((1, 2)))
    store.path(runs[1]).write_bytes(b"bad")  # not stored
    queue = deque([[runs[0]], runs[1:3], [runs[3]]])
    assert coordination.drop_stored(queue, store, 1) == [runs[0], runs[2]]
    assert list(queue) == [[runs[1]], [runs[3]]]


def test_temporary_names_are_unique() -> None:
    names = {files.token() for _ in range(1000)}
    assert len(names) == 1000
    assert all(re.fullmatch(rf"[0-9a-f]{{8}}-{os.getpid()}-[0-9a-f]{{8}}", n) for n in names)


# --- Ctrl-C ---------------------------------------------------------------------------------------


def test_ctrl_c_inside_of_a_compiled_function_is_no_failed_run(
    fedrl: Fedrl,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Python makes a SystemError of what a compiled function returns with an exception set."""
    calls = []

    def pressed(*_: object, **__: object) -> None:
        calls.append(1)
        raise SystemError("returned a result with an exception set") from KeyboardInterrupt()

    monkeypatch.setattr(federation, "train", pressed)
    answer = fedrl("run", "tiny.toml", "--workers", "1")
    assert answer.code == 130
    assert len(calls) == 1  # the next batch is not begun
    assert "fedrl run tiny.toml" in answer.err or "same command" in answer.err


@pytest.mark.long
def test_ctrl_c_with_several_workers_is_clean_and_resumable(tmp_path: Path) -> None:
    (tmp_path / "many.toml").write_text(MANY.replace("rounds = 200", "rounds = 600"))
    process = command(tmp_path, "--workers", "2")
    deadline = time.monotonic() + 120
    while len(list(tmp_path.rglob("seed-?????.parquet"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group
    _, err = process.communicate(timeout=90)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    stopped, again = err.splitlines()[-2:]
    done = re.fullmatch(r"stopped: (\d+) of 54 runs are stored in results", stopped)
    assert done is not None, err
    assert 0 < int(done[1]) < 54
    assert again == "go on with: fedrl run many.toml"
    assert not list(tmp_path.rglob(".*"))
    study = load_study(tmp_path / "many.toml")
    # The signal may come between storing a run and counting it.
    assert len(plan(study, tmp_path / "results", 1).stored) - int(done[1]) in (0, 1)


# --- no code from data ----------------------------------------------------------------------------

SOURCES = sorted(p for name in ("benchmark", "reports") for p in (ROOT / name).rglob("*.py"))
UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve"}
UNSAFE_MODULES |= {"marshal", "jsonpickle"}


def unsafe(source: str) -> list[str]:
    """Ways in which a module could execute what it reads."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in UNSAFE_MODULES]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {alias.name for alias in node.names}
            module = node.module.split(".")
            found += [node.module] if module[0] in UNSAFE_MODULES else []
            found += names & UNSAFE_MODULES
            if module[0] in ("torch", "numpy"):
                found += names & {"load", "save"}
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            options = {k.arg: ast.unparse(k.value) for k in node.keywords}
            if called.endswith("read_pickle") or called == "torch.load":
                found.append(called)
            if called in ("np.load", "numpy.load") and options.get("allow_pickle") != "False":
                found.append(f"{called} without allow_pickle=False")
            if options.get("allow_pickle", "False") != "False":
                found.append(f"{called} with allow_pickle")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_executes_what_it_reads(path: Path) -> None:
    assert unsafe(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(path)",
        "pd.read_pickle(path)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "from torch import load",
    ],
)
def test_the_check_for_pickles_can_fail(source: str) -> None:
    assert unsafe(source)


class Bomb:
    """Executes when it is unpickled."""

    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def __reduce__(self) -> Any:
        return Path.touch, (self.flag,)


def test_a_parquet_file_cannot_bring_code(tmp_path: Path) -> None:
    flag = tmp_path / "executed"
    field = pa.field(
        "round",
        pa.int64(),
        metadata={
            b"ARROW:extension:name": b"arrow.py_extension_type",
            b"ARROW:extension:metadata": pickle.dumps(Bomb(flag)),
        },
    )
    table = pa.table([pa.array([0])], schema=pa.schema([field], metadata={KEY: b"k", DIGEST: b"d"}))
    store = Store(tmp_path, "study")
    run = Run(Config(family="random-mdp", algorithm="fedpg", agents=2), Seed("test", 0))
    store.config_folder(run.config).mkdir(parents=True)
    pq.write_table(table, store.path(run))
    with pytest.raises(CorruptFileError):
        store.read(run)
    assert not flag.exists()
    pickle.loads(pickle.dumps(Bomb(flag)))
    assert flag.exists()  # it would have


def test_a_checkpoint_cannot_bring_code(tmp_path: Path) -> None:
    """Even one with a valid digest."""
    from fedrl.benchmark.execution.checkpoint import decode
    from fedrl.benchmark.storage.sealed_npz import DIGEST, _digest

    flag, archive = tmp_path / "executed", tmp_path / "bomb.npz"
    np.savez(archive, key=np.array("key"), theta=np.array([Bomb(flag)], dtype=object))
    with zipfile.ZipFile(archive, "a") as opened:
        opened.comment = bytes(DIGEST)
    content = archive.read_bytes()[:-DIGEST]
    with pytest.raises(ValueError, match="allow_pickle"):
        decode(content + _digest(content), "key")
    assert not flag.exists()
