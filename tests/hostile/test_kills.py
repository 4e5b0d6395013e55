"""Commands that are killed at any moment: the same command goes on, and nothing is lost.

FEDRL_HOSTILE_KILLS says how many; `tox run -e hostile` kills 200 times.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from commands import STUDY, contents, finished, start

KILLS = int(os.environ.get("FEDRL_HOSTILE_KILLS", "3"))
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
DAY = ["--date", "2026-01-01"]
COMMANDS = {  # words, and the folder or file that they write
    "run": (["run", "small.toml", "--results", "again", "--workers", "2"], "again"),
    "report": (["report", "small.toml", "--out", "page"], "page"),
    "publish": (["publish", "small.toml", "--out", "public", *DAY], "public"),
    "merge": (["merge", "results", "--into", "joined"], "joined"),
    "records": (["records", "small.toml", "--out", "records.csv"], "records.csv"),
    "cross": (["cross", "small.toml", "--episodes", "2"], "results/small/cross"),
    "doctor": (["doctor", "results", "--sweep"], ""),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("killed")
    (made / "small.toml").write_text(STUDY)
    finished(["run", "small.toml", "--workers", "1"], made)
    return made


@pytest.mark.parametrize("name", COMMANDS if len(COMMANDS) <= KILLS else ["run", "publish"])
def test_a_killed_command_is_repeated_and_nothing_is_lost(place: Path, name: str) -> None:
    words, written = COMMANDS[name]
    stored = contents(place / "results", "*.*")
    started = time.monotonic()
    finished(words, place)
    length, expected = time.monotonic() - started, _made(place, written)
    draw = random.Random(name)
    for _ in range(-(-KILLS // len(COMMANDS))):
        if name != "doctor":
            _remove(place / written)
        process = start(words, place)
        # Most of the time goes into imports: the last half is where something happens.
        with suppress(subprocess.TimeoutExpired):
            process.wait(draw.uniform(0.3, 1.1) * length)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, draw.choice(SIGNALS))
        _, err = process.communicate()
        assert b"Traceback" not in err, err
        if name != "cross":
            assert contents(place / "results", "*.*") == stored
        finished(words, place)
        assert _made(place, written) == expected
        assert not [path for path in place.glob(".*") if path.is_dir()]


def _made(place: Path, written: str) -> dict[str, bytes]:
    target = place / written
    return {written: target.read_bytes()} if target.is_file() else contents(target, "*.*")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
