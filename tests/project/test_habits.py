"""What stands in two places because tools want it there agrees: versions, changelog, citation."""

from __future__ import annotations

import ast
import datetime
import re
import tomllib
from configparser import ConfigParser
from fnmatch import fnmatch
from itertools import pairwise

import pytest

from places import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CHANGES = (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_changelog_knows_this_version_and_begins_with_what_is_unreleased() -> None:
    assert re.findall(r"^## \[(.+?)\]", CHANGES, re.M)[0] == "Unreleased"
    released = re.findall(r"^## \[(\d+)\.(\d+)\.(\d+)\] - (\S+)$", CHANGES, re.M)
    versions = [tuple(map(int, version)) for *version, _ in released]
    days = [datetime.date.fromisoformat(day) for *_, day in released]
    assert all(later > earlier for later, earlier in pairwise(versions))
    assert all(later >= earlier for later, earlier in pairwise(days))
    assert tuple(map(int, PROJECT["version"].split("."))) in versions


def test_parts_of_the_changelog_are_those_of_its_form() -> None:
    parts = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", CHANGES, re.M)) <= parts


def test_spelling_is_not_looked_for_in_what_is_built_or_computed_here() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    skipped = tools["codespell"]["skip"].split(",")
    folders = re.findall(r"^(.+)/$", (ROOT / ".gitignore").read_text("utf-8"), re.M)
    for folder in {*folders} - {"__pycache__"}:  # byte code is no text
        name = f"./{folder}" if "/" in folder else folder
        assert any(fnmatch(name, pattern) for pattern in skipped), folder


@pytest.mark.parametrize("tool", ["ruff", "codespell"])
def test_hooks_run_the_versions_that_constraints_pin(tool: str) -> None:
    pinned = re.findall(rf"^{tool}==(.+)$", (ROOT / "constraints.txt").read_text("utf-8"), re.M)
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    assert re.findall(rf"/{tool}\S*\n +rev: v(.+)$", hooks, re.M) == pinned
    assert len(pinned) == 1


def test_the_workflow_begins_with_the_oldest_python_that_is_supported() -> None:
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8")
    (listed,) = re.findall(r"^ +python: \[(.+)\]$", workflow, re.M)
    pythons = [tuple(map(int, each.strip(' "').split("."))) for each in listed.split(",")]
    assert pythons == sorted(pythons)
    assert PROJECT["requires-python"] == ">={}.{}".format(*pythons[0])
    (systems,) = re.findall(r"^ +system: \[(.+)\]$", workflow, re.M)
    assert [each.split("-")[0].strip() for each in systems.split(",")] == [
        "ubuntu",
        "macos",
        "windows",
    ]


def test_a_wheel_holds_every_file_of_the_packages() -> None:
    """A folder without `__init__`, or data that no pattern names, would be left out in silence."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    data = tables["tool"]["setuptools"]["package-data"]
    for folder in ("algorithms", "benchmark", "envs", "reports"):
        kept = {path for at in data.get(f"fedrl.{folder}", ()) for path in (ROOT / folder).glob(at)}
        for path in (ROOT / folder).rglob("*"):
            if path.is_dir() or "__pycache__" in path.parts:
                continue
            held = (path.parent / "__init__.py").is_file() if path.suffix == ".py" else path in kept
            assert held, path


def test_the_citation_names_the_project_and_its_license() -> None:
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    fields = dict(re.findall(r"^([\w-]+): *\"?([^\"\n]+)", citation, re.M))
    assert fields["title"].startswith(f"{PROJECT['name']}: ")
    assert fields["license"] == PROJECT["license"]
    assert {"cff-version", "message"} <= set(fields)


def test_scripts_that_tox_runs_find_what_stands_beside_them() -> None:
    """Their own folder is not searched (PYTHONSAFEPATH): an environment has to name it."""
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", "utf-8")
    assert "PYTHONSAFEPATH = 1" in tox["testenv"]["set_env"]
    found = set()
    for section in tox.values():
        for name in re.findall(r"^python (\S+\.py)", section.get("commands", ""), re.MULTILINE):
            script = ROOT / name
            imported = {
                alias.name if isinstance(node, ast.Import) else node.module
                for node in ast.walk(ast.parse(script.read_text("utf-8")))
                if isinstance(node, ast.Import | ast.ImportFrom)
                for alias in node.names
            }
            if any((script.parent / f"{module}.py").exists() for module in imported):
                folder = script.parent.relative_to(ROOT).as_posix().replace("/", "{/}")
                assert f"PYTHONPATH = {{tox_root}}{{/}}{folder}\n" in f"{section['set_env']}\n", (
                    name
                )
                found.add(script.name)
    assert found == {"ratios.py", "ppo.py"}
