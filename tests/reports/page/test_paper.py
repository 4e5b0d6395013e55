"""Laws of what goes into a paper: tables as CSV, Markdown and LaTeX, and one document."""

import re
from pathlib import Path

import pandas as pd
import pytest
from sketches import sketches
from test_report import PROVENANCE, synthetic

from fedrl.reports import write_report
from fedrl.reports.comparison.matrix import ACROSS, Matrix
from fedrl.reports.page.latex import escaped
from fedrl.reports.page.table_export import LONG, latex, markdown
from fedrl.reports.table.tables import Column, Table, numeric, text

ENVIRONMENT = re.compile(r"\\(begin|end)\{([a-z]+\*?)\}")


def balanced(source: str) -> bool:
    """Environments close in the order they open, and so do braces."""
    open_ones: list[str] = []
    for kind, name in ENVIRONMENT.findall(re.sub(r"(?m)(?<!\\)%.*$", "", source)):
        if kind == "begin":
            open_ones.append(name)
        elif not open_ones or open_ones.pop() != name:
            return False
    depth = 0
    for sign in re.findall(r"\\\\|\\[{}]|[{}]", source):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth < 0:
            return False
    return not open_ones and depth == 0


def bodies(source: str) -> list[list[str]]:
    """The cells of every row of a table, its head first."""
    rows = [line[:-2] for line in source.splitlines() if line.endswith(r"\\")]
    return [re.split(r"(?<!\\) & ", row.strip()) for row in rows]


def made(rows: int = 2) -> Table:
    records = [{"name": f"a_{i} & 50%", "kappa": i // 2, "value": 1.5 - 2 * i} for i in range(rows)]
    strong = Column("|v| [s]", lambda row: f"[{row['value']:g}]", "value", strong=lambda row: True)
    columns = (text("name", "name"), numeric("the value there", "value"), strong)
    return Table("made", "Made_up", "100 % κ ≥ 0 | ‖∇J‖²", records, columns)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("paper")
    records = synthetic(("gridworld", "cartpole"), seeds=3, points=8)
    words = {"title": r"50% of \input{x} & $y_1", "description": "β ≥ 0\n#1 ~ 中"}
    with sketches():
        write_report(records, PROVENANCE, out, **words)
    return out


def test_the_document_is_balanced_and_its_files_exist(folder: Path) -> None:
    source = (folder / "report.tex").read_text()
    assert balanced(source)
    body = source[source.index(r"\begin{document}") :]
    named = re.findall(r"\\(?:input|fit|drawing)\{((?:tables|figures)/[^}]+)\}", body)
    assert all((folder / name).is_file() for name in named)
    tables = {f"tables/{path.name}" for path in (folder / "tables").glob("*.tex")}
    figures = {f"figures/{path.name}" for path in (folder / "figures").glob("*.pdf")}
    assert sorted(named) == sorted(tables | figures)  # everything, once


def test_words_are_text_in_the_document(folder: Path) -> None:
    source = (folder / "report.tex").read_text()
    assert r"\title{50\% of \textbackslash{}input\{x\} \& \$y\_1}" in source
    assert r"$\beta$ $\geq$ 0 \#1 \textasciitilde{} [U+4E2D]" in source


def test_nothing_in_the_document_is_beyond_the_fonts(folder: Path) -> None:
    sources = [folder / "report.tex", *(folder / "tables").glob("*.tex")]
    beyond = {sign for path in sources for sign in path.read_text() if sign > "ÿ"}
    assert beyond == set()


def test_labels_are_unique(folder: Path) -> None:
    labels = re.findall(r"\\label\{([^}]*)\}", (folder / "report.tex").read_text())
    assert labels
    assert len(labels) == len(set(labels))


def test_every_format_of_a_table_has_the_same_rows(folder: Path) -> None:
    for path in (folder / "tables").glob("*.csv"):
        rows = len(pd.read_csv(path))
        source = path.with_suffix(".tex").read_text()
        cells = bodies(source)
        assert balanced(source)
        assert len(cells) == rows + 1
        assert len({len(row) for row in cells}) == 1
        piped = [
            line for line in path.with_suffix(".md").read_text().splitlines() if line[:1] == "|"
        ]
        assert len(piped) == rows + 2
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in piped}) == 1


