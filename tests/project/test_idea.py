"""The page "From an idea to a figure", from an empty folder to a figure, on smaller budgets."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from places import IMPORTED_FROM, ROOT

PAGE = (ROOT / "docs/guide/idea.md").read_text("utf-8")
SMALL = (  # the commands that compute take a smaller problem than the page
    *("families.gridworld.budget=400", "families.gridworld.kappa=0.0", "settings.local_steps=1"),
    *("tuning.trials=8", "tuning.finalists=1", "tuning.select_seeds=3", "seeds=2"),
)


def block(label: str) -> str:
    found = re.search(rf"^```\w+ {label}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def commands() -> list[list[str]]:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return [shlex.split(line) for text in blocks for line in text.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The package as pip would install it: its files, and the metadata that names entry points."""
    (tmp_path / "my_idea").mkdir()
    (tmp_path / "my_idea/__init__.py").touch()
    (tmp_path / "my_idea/sign_pg.py").write_text(block("sign_pg"), "utf-8")
    points = tomllib.loads(block("project"))["project"]["entry-points"]["fedrl.algorithms"]
    information = tmp_path / "my_idea-0.1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: my-idea\nVersion: 0.1.0\n")
    named = "\n".join(f"{name} = {value}" for name, value in points.items())
    (information / "entry_points.txt").write_text(f"[fedrl.algorithms]\n{named}\n")
    return tmp_path


@pytest.mark.long
def test_the_page_leads_from_an_empty_folder_to_a_figure(folder: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (folder, IMPORTED_FROM)))}
    told = commands()
    assert [words[1] for words in told] == ["install", "study", "tune", "tune", "run", "report"]
    for words in told[1:]:
        computes = words[1] in ("tune", "run", "report")
        more = [word for value in SMALL for word in ("--set", value)] if computes else []
        more += ["--workers", "1"] if words[1] in ("tune", "run") else []
        done = subprocess.run(
            [sys.executable, "-m", *words, *more],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (words, done.stderr)
    page = (folder / "results/my/report/index.html").read_text("utf-8")
    assert "Ours" in page
    assert (folder / "results/my/report/figures/all-families.pdf").exists()
