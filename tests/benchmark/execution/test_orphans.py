"""A law of worker processes: they end with the process that started them, however it ends."""

import os
import signal
import subprocess
import sys
import time

PROGRAM = """
import time
from multiprocessing import get_context
from fedrl.benchmark.execution.workers import _end_with_parent

if __name__ == "__main__":
    worker = get_context("spawn").Process(target=_end_with_parent, daemon=True)
    worker.start()
    print(worker.pid, flush=True)
    time.sleep(600)
"""
PATIENCE = 60.0  # s


def test_a_killed_parent_leaves_no_worker(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    parent = subprocess.Popen(
        [sys.executable, tmp_path / "program.py"], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    os.kill(worker, 0)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and _is_running(worker):
        time.sleep(0.1)
    assert not _is_running(worker)


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
