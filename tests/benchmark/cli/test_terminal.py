"""Laws of the terminal: no number is broken, a record is a line when piped, help has groups."""

import re
from typing import Any

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from fedrl.benchmark.cli import answers
from fedrl.benchmark.cli.main import app

HEADINGS = ("task", "score", "interval")
ROWS = [("cartpole/kappa0.6/n4/fedhapg-m", "0.7579", "[0.7366, 0.7721]"), ("taxi", "1", "")]


def printed(width: int, terminal: bool, monkeypatch: Any, capsys: Any) -> list[str]:
    def console(**options: Any) -> Console:
        return Console(**{"width": width} | options, force_terminal=terminal, color_system=None)

    monkeypatch.setattr(answers, "Console", console)
    answers.print_table(HEADINGS, ROWS)
    return [line.strip() for line in capsys.readouterr().out.splitlines() if line.strip()]


def test_piped_a_record_is_a_line(monkeypatch: Any, capsys: Any) -> None:
    lines = printed(40, False, monkeypatch, capsys)
    assert len(lines) == 2 + len(ROWS)
    assert lines[2].split() == " ".join(ROWS[0]).split()


@pytest.mark.parametrize("width", [20, 40, 44, 60, 80])
def test_no_number_is_broken(width: int, monkeypatch: Any, capsys: Any) -> None:
    words = " ".join(printed(width, True, monkeypatch, capsys)).split()
    assert {"0.7579", "[0.7366,", "0.7721]", "cartpole/kappa0.6/n4/fedhapg-m"} <= set(words)


def test_help_has_groups_and_keeps_what_stands_in_brackets() -> None:
    told = CliRunner().invoke(app, ["--help"]).stdout
    groups = re.findall(r"^([A-Z].*):$", told, re.MULTILINE)
    assert {"Studies", "Tuning", "Trust", "This machine"} <= set(groups)
    assert "..." not in told.partition("Studies:")[2], "sentences are whole"
    assert "[design]" in CliRunner().invoke(app, ["sensitivity", "--help"]).stdout


COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_explains_its_words_and_has_examples_to_copy(name: str) -> None:
    done = CliRunner().invoke(app, [name, "--help"], terminal_width=60)
    assert done.exit_code == 0
    shown = [line.strip() for line in done.stdout.partition("Examples:")[2].splitlines()]
    written = [line.strip() for line in COMMANDS[name].callback.__doc__.splitlines()]
    examples = [line for line in written if line.startswith(f"fedrl {name}")]
    assert examples
    assert set(examples) <= set(shown)
    assert all(parameter.help for parameter in COMMANDS[name].params)


def test_without_a_word_the_help_is_shown() -> None:
    nothing, help_page = (CliRunner().invoke(app, words) for words in ([], ["--help"]))
    assert nothing.exit_code == 2
    assert nothing.stdout == help_page.stdout
    assert nothing.stderr == ""


def test_the_version_is_told() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout[:5]) == (0, "fedrl")
