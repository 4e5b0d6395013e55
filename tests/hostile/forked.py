"""Commands as children of a process that has imported everything: hundreds of them in minutes."""

from __future__ import annotations

import atexit
import hashlib
import importlib
import io
import os
import pickle
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch

from fedrl.__main__ import interrupted
from places import ROOT


class Ended(NamedTuple):
    """A command that is over."""

    code: int  # negative: the signal that ended it
    text: str  # standard output, then standard error
    seconds: float
    cpu: float  # s
    peak: float  # bytes, those of the parent at the fork not counted


@dataclass
class Child:
    """A command at work."""

    process: int
    file: Any
    inherited: float  # bytes
    begun: float = field(default_factory=time.monotonic)

    def kill(self, number: int) -> None:
        os.kill(self.process, number)

    def wait(self, patience: float = 600.0) -> Ended:
        """The end of the command, killed after `patience` seconds: enough on a busy machine."""
        until = time.monotonic() + patience
        while True:
            done, status, used = os.wait4(self.process, os.WNOHANG)
            if done:
                break
            if time.monotonic() > until:
                os.kill(self.process, signal.SIGKILL)
                until = float("inf")
            time.sleep(0.002)
        seconds = time.monotonic() - self.begun
        self.file.seek(0)
        text = self.file.read().decode(errors="replace")
        self.file.close()
        cpu = used.ru_utime + used.ru_stime
        peak = used.ru_maxrss * 1024.0 - self.inherited
        return Ended(os.waitstatus_to_exitcode(status), text, seconds, cpu, peak)


def begin(
    words: list[str], place: Path, file_size: int | None = None, *, remembers: bool = False
) -> Child:
    """The command in a folder; `file_size`: bytes a file may grow to, as on a full disk.

    With `remembers`, a report of equal records is copied from an earlier one and not drawn again.
    """
    import_everything()
    drawings()
    file = tempfile.TemporaryFile()  # noqa: SIM115  # its reader is elsewhere
    inherited = _resident()
    process = os.fork()
    if process:
        return Child(process, file, inherited)
    code = 99
    try:
        if remembers:
            _remember()
        code = _live(words, place, file.fileno(), file_size)
    finally:
        os._exit(code)


def call(words: list[str], place: Path, file_size: int | None = None) -> Ended:
    """The command from its beginning to its end; equal records are drawn once."""
    return begin(words, place, file_size, remembers=file_size is None).wait()


@cache
def drawings() -> Path:
    """A folder of reports by what they are made of, for all children."""
    made = Path(tempfile.mkdtemp(prefix="drawn-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)  # a child ends without
    return made


def _remember() -> None:
    """Draw what no child has drawn yet."""
    from fedrl import reports
    from fedrl.reports.table import formatting

    draw = reports.write_report

    def drawn(records: Any, told: Any, out: Path, *, tell: Any = None, **more: Any) -> Path:
        more.pop("pool", None)
        filmed = more.pop("films", list)()
        made_of = pickle.dumps((records, told, more, filmed, formatting.NOTHING))
        kept = drawings() / hashlib.sha256(made_of).hexdigest()
        if not kept.exists():
            part = Path(tempfile.mkdtemp(dir=drawings()))
            draw(records, told, part, tell=tell, films=lambda: filmed, **more)
            part.rename(kept)
        shutil.copytree(kept, out, dirs_exist_ok=True)
        return out / "index.html"

    reports.write_report = drawn


@cache
def import_everything() -> None:
    """All modules of the package, so that a child imports nothing."""
    torch.set_num_threads(1)
    for package in ("algorithms", "benchmark", "envs", "reports"):
        for path in sorted((ROOT / package).rglob("*.py")):
            module = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
            if path.name != "__init__.py" and ".trackers." not in module:
                with suppress(ImportError):  # an extra that is not installed
                    importlib.import_module(f"fedrl.{module}")


def _resident() -> float:
    """Bytes of this process in memory, which a child of it begins with."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return float(pages) * resource.getpagesize()


def _live(words: list[str], place: Path, out: int, file_size: int | None) -> int:
    os.chdir(place)
    os.environ["COLUMNS"] = "200"
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.FileIO(number, "w"), encoding="utf-8", write_through=True)
        for number in (1, 2)
    )
    sys.argv = ["fedrl", *words]
    signal.signal(signal.SIGINT, interrupted)
    if file_size is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write fails instead
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    from fedrl.benchmark.cli.main import main

    try:
        main()
    except KeyboardInterrupt:
        return 130
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
        return 1
