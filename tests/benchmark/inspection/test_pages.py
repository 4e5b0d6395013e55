"""The committed pages on algorithms are what the command writes from the source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fedrl.algorithms import ALGORITHMS
from fedrl.benchmark.cli.main import app
from fedrl.benchmark.inspection import pages
from places import ROOT

COMMITTED = ROOT / "docs" / "algorithms"


def test_the_committed_pages_are_those_the_command_writes(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["handbook", "algorithms", "--out", str(tmp_path)])
    assert answer.exit_code == 0
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    committed = {path.name: path.read_text() for path in COMMITTED.iterdir()}
    assert set(written) == {"README.md", *(f"{name}.md" for name in ALGORITHMS)}
    assert written == committed, f"docs/algorithms is out of date; run `{pages.COMMAND}`"


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_page_has_equation_source_hyperparameters_and_traps(name: str) -> None:
    kind, text = ALGORITHMS[name], (COMMITTED / f"{name}.md").read_text()
    assert pages.equation(kind).startswith("u = ")
    assert pages.equation(kind) in text
    assert kind.reference in text
    for parameter in kind.tunables().values():
        assert f"| `{parameter.name}` | {parameter.default:g} |" in text
    for name, parameter in kind.structure().items():
        assert f"| `{name}` | {json.dumps(parameter.default)} | |" in text
    assert text.split("## Traps\n\n- ")[1]


def test_the_index_and_the_readme_name_every_algorithm() -> None:
    index, readme = (COMMITTED / "README.md").read_text(), (ROOT / "README.md").read_text()
    for name in ALGORITHMS:
        assert f"[`{name}`]({name}.md)" in index
        assert f"`{name}`" in readme


def test_another_kind_of_page_is_refused_with_what_there_is() -> None:
    answer = CliRunner().invoke(app, ["handbook", "algorithm", "--out", "nowhere"])
    assert "did you mean 'algorithms'" in str(answer.exception)
