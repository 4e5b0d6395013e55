"""Hostile words in what a report is made of: shown in page, paper, tables and terminal, inert."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from commands import STUDY
from forked import call
from sketches import sketches

WORDS = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)> \\input{/etc/passwd} "
    "$x_1 %& #~^ \x1b[31mred \u202e [a](javascript:alert(1)) `ls` | 中"
)
FORMULA = "=cmd|' /C calc'!A0"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("words")
    study = STUDY.replace('"Small"', json.dumps(FORMULA + WORDS))
    study = study.replace('"A small study."', json.dumps(WORDS))
    (made / "small.toml").write_text(study)
    for words in (
        "run small.toml --workers 1",
        "report small.toml --out page",
        "publish small.toml --out public --date 2026-01-01",
        "records small.toml --out records.csv",
    ):
        with sketches():  # words in figures that are drawn are those of test_report
            ended = call(words.split(), made)
        assert ended.code == 0, (words, ended.text)
        assert "Traceback" not in ended.text
    return made


def test_the_page_runs_no_script_of_a_title(place: Path) -> None:
    page = (place / "page" / "index.html").read_text()
    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page
    assert "alert(1)" in page  # it is shown


def test_tables_hold_no_formula_and_no_markup(place: Path) -> None:
    for path in [*place.rglob("*.csv")]:
        with path.open(newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        formulas = [cell for cell in cells if re.match(r"[=+@-](?![\d.]|inf|nan|$)", cell)]
        assert not formulas, path
    for path in place.rglob("*.md"):
        assert not re.search(r"(?<!\\)<(script|img)", path.read_text()), path
        assert not re.search(r"(?<!\\)\[a(?<!\\)\]\(java", path.read_text()), path


def test_a_terminal_gets_no_escapes(place: Path) -> None:
    for words in (["run", "small.toml", "--dry-run"], ["report", "small.toml", "--out", "page"]):
        ended = call(words, place)
        assert ended.code == 0, ended.text
        assert "\x1b" not in ended.text
        assert "\u202e" not in ended.text


def test_the_paper_compiles_and_reads_no_file(place: Path) -> None:
    """pdfLaTeX itself judges what is escaped; any error ends it."""
    if shutil.which("pdflatex") is None:
        pytest.skip("there is no pdflatex; `apt-get install texlive-latex-extra lmodern` brings it")
    if subprocess.run(["kpsewhich", "lmodern.sty"], capture_output=True, check=False).returncode:
        pytest.skip("there are no Latin Modern fonts; `apt-get install lmodern` brings them")
    folder = place / "page"
    done = subprocess.run(
        ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error",
         "-recorder", "report.tex"],
        cwd=folder, capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:].decode(errors="replace")
    assert (folder / "report.pdf").stat().st_size > 10_000
    assert "/etc/passwd" not in (folder / "report.fls").read_text()
