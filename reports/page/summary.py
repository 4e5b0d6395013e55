"""The report in short, as Markdown: what it found, its first table, and its main figures."""

from collections.abc import Sequence

from fedrl.reports.drawing.figures import Figure
from fedrl.reports.drawing.section import Contents, Section
from fedrl.reports.page.table_export import markdown, plain
from fedrl.reports.table.tables import Table

NAME = "summary.md"
ROWS = 24  # of the table
CROWDED = 250_000  # bytes of a figure


def summary(made: Contents) -> str:
    """Verdict, first tables, and for every chapter what is said of it and its main figure."""
    parts = [f"**{plain(made.verdict)}**"] if made.verdict else []
    parts += [_short(table) for table in (*made.first, *made.front[:1]) if table.rows]
    for chapter in made.chapters:
        parts.append(f"### {plain(chapter.title)}")
        if chapter.says:
            parts.append("\n".join(f"- {plain(sentence)}" for sentence in chapter.says))
        parts += [picture(figure) for figure in main_figure(chapter.sections)]
    return "\n\n".join(parts) + "\n"


def main_figure(sections: Sequence[Section]) -> list[Figure]:
    """The figure of the section on speed-up where there is one, else the first; none too crowded.

    A figure of many bytes has more lines than can be told apart at the size of a page.
    """
    ordered = sorted(sections, key=lambda section: not section.anchor.endswith("-speedup"))
    found = [part for section in ordered for part in section.parts if isinstance(part, Figure)]
    return [figure for figure in found if len(figure.svg) <= CROWDED][:1]


def picture(figure: Figure) -> str:
    """An image with its caption below."""
    name = f"figures/{figure.name}.svg"
    return f"![{plain(figure.title)}]({name})\n\n*{plain(figure.title)}.* {plain(figure.caption)}"


def _short(table: Table) -> str:
    """The first rows of a table, its caption behind a fold."""
    text, _, caption = markdown(table).strip().partition("\n\n")
    lines = text.split("\n")
    rest = len(lines) - 2 - ROWS
    if rest > 0:
        text = "\n".join(lines[: 2 + ROWS])
        caption = f"The first {ROWS} of {ROWS + rest} rows; all are in tables/. {caption}"
    return f"{text}\n\n<details><summary>How to read it</summary>\n\n{caption}\n\n</details>"
