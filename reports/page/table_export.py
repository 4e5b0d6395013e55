"""Tables for files: all digits as CSV, the printed cells as Markdown and as LaTeX (booktabs)."""

import re

from fedrl.reports.page.latex import escaped
from fedrl.reports.table import spreadsheet
from fedrl.reports.table.formatting import halved
from fedrl.reports.table.tables import DIGITS, Data, Table

LONG = 40  # rows; a longer table breaks over pages
WIDE = 28  # characters; longer words are set in lines


def csv(table: Data) -> str:
    """Every column of the frame, ten significant digits."""
    return spreadsheet.csv(table.frame, float_format=DIGITS)


def markdown(table: Table) -> str:
    """A pipe table of the printed cells, its caption below; turned, it has a line per column."""
    table = table.short
    head = [plain(column.header) for column in table.columns]
    rule = [":--" if column.words else "--:" for column in table.columns]
    body = [[f"**{plain(c.text)}**" if c.strong else plain(c.text) for c in r] for r in table.cells]
    if table.turned:
        labels = [
            ", ".join(text for text, c in zip(r, table.columns, strict=True) if c.words)
            for r in body
        ]
        by_column = zip(head, *body, strict=True)
        body = [list(line) for line, c in zip(by_column, table.columns, strict=True) if not c.words]
        head, rule = ["", *labels], [":--", *("--:" for _ in labels)]
    text = "\n".join(f"| {' | '.join(line)} |" for line in [head, rule, *body])
    return f"{text}\n\n{plain(table.title)}. {plain(table.caption)}\n"


def latex(table: Table) -> str:
    """A tabular with booktabs rules, or a longtable when it does not fit on a page."""
    kind = "longtable" if len(table.rows) > LONG else "tabular"
    columns = "".join(_aligned(table, place) for place in range(len(table.columns)))
    head = " & ".join(_stacked(column.header) for column in table.columns)
    lines = [rf"\begin{{{kind}}}{{{columns}}}", r"\toprule", rf"{head} \\", r"\midrule"]
    if kind == "longtable":
        lines.append(r"\endhead")
    for row, ruled in zip(table.cells, table.ruled, strict=True):
        lines += [r"\midrule"] if ruled else []
        cells = [rf"\textbf{{{escaped(c.text)}}}" if c.strong else escaped(c.text) for c in row]
        # A bracket after \\ would be read as its argument
        lines.append(" & ".join(f"{{{c}}}" if c.startswith("[") else c for c in cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", rf"\end{{{kind}}}"]) + "\n"


def _aligned(table: Table, place: int) -> str:
    """Numbers right, words left; words that are long in lines of their own."""
    cells = [row[place] for row in table.cells]
    if not table.columns[place].words:
        return "r"
    if max((len(cell.text) for cell in cells), default=0) <= WIDE:
        return "l"
    return r">{\raggedright\arraybackslash}p{3.2cm}"


def _stacked(header: str) -> str:
    """A long header on two lines."""
    lines = [escaped(part) for part in halved(header, 13)]
    return lines[0] if len(lines) == 1 else rf"\shortstack{{{lines[0]}\\{lines[1]}}}"


def plain(text: str) -> str:
    """Escape what Markdown would read as markup; one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$])", r"\\\1", " ".join(text.split()))
