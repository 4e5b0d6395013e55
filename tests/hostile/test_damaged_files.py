"""Damage to every kind of file that is read: a line or nothing, in seconds; never a traceback.

FEDRL_HOSTILE_FILES says how many; `tox run -e hostile` tries 1 000.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections import deque
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import STUDY, contents
from damage import damaged, resealed
from forked import Ended, call
from sketches import sketches

from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.execution import job_files, slurm_executor
from fedrl.benchmark.execution.attempt import Finished, one_thread
from fedrl.benchmark.execution.checkpoint import Checkpoints
from fedrl.benchmark.storage.store import Store
from fedrl.benchmark.training import federation

FILES = int(os.environ.get("FEDRL_HOSTILE_FILES", "10"))
FIRST = int(os.environ.get("FEDRL_HOSTILE_FIRST", "0"))
SECONDS, BYTES = 10.0, 1.5e9  # of the processor; the parent's modules and 1 GB
TUNING = """
[tuning]
trials = 2
wave = 2
seeds = 3
select_seeds = 3
finalists = 1
"""
RUN = ["run", "small.toml", "--workers", "1"]
STORED = (
    *(RUN, RUN, ["records", "small.toml", "--out", "r.csv"], ["merge", "results", "--into", "m"]),
    *(["doctor"], ["doctor", "--sweep"], ["watch", "small.toml", "--json"]),
    *(["replay", "FILE"], ["compare", "results", "copy"]),
    ["mirror", "small.toml", "--to", "tensorboard", "--out", "tb"],
)
TUNED = (
    *(["tuned", "tuned"], ["tuned", "tuned", "--markdown"], ["run", "uses.toml", "--dry-run"]),
    ["tune", "small.toml", "--workers", "1"],
)
IMPORTED = [["import", "FILE", "--out", "imported"]]
# Heavy commands make a whole report: few of them.
PUBLIC = (
    *(["verify", "public"], ["publish", "small.toml", "--out", "public", "--redraw"]),
    *(["compare", "public", "results"], ["tuned", "tuned", "--tests", "public/records.parquet"]),
    ["claims", "theory", "--published", "."],
)
# pattern of victims, commands, how often
KINDS: tuple[tuple[str, Any, int], ...] = (
    ("results/small/*/seed-*.parquet", STORED, 20),
    ("results/small/*/*.seconds.parquet", STORED, 6),
    ("results/small/*/*.parameters.npz", STORED, 11),
    ("results/small/*/*.parameters.npz", (["cross", "small.toml"],), 1),
    ("results/small/*/manifest.json", STORED, 20),
    ("results/small/*/*.checkpoint", (RUN, ["doctor"]), 10),
    ("results/small/*/tune-*.parquet", TUNED[-1:], 2),
    ("results/small/tuning/*", (TUNED[-1], STORED[6]), 4),
    ("tuned/*/*.toml", TUNED, 12),
    ("small.toml", ([*RUN, "--dry-run"], ["records", "small.toml"]), 6),
    ("curves.csv", IMPORTED, 1),
    ("evaluations.npz", IMPORTED, 1),
    ("public/*.*", PUBLIC, 2),
    ("public/tables/*.csv", PUBLIC[:1], 1),
    ("public/runs/*/*.*", PUBLIC[:1], 1),
)


@pytest.fixture(scope="module", autouse=True)
def _few_are_drawn() -> Iterator[None]:
    """Figures are sketches where few files are damaged, hardly any that a report is made of."""
    with sketches() if FILES < 100 else nullcontext():
        yield


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every kind of file; one run of the study is unfinished."""
    place = tmp_path_factory.mktemp("files")
    (place / "small.toml").write_text(STUDY + TUNING)
    (place / "uses.toml").write_text(
        STUDY.replace("[settings]", '[settings]\nhyperparameters = "tuned"')
    )
    _done(RUN, place)
    _done(["tune", "small.toml", "--workers", "1"], place)
    _done(["publish", "small.toml", "--out", "public", "--date", "2026-01-01"], place)
    shutil.copytree(place / "results", place / "copy")
    rows = [f"{a},{s},{t},{t * s}" for a in "ab" for s in range(3) for t in range(3)]
    (place / "curves.csv").write_text("\n".join(["algorithm,seed,steps,score", *rows]))
    np.savez(place / "evaluations.npz", timesteps=np.arange(3), results=np.ones((3, 2)))
    store, run = Store(place / "results", "small"), load_study(place / "small.toml").runs()[0]
    checkpoints = Checkpoints.beside(store)
    federation_save = federation.SAVE_EVERY
    federation.SAVE_EVERY = 0.0
    with one_thread():
        states: list[Any] = []
        federation.train([run], on_state=lambda _, state: states.append(state))
        for other in load_study(place / "small.toml").runs():
            federation.train([other])  # kernels that children find in memory
    federation.SAVE_EVERY = federation_save
    for path in store.path(run).parent.glob("seed-00000.*"):
        path.unlink()
    checkpoints.save(run, states[1])
    return place


