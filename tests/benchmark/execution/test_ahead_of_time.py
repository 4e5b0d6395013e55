"""What is compiled before a study runs is all that its runs need."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.execution.ahead_of_time import TOGETHER, first_rounds


@pytest.mark.parametrize("name", ["quick", "theory", "clock", "deep"])
def test_every_program_has_a_first_round(name: str) -> None:
    """Longer runs differ in nothing that is compiled."""
    runs = load_study(name).runs()
    short = first_rounds(runs)
    programs = [run.config.program for run in short]
    assert all(0 < programs.count(program) <= TOGETHER for program in set(programs))
    assert {run.config.rounds for run in short} == {1}
    assert {run.config.budget for run in short} == {None}
    for what in ("family", "algorithm", "dtype", "hidden", "local_steps", "episodes", "agents"):
        assert {getattr(r.config, what) for r in short} == {getattr(r.config, what) for r in runs}


NEEDS = """
import sys
from fedrl.benchmark.config.configuration import Config
from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.execution.attempt import one_thread
from fedrl.benchmark.execution.batches import cut
from fedrl.benchmark.execution.compilation import counting
from fedrl.benchmark.training.federation import train

compiled = []
for batch in cut(load_study("quick").runs(), 2):
    short = [
        run._replace(config=Config.model_validate(run.config.model_dump() | {"rounds": 6}))
        for run in batch
    ]
    with one_thread(), counting(lambda count: compiled.append(short[0].config.program)):
        train(short)
sys.exit(f"compiled: {len(compiled)}, {set(compiled)}" if compiled else 0)
"""


@pytest.mark.long
def test_runs_compile_nothing_after_it(tmp_path: Path) -> None:
    """By a process of its own, and six rounds of each, with evaluations between them."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    compiling = [sys.executable, "-m", "fedrl", "compile", "quick"]
    subprocess.run(compiling, env=environment, check=True)
    subprocess.run([sys.executable, "-c", NEEDS], env=environment, check=True)