def test_cells_of_a_latex_table() -> None:
    source = latex(made())
    assert source.splitlines()[0] == r"\begin{tabular}{lrr}"
    assert bodies(source) == [
        ["name", r"\shortstack{the value\\there}", r"\textbar{}v\textbar{} [s]"],
        [r"a\_0 \& 50\%", "1.50", r"\textbf{[1.5]}"],
        [r"a\_1 \& 50\%", "$-$0.500", r"\textbf{[-0.5]}"],
    ]


def test_a_turned_table_has_a_line_per_column() -> None:
    class Turned(Table):
        turned = True

    table = made()
    own = Turned(table.name, table.title, table.caption, table.rows, table.columns)
    lines = markdown(own).split("\n\n")[0].split("\n")
    assert lines == [
        r"|  | a\_0 & 50% | a\_1 & 50% |",
        "| :-- | --: | --: |",
        "| the value there | 1.50 | −0.500 |",
        r"| \|v\| \[s\] | **\[1.5\]** | **\[-0.5\]** |",
    ]


@pytest.mark.parametrize(("settings", "columns"), [(9, 10), (11, 1)])
def test_a_matrix_of_many_curves_and_settings_shows_families_alone(
    settings: int, columns: int
) -> None:
    labels = [f"curve {i}" for i in range(ACROSS + 1)]
    places = ["all settings", *(f"N = {n}" for n in range(settings))]
    rows = [
        {"family": "one", "place": place, "whole": place == places[0], "scaled": True}
        | dict.fromkeys(labels, 0.5)
        for place in places
    ]
    shown = (text("family", "family"), text("setting", "place"), *map(numeric, labels, labels))
    lines = tuple({"label": label} for label in labels)
    written = markdown(Matrix("matrix", "How far", "Cap.", rows, shown, lines=lines))
    table = written.split("\n\n")[0].split("\n")
    assert len(table) == 2 + len(labels)
    assert table[0].startswith("|  | one, all settings |")
    assert table[1].count("--:") == columns
    assert ("tables/matrix.csv" in written) == (columns == 1)


def test_a_long_table_breaks_over_pages() -> None:
    assert latex(made(LONG)).startswith(r"\begin{tabular}")
    source = latex(made(LONG + 1))
    assert source.startswith(r"\begin{longtable}")
    assert r"\endhead" in source
    assert balanced(source)


def test_markdown_is_escaped() -> None:
    lines = markdown(made()).splitlines()
    assert lines[0] == r"| name | the value there | \|v\| \[s\] |"
    assert lines[1] == "| :-- | --: | --: |"
    assert lines[2] == r"| a\_0 & 50% | 1.50 | **\[1.5\]** |"
    assert lines[-1] == r"Made\_up. 100 % κ ≥ 0 \| ‖∇J‖²"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("10⁻³", r"10\textsuperscript{$-$}\textsuperscript{3}"),
        ("12\u202f000", r"12\,000"),
        ("“θ”", r"``$\theta$''"),
        ("Σ λ é Ж", r"$\Sigma$ $\lambda$ é [U+0416]"),
        (r"\{}", r"\textbackslash{}\{\}"),
    ],
)
def test_signs_in_latex(written: str, shown: str) -> None:
    assert escaped(written) == shown


@pytest.mark.parametrize(
    "source",
    [r"\begin{a}", r"\begin{a}\begin{b}\end{a}\end{b}", "{", "}{", r"\begin{a}{\end{a}"],
)
def test_what_is_not_balanced_is_noticed(source: str) -> None:
    assert not balanced(source)
