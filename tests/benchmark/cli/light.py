"""Commands as children of a process that has imported the command line and nothing else."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

# A child begins where `fedrl` begins to read its words; what it finds imported, its parent has
# imported with the command line.
PROGRAM = """
import json, os, sys, traceback
from fedrl.benchmark.cli.main import main

def live(asked):
    os.chdir(asked["place"])
    os.environ.update(asked["environment"])
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.stdout, sys.stderr = (
        open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2)
    )
    sys.argv = ["fedrl", *asked["words"]]
    code = 1
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    print("imported:", *sorted(set(asked["heavy"]) & set(sys.modules)), file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    return code

for line in sys.stdin:
    child = os.fork() if hasattr(os, "fork") else 0  # without it, this process is the child
    if child == 0:
        code = 99
        try:
            code = live(json.loads(line))
        finally:
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Answer(NamedTuple):
    """Of a command: how it ended, and what it said."""

    code: int
    out: str
    err: str
    imported: list[str]  # of the modules that were asked about


@cache
def _parent() -> subprocess.Popen[str]:
    """It ends with this process: nothing can be asked any more."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(parent.communicate)
    return parent


def _code(asked: str) -> int:
    if not hasattr(os, "fork"):
        command = [sys.executable, "-c", PROGRAM]
        return subprocess.run(command, input=f"{asked}\n", text=True, check=False).returncode
    parent = _parent()
    assert parent.stdin is not None
    assert parent.stdout is not None
    print(asked, file=parent.stdin, flush=True)
    return int(parent.stdout.readline())


def ask(words: list[str], folder: Path, place: Path, heavy: set[str], **environment: str) -> Answer:
    """What `fedrl` with these words answers in `place`; its output is kept in `folder`."""
    asked: dict[str, Any] = {"words": words, "place": str(place), "environment": environment}
    asked |= {name: str(folder / name) for name in ("out", "err")} | {"heavy": sorted(heavy)}
    code = _code(json.dumps(asked))
    out, err = ((folder / name).read_text("utf-8") for name in ("out", "err"))
    said, _, imported = err.rpartition("imported:")
    return Answer(code, out, said, imported.split())
