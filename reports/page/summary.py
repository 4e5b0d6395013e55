"""The report in short, as Markdown: what it found, its first table, and its main figures."""

from collections.abc import Sequence

from fedrl.reports.drawing.contents import Contents
from fedrl.reports.drawing.figures import Figure
from fedrl.reports.drawing.section import Section
from fedrl.reports.page.table_export import markdown, plain

NAME = "summary.md"
MOST = 8  # figures


def summary(made: Contents) -> str:
    """Verdict, first table, and for every chapter what is said of it and its first figures."""
    parts = [f"**{plain(made.verdict)}**"] if made.verdict else []
    parts += [_folded(markdown(table)) for table in made.front[:1]]
    left = MOST
    for chapter in made.chapters:
        shown = main_figures(chapter.sections)[: max(left, 0)]
        left -= len(shown)
        parts.append(f"### {plain(chapter.title)}")
        parts += ["\n".join(f"- {plain(sentence)}" for sentence in chapter.says)] * bool(
            chapter.says
        )
        parts += [picture(figure) for figure in shown]
    return "\n\n".join(parts) + "\n"


def main_figures(sections: Sequence[Section]) -> list[Figure]:
    """The first figure of a chapter, and of its section on speed-up where there is one."""
    first = [_figures(section)[0] for section in sections if _figures(section)]
    speed = [
        _figures(section)[0]
        for section in sections
        if section.anchor.endswith("-speedup") and _figures(section)
    ]
    return list({figure.name: figure for figure in (*first[:1], *speed)}.values())


def picture(figure: Figure) -> str:
    """An image with its caption below."""
    name = f"figures/{figure.name}.svg"
    return f"![{plain(figure.title)}]({name})\n\n*{plain(figure.title)}.* {plain(figure.caption)}"


def _figures(section: Section) -> list[Figure]:
    return [part for part in section.parts if isinstance(part, Figure)]


def _folded(text: str) -> str:
    """A table with its long caption behind a fold."""
    table, _, caption = text.strip().partition("\n\n")
    if not caption:
        return table
    return f"{table}\n\n<details><summary>How to read it</summary>\n\n{caption}\n\n</details>"
