"""A shell that asks for the end of a word gets names that the command takes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fedrl.algorithms import ALGORITHMS
from fedrl.benchmark.config.study import load_study
from fedrl.envs import FAMILIES

PROGRAM = """
import sys
from fedrl.benchmark.cli.main import main
sys.argv = ["fedrl"]
try:
    main()
finally:
    print(*sorted({"torch", "numba", "pandas"} & set(sys.modules)), file=sys.stderr, end="")
"""


def offered(*words: str) -> list[str]:
    """What bash is told for the last word."""
    asked = {"COMP_WORDS": " ".join(["fedrl", *words]), "COMP_CWORD": str(len(words))}
    environment = os.environ | asked | {"_FEDRL_COMPLETE": "complete_bash"}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == "", "nothing heavy is imported, nothing is said"
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("ru",), ["run"]),
        (("run", "qu"), ["quick", "quick_tuned"]),
        (("tune", "qu"), ["quick", "quick_tuned"]),
        (("show", "windy"), ["windy-cliff"]),
        (("speed", "--algorithm", "fedsvr"), ["fedsvrpg-m", "fedsvrpg"]),
        (("open", "sens"), ["sensitivity", "sensitivity_beyond"]),
        (("run", "quick", "--only", "fam"), ["family="]),
        (("report", "quick", "--only", "family=c"), ["family=cartpole"]),
        (("run", "quick", "--only", "kappa="), ["kappa=0.0", "kappa=1.0"]),
        (("run", "quick", "--set", "families.gridworld.roun"), ["families.gridworld.rounds="]),
    ],
)
def test_names_that_begin_so_are_offered(words: tuple[str, ...], expected: list[str]) -> None:
    assert offered(*words) == expected


def test_every_family_and_algorithm_is_offered() -> None:
    assert set(offered("show", "")) >= set(FAMILIES)
    assert set(offered("speed", "--algorithm", "")) >= set(ALGORITHMS)


def test_what_is_offered_is_taken() -> None:
    for condition in offered("run", "quick", "--only", "algorithm="):
        assert load_study("quick", only=[condition]).runs()
    for path in offered("run", "quick", "--set", "seeds"):
        (value,) = offered("run", "quick", "--set", path)
        assert load_study("quick", [value]).runs()


def test_stored_runs_and_own_studies_are_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cell = tmp_path / "results" / "mine" / "cartpole-kappa0-n2-fedpg-0123456789ab"
    cell.mkdir(parents=True)
    for name in ("seed-00003.parquet", "seed-00003.seconds.parquet", "manifest.json"):
        (cell / name).touch()
    (tmp_path / "mine.toml").write_text("seeds = 2\n[settings]\nbeta = [0.1, 0.9]\n")
    assert offered("replay", "cart") == [f"{cell.name}/seed-00003"]
    assert offered("run", "mi") == ["mine.toml"]
    assert offered("run", "mine.toml", "--only", "beta=0.9") == ["beta=0.9"]
