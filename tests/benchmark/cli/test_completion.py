"""A shell that asks for the end of a word gets names that the command takes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from light import ask

from fedrl.algorithms import ALGORITHMS
from fedrl.benchmark.config.study import load_study
from fedrl.envs import FAMILIES

Offered = Callable[..., list[str]]
HEAVY = {"torch", "numba", "pandas"}


@pytest.fixture
def offered(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[str]]:
    """What bash is told for the last word."""

    def told(*words: str) -> list[str]:
        asked = {"COMP_WORDS": " ".join(["fedrl", *words]), "COMP_CWORD": str(len(words))}
        asked |= {"_FEDRL_COMPLETE": "complete_bash"}
        answer = ask([], tmp_path_factory.getbasetemp(), Path.cwd(), HEAVY, **asked)
        assert answer.code == 0
        assert (answer.err, answer.imported) == ("", []), "nothing heavy is imported or said"
        return answer.out.split("\n")[:-1]

    return told


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
def test_names_that_begin_so_are_offered(
    offered: Offered, words: tuple[str, ...], expected: list[str]
) -> None:
    assert offered(*words) == expected


def test_every_family_and_algorithm_is_offered(offered: Offered) -> None:
    assert set(offered("show", "")) >= set(FAMILIES)
    assert set(offered("speed", "--algorithm", "")) >= set(ALGORITHMS)


def test_what_is_offered_is_taken(offered: Offered) -> None:
    for condition in offered("run", "quick", "--only", "algorithm="):
        assert load_study("quick", only=[condition]).runs()
    for path in offered("run", "quick", "--set", "seeds"):
        (value,) = offered("run", "quick", "--set", path)
        assert load_study("quick", [value]).runs()


def test_stored_runs_and_own_studies_are_offered(
    offered: Offered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
