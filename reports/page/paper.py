"""report.tex: every table and figure of the page as one document that pdfLaTeX compiles."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from fedrl.reports.drawing.figures import Figure
from fedrl.reports.drawing.section import Chapter, Section
from fedrl.reports.page.latex import escaped
from fedrl.reports.page.table_export import LONG
from fedrl.reports.table.tables import Table


def document(
    title: str,
    description: str,
    verdict: str,
    front: Sequence[Table],
    together: Sequence[Section],
    chapters: Sequence[Chapter],
) -> str:
    """The source; figures/*.pdf and tables/*.tex are expected beside it."""
    return (
        _environment()
        .get_template("report.tex.j2")
        .render(
            title=title,
            description=description,
            verdict=verdict,
            front=front,
            together=together,
            chapters=chapters,
            long=LONG,
        )
    )


def _environment() -> jinja2.Environment:
    """Jinja with signs LaTeX does not use; every value is escaped for LaTeX, none for HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parents[1] / "templates"),
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_for_latex,
    )
    environment.tests["figure"] = lambda part: isinstance(part, Figure)
    environment.tests["table"] = lambda part: isinstance(part, Table)
    return environment


def _for_latex(value: Any) -> Markup:
    """Escaped once: what a macro wrote is LaTeX already."""
    return value if isinstance(value, Markup) else Markup(escaped(str(value)))
