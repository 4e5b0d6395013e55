"""A small study and the program as a process, for tests that trouble whole commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from places import IMPORTED_FROM

STUDY = """
title = "Small"
description = "A small study."
seeds = 2
[settings]
agents = 2
local_steps = 1
rounds = 4
evaluate_every = 1
kappa = 0.5
[families.opposed-pair]
[algorithms.fedpg]
[algorithms.fedsvrpg-m]
"""


def environment(changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """That of this process with some variables changed, or taken away where they are None."""
    joined = {**os.environ, "PYTHONPATH": str(IMPORTED_FROM), "COLUMNS": "200", **(changes or {})}
    return {name: value for name, value in joined.items() if value is not None}


def start(
    words: list[str], place: Path, *, flags: list[str] | None = None, **more: object
) -> subprocess.Popen[bytes]:
    """The command in the folder `place`, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, *(flags or []), "-m", "fedrl", *words],
        **{  # type: ignore[call-overload]
            "cwd": place, "env": environment(), "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE, "start_new_session": True, **more,
        },
    )  # fmt: skip


def finished(words: list[str], place: Path) -> None:
    """The command, which must end well and without a traceback."""
    process = start(words, place)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, (words, out, err)
    assert b"Traceback" not in err


def contents(folder: Path, pattern: str = "*") -> dict[str, bytes]:
    """Every file below a folder but the wall seconds and where a process is at work."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob(pattern))
        if path.is_file() and ".seconds." not in path.name and not path.name.startswith(".")
    }
