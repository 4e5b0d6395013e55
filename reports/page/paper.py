"""report.tex: every table and figure of the page as one document that pdfLaTeX compiles."""

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from fedrl.reports.drawing.contents import Contents
from fedrl.reports.drawing.figures import Figure
from fedrl.reports.page.latex import escaped
from fedrl.reports.page.table_export import LONG
from fedrl.reports.table.tables import Table


def document(title: str, description: str, made: Contents) -> str:
    """The source; figures/*.pdf and tables/*.tex are expected beside it."""
    template = _environment().get_template("report.tex.j2")
    return template.render(title=title, description=description, long=LONG, **made._asdict())


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
