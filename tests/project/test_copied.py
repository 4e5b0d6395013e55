"""What the guide gives to copy works as it stands: its code, its environment, its container."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest

import fedrl
from fedrl.benchmark.config.registry import families
from fedrl.benchmark.config.study import load_study
from fedrl.benchmark.publishing.sources import read_digests, read_source
from fedrl.benchmark.publishing.verification import published
from places import ROOT

DOCS = ROOT / "docs"
EXECUTED = {  # page of extend or guide -> what executes its code
    ("extend/claim.md", "toml"): "tests/benchmark/claims",
    ("extend/third-party.md", "python"): "here",
    ("extend/third-party.md", "toml"): "here",
    ("guide/idea.md", "python"): "tests/project/test_idea.py",
    ("guide/idea.md", "toml"): "tests/project/test_idea.py",
    ("guide/quick-start.md", "python"): "tests/project/test_docs.py",
    ("guide/records.md", "python"): "here",
    ("guide/studies.md", "toml"): "tests/project/test_docs.py",
}


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text("utf-8")
    return re.findall(rf"^```{language}\b[^\n]*\n(.*?)^```", text, re.S | re.M)


def test_all_code_of_the_guide_is_executed() -> None:
    pages = [p for part in ("extend", "guide") for p in sorted((DOCS / part).glob("*.md"))]
    names = [path.relative_to(DOCS).as_posix() for path in pages]
    assert {(n, kind) for n in names for kind in ("python", "toml") if blocks(n, kind)} == set(
        EXECUTED
    )


@pytest.mark.parametrize(
    "page", [pytest.param("extend/third-party.md", marks=pytest.mark.long), "guide/records.md"]
)
def test_code_on_records_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On some of the published records of the study that it names."""
    frame = read_source(next(one for one in published() if one.name == "quick")).frame
    some = frame.query("family == 'gridworld' and kappa == 0 and algorithm == 'fedpg' and seed < 2")
    monkeypatch.setattr(fedrl, "load_records", lambda study: {"quick": some}[study])
    monkeypatch.chdir(tmp_path)
    (code,) = blocks(page, "python")
    names: dict[str, object] = {}
    exec(compile(code, page, "exec"), names)
    if "curves" in names:
        assert len(names["curves"]) == 41 * some["seed"].nunique()  # type: ignore[arg-type]
    else:
        text = (tmp_path / "page/index.html").read_text("utf-8")
        assert "Two lines about it." in text


def test_the_environment_of_the_page_is_one(tmp_path: Path) -> None:
    pytest.importorskip("gym_invmgmt")
    (code,) = blocks("extend/third-party.md", "toml")
    head = 'title = "x"\nseeds = 1\n[settings]\nkappa = [0.0, 1.0]\nagents = 2\n'
    (tmp_path / "x.toml").write_text(head + code + "[algorithms.fedpg]\n", "utf-8")
    near, far = load_study(tmp_path / "x.toml").configs()
    assert (near.kappa, far.kappa) == (0.0, 1.0)
    family = families()["gymnasium"](**dict(far.options))
    for kappa, differ in ((0.0, False), (1.0, True)):
        task = family.sample(2, kappa, np.random.default_rng(0))
        assert bool(np.ptp(task.values, axis=0).any()) is differ


def recipe() -> tuple[dict[str, str], dict[str, str]]:
    """Header and sections of the container's definition."""
    text = re.sub(r"^#.*\n", "", (DOCS / "fedrl.def").read_text("utf-8"), flags=re.M)
    head, *parts = re.split(r"^%", text, flags=re.M)
    header = dict(line.split(": ", 1) for line in head.splitlines() if line)
    return header, dict(part.split("\n", 1) for part in parts)


def test_the_container_is_of_the_python_that_results_are_published_with() -> None:
    header, _ = recipe()
    assert header["Bootstrap"] == "docker"
    image = re.fullmatch(r"python:(\d+\.\d+)-slim-\w+", header["From"])
    assert image is not None
    drawn = {read_digests(folder).versions["python"] for folder in published()}
    assert {version.rpartition(".")[0] for version in drawn} == {image[1]}


def test_commands_of_the_container_are_shell_and_name_what_there_is() -> None:
    _, parts = recipe()
    assert set(parts) == {"files", "post", "environment", "runscript"}
    source, inside = parts["files"].split()
    assert source == "."  # the repository, as the page says it is built from
    for name in ("post", "environment", "runscript"):
        subprocess.run(["sh", "-n"], input=parts[name], text=True, check=True)
    for line in parts["post"].splitlines():
        for word in shlex.split(line):
            if word.startswith(inside):
                assert (ROOT / word.removeprefix(inside).lstrip("/")).exists(), word
    assert "# " not in parts["post"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert shlex.split(parts["runscript"])[:2] == ["exec", *project["scripts"]]
    told = (DOCS / "scale.md").read_text("utf-8")
    assert f"docs/{(DOCS / 'fedrl.def').name}" in told
