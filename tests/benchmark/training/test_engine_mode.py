"""Without its compiler the engine is slow and right, and says which mode it is in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.storage import provenance
from fedrl.benchmark.training.federation import train

PROGRAM = """
import json, sys
from fedrl.benchmark.cli.main import main
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.config.seeds import Seed
print(json.dumps([train([Run(Config(**settings), Seed("test", 0))])[0].columns["objective"].tolist()
                  for settings in json.loads(sys.argv[1])]))
sys.argv = ["fedrl", *sys.argv[2:]]
main()
"""
CELLS: list[dict[str, Any]] = [
    {
        "family": family,
        "algorithm": "fedhapg-m2",
        "agents": 2,
        "rounds": 2,
        "local_steps": 2,
        "options": {"horizon": 15},
        "step_size": step_size,
        "evaluate_every": 1,
        "evaluation_episodes": 2,
        "dtype": "float64",
    }
    for family, step_size in [
        *(("random-mdp", 0.3), ("pendulum", 1e-4), ("halfcheetah", 1e-3)),
        ("cartpole", 0.005),  # long: its kernels in double precision no other test compiles
    ]
]
BY_DAY = CELLS[:3]
RUN = ["run", "quick", "--only", "family=cartpole", "--set", "families.cartpole.rounds=0"]
RUN += ["--set", "seeds=1", "--only", "algorithm=fedpg", "--workers", "1", "--results"]


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """Scores of the cells, then a command: one process imports everything for both."""
    return interpreting(BY_DAY, tmp_path_factory.mktemp("results"))


def interpreting(cells: list[dict[str, Any]], results: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(cells), *RUN, str(results)],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip


def agree(interpreted: subprocess.CompletedProcess[str], cells: list[dict[str, Any]]) -> None:
    scores = json.loads(interpreted.stdout.splitlines()[0])
    for settings, objective in zip(cells, scores, strict=True):
        (compiled,) = train([Run(Config(**settings), Seed("test", 0))])
        np.testing.assert_allclose(objective, compiled.columns["objective"], rtol=1e-12)


def test_the_interpreter_agrees_with_the_compiler(interpreted):
    agree(interpreted, BY_DAY)


@pytest.mark.long
def test_the_interpreter_agrees_on_every_cell(tmp_path: Path):
    agree(interpreting(CELLS, tmp_path), CELLS)


def test_the_mode_is_part_of_a_runs_identity(monkeypatch: pytest.MonkeyPatch):
    run = Run(Config(**CELLS[0]), Seed("test", 0))
    before = provenance.run_key(run)
    provenance.versions.cache_clear()
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    try:
        assert provenance.engine() == "interpreted"
        assert provenance.run_key(run) != before
    finally:
        provenance.versions.cache_clear()


def test_one_line_of_notice(interpreted):
    assert len([line for line in interpreted.stderr.splitlines() if "interpreted" in line]) == 1
