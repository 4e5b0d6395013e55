"""The environment of a process decides no bit: locale, home, streams, flags, caches, time zones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import STUDY, contents, environment, start

from fedrl import run_study

EVERY = int(os.environ.get("FEDRL_HOSTILE_INPUTS", "100")) >= 1000
VARIABLES: dict[str, dict[str, str | None]] = {
    "locale C": {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ascii": {"PYTHONIOENCODING": "ascii", "LC_ALL": "POSIX"},
    "no home": {"HOME": None, "XDG_CACHE_HOME": None},
    "home that is not there": {"HOME": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent/cache"},
    "hash seed": {"PYTHONHASHSEED": "12345"},
    "time zone": {"TZ": "Pacific/Kiritimati"},
    "many threads": {"OMP_NUM_THREADS": "7", "NUMBA_NUM_THREADS": "2", "MKL_NUM_THREADS": "3"},
    "no terminal": {"TERM": "dumb", "NO_COLOR": "1"},
}
FLAGS = {name: [name] for name in ("-O", "-OO", "-B")} | {"-W error": ["-W", "error"]}
STREAMS: dict[str, dict[str, Any]] = {
    "no input": {"stdin": subprocess.DEVNULL},
    "closed streams": {"preexec_fn": lambda: os.closerange(0, 3), "stdout": None, "stderr": None},
    "umask": {"preexec_fn": lambda: os.umask(0o077)},
    "one core": {"preexec_fn": lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})},
}
TABLE = [
    *((name, {"env": environment(changes)}, []) for name, changes in VARIABLES.items()),
    *((name, {}, flags) for name, flags in FLAGS.items()),
    *((name, more, []) for name, more in STREAMS.items()),
]
SHORT = ("locale C",)
LONG = ("closed streams", "-W error", "home that is not there")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    place = tmp_path_factory.mktemp("reference")
    (place / "small.toml").write_text(STUDY)
    assert run_study(place / "small.toml", results=place / "results", workers=1).complete
    return contents(place / "results")


@pytest.mark.parametrize(
    ("name", "more", "flags"),
    [
        pytest.param(*row, marks=pytest.mark.long if row[0] in LONG else ())
        for row in TABLE
        if EVERY or row[0] in SHORT + LONG
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_same_bits_everywhere(
    reference: dict[str, bytes], tmp_path: Path, name: str, more: dict[str, Any], flags: list[str]
) -> None:
    (tmp_path / "small.toml").write_text(STUDY)
    process = start(["run", "small.toml", "--workers", "1"], tmp_path, flags=flags, **more)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, (name, err)
    if name in SHORT:  # what this process has compiled for the reference is found
        assert b"compiling" not in err
    assert contents(tmp_path / "results") == reference


def test_a_package_and_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    """numba must keep compiled code somewhere; as `root` everything can be written."""
    code = (
        "import os; real = os.access\n"
        "os.access = lambda path, mode: not (mode & os.W_OK) and real(path, mode)\n"
        "import fedrl, pathlib\n"
        "print(pathlib.Path(os.environ['NUMBA_CACHE_DIR']).stat().st_mode & 0o777)\n"
        "print(os.environ['NUMBA_CACHE_DIR'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment({"NUMBA_CACHE_DIR": None}), capture_output=True, text=True, check=True,
    )  # fmt: skip
    mode, folder = done.stdout.split()
    assert int(mode) == 0o700
    assert not Path(folder).exists()
