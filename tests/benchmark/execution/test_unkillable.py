"""A study killed at any moment ends, when repeated, with the bytes of an undisturbed one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

STUDY = """
title = "Long enough to be killed often"
seeds = 2
[settings]
kappa = [0.0, 0.5]
agents = 3
local_steps = 4
episodes = 2
rounds = 80
evaluate_every = 10
step_size = 0.0005
initial_momentum = "batch"
[families.random-mdp]
[algorithms.fedsvrpg-m]
[algorithms.independent-pg]
"""
KILLS = int(os.environ.get("FEDRL_KILLS", "3"))
NETWORKS = "[families.cartpole]\nhorizon = 100\n"  # where there are many kills
# One process imports everything once; its children compute the study and are killed. States are
# saved after every round, and two kills of three wait until one is: whatever the machine's speed,
# some lives leave something to go on from.
PROGRAM = """
import os, random, signal, sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
from fedrl import run_study
from fedrl.benchmark.training import federation
federation.SAVE_EVERY = 0.0
study, undisturbed, killed, kills = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])

def child():
    process = os.fork()
    if process == 0:
        os._exit(0 if run_study(study, results=killed, workers=1).complete else 1)
    return process

def lives(process):
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

run_study(study, results=undisturbed, workers=1)
moments, met, resumed = random.Random(0), 0, 0
while met < kills:
    process = child()
    while met % 3 and lives(process) and not any(killed.rglob("*.checkpoint")):
        time.sleep(0.002)
    time.sleep(moments.uniform(0, 0.3))
    os.kill(process, signal.SIGKILL)
    if os.waitpid(process, 0)[1] == 0:  # it was done before: forget half, and go on killing
        for path in sorted(killed.rglob("seed-?????.parquet"))[::2]:
            path.unlink()
    else:
        met += 1
        resumed += any(killed.rglob("*.checkpoint"))
assert os.waitpid(child(), 0)[1] == 0
print(met, resumed)
"""


def files(results: Path) -> dict[str, bytes]:
    """All files but the wall seconds, which no two executions share."""
    return {
        str(path.relative_to(results)): path.read_bytes()
        for path in results.rglob("*")
        if path.is_file() and ".seconds." not in path.name
    }


def test_kills_change_no_byte(tmp_path):
    """At random moments; at the end nothing is left over and every byte is the same."""
    study = tmp_path / "study.toml"
    study.write_text(STUDY + (NETWORKS if KILLS > 3 else ""))
    folders = [str(tmp_path / name) for name in ("undisturbed", "killed")]
    command = [sys.executable, "-c", PROGRAM, str(study), *folders, str(KILLS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    met, resumed = map(int, done.stdout.split())
    assert met == KILLS
    assert resumed > KILLS // 3, "few kills left a checkpoint behind: the test shows little"
    assert files(tmp_path / "killed") == files(tmp_path / "undisturbed")
