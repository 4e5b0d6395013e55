"""Examples in docstrings, run as they stand there."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from places import ROOT

FOLDERS = ("algorithms", "benchmark", "envs", "fedrl", "reports")
WITH_EXAMPLES = sorted(
    path.relative_to(ROOT)
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)


def test_all_packages_have_examples() -> None:
    assert {path.parts[0] for path in WITH_EXAMPLES} == set(FOLDERS)


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=Path.as_posix)
def test_examples_print_what_they_say(path: Path) -> None:
    parts = [part for part in path.with_suffix("").parts if part not in ("fedrl", "__init__")]
    found = doctest.testmod(importlib.import_module(".".join(["fedrl", *parts])))
    assert found.attempted > 0
    assert found.failed == 0