def _done(words: list[str], place: Path) -> None:
    ended = call(words, place)
    assert ended.code == 0, (words, ended)


def _wrong(ended: Ended) -> str | None:
    """What a user should not see."""
    if ended.code not in (0, 1, 2) or "Traceback" in ended.text:
        return f"exit code {ended.code}: {ended.text[-1500:]}"
    errors = [line for line in ended.text.splitlines() if line.startswith("error: ")]
    if ended.code == 2 and len(errors) != 1:
        return f"no line says what is wrong: {ended.text[-500:]}"
    if max(map(len, errors), default=0) > 2000:
        return f"too long: {errors[0][:300]}"
    if ended.cpu > SECONDS or ended.peak > BYTES:
        return f"{ended.cpu:.1f} s, {ended.peak / 1e6:.0f} MB"
    return None


def test_damage_is_told_and_never_a_traceback(template: Path, tmp_path: Path) -> None:
    """What `run` makes good has the bytes of before, whatever the damage."""
    sound = tmp_path / "sound"
    shutil.copytree(template, sound)
    _done(RUN, sound)
    whole = contents(sound / "results", "seed-*")
    wrong = []
    for number in range(FIRST, FIRST + FILES):
        draw = random.Random(number)
        pattern, commands, _ = draw.choices(KINDS, [often for *_, often in KINDS])[0]
        victim = draw.choice(sorted(template.glob(pattern))).relative_to(template)
        words = [str(victim) if word == "FILE" else word for word in draw.choice(commands)]
        place = tmp_path / "place"
        shutil.copytree(template, place)
        bad = damaged((place / victim).read_bytes(), victim.name, draw)
        (place / victim).write_bytes(bad.content)
        if victim.parts[0] == "public" and draw.random() < 0.7:
            resealed(place / "public", victim.relative_to("public").as_posix())
        if fault := _wrong(call(words, place)):
            wrong.append(f"{number}: {victim}, {' '.join(words)}: {fault}")
        elif words == RUN and victim.suffix not in (".toml", ".json") and not bad.sealed:
            now = contents(place / "results", "seed-*")
            if {name: now.get(name) for name in whole} != whole:
                wrong.append(f"{number}: {victim}: `run` made other numbers of it")
        shutil.rmtree(place)
        if number % 25 == 0:
            print(f"{number - FIRST + 1} of {FILES}; wrong: {wrong}", flush=True)
    assert not wrong, f"{len(wrong)} of {FILES}\n" + "\n\n".join(wrong)


def test_damaged_files_of_jobs_are_a_lost_job(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue has the batch again; a job file is never executed."""
    nobody = subprocess.CompletedProcess((), 0, stdout="")
    monkeypatch.setattr(slurm_executor, "asked", lambda *_: nobody)
    runs = load_study(template / "small.toml").runs()[:2]
    with one_thread():
        results = federation.train(runs)
    sound = job_files.outcome_bytes(
        Finished(runs, [(r.columns, r.seconds, r.parameters) for r in results])
    )
    for number in range(FIRST, FIRST + FILES):
        draw = random.Random(number)
        heard: list[Any] = []
        jobs = slurm_executor._Jobs(tmp_path, [], heard.append, None)
        place, queue = tmp_path / "00000", deque[Any]()
        place.with_suffix(".result").write_bytes(damaged(sound, "00000.result", draw).content)
        jobs.running["1"] = place, runs
        jobs.look(queue)
        assert heard, number
        assert isinstance(heard[0], Finished) or list(queue) == [runs], (number, heard)
        if isinstance(heard[0], Finished):
            assert {len(c) for columns, *_ in heard[0].results for c in columns.values()} == {5}
