"""A law of worker processes: they end with the process that started them, however it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from places import IMPORTED_FROM

PROGRAM = """
import sys
from collections import deque
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.execution import workers
from multiprocessing import active_children

def listen(event):
    if isinstance(event, workers.Started):
        print(*(child.pid for child in active_children()), flush=True)

if __name__ == "__main__":
    # One round of hours: whoever looks at its end only is an orphan until then.
    config = Config(family="pendulum", algorithm="fedpg", agents=2, rounds=1, episodes=50,
                    local_steps=100_000, options={"horizon": 5000})
    runs = [Run(config, Seed("test", index)) for index in range(2)]
    workers.compute(deque([run] for run in runs), 2, listen)
"""
MEASURING = """
import os, time
from multiprocessing import get_context

def work(barrier):
    from fedrl.benchmark.execution import speed
    speed._wait_at(barrier)
    print(os.getpid(), flush=True)
    time.sleep(600)

if __name__ == "__main__":
    context = get_context("spawn")
    barrier = context.Barrier(2)
    children = [context.Process(target=work, args=(barrier,), daemon=True) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
"""
HELPING = """
import os, time
from fedrl.benchmark.execution.processes import helpers

def draw():
    print(os.getpid(), flush=True)
    time.sleep(600)

if __name__ == "__main__":
    with helpers(3) as pool:
        for _ in range(2):
            pool.submit(draw)
        time.sleep(600)
"""
PATIENCE = 60.0  # s


PROGRAMS = {"study": PROGRAM, "speed": MEASURING, "report": HELPING}


class Begun(NamedTuple):
    """A program at work, and where it and its workers say what is wrong."""

    parent: subprocess.Popen[str]
    workers: set[int]
    errors: Path


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Begun]]:
    """All programs at once: most of their time they wait. Their workers have worked for a while."""
    found = {}
    for name, program in PROGRAMS.items():
        folder = tmp_path_factory.mktemp(name)
        (folder / "program.py").write_text(program)
        with (folder / "errors").open("w") as errors:
            parent = subprocess.Popen(
                [sys.executable, folder / "program.py"],
                env=os.environ | {"PYTHONPATH": str(IMPORTED_FROM)},
                stdout=subprocess.PIPE, stderr=errors, text=True,
            )  # fmt: skip
        found[name] = Begun(parent, set(), folder / "errors")
    for parent, workers, _ in found.values():
        assert parent.stdout is not None
        lines = [parent.stdout.readline() for _ in range(2)]
        workers.update(int(word) for line in lines for word in line.split())
    time.sleep(2.0)
    yield found
    for parent, _, _ in found.values():
        parent.kill()
        parent.wait()


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_killed_parent_leaves_no_worker(begun: dict[str, Begun], name: str) -> None:
    """They end within the round, not at its end."""
    parent, workers, errors = begun[name]
    assert len(workers) == 2, errors.read_text()
    assert all(map(_is_running, workers))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and any(map(_is_running, workers)):
        time.sleep(0.1)
    assert not any(map(_is_running, workers))


def _is_running(process: int) -> bool:
    """Whether it runs; one that has ended and waits to be collected does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    listed = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return not listed.stdout.strip().startswith("Z") and bool(listed.stdout.strip())
