"""report.tex: every table and figure of the page as one document that pdfLaTeX compiles."""

from typing import Any

from markupsafe import Markup

from fedrl.reports.drawing.section import Contents
from fedrl.reports.page.latex import escaped
from fedrl.reports.page.table_export import LONG
from fedrl.reports.page.templates import environment


def document(title: str, description: str, made: Contents) -> str:
    """The source; figures/*.pdf and tables/*.tex are expected beside it."""
    # Signs that LaTeX does not use; every value is escaped for LaTeX, none for HTML.
    signs = environment(
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        keep_trailing_newline=True,
        finalize=_for_latex,
    )
    template = signs.get_template("report.tex.j2")
    return template.render(title=title, description=description, long=LONG, **made._asdict())


def _for_latex(value: Any) -> Markup:
    """Escaped once: what a macro wrote is LaTeX already."""
    return value if isinstance(value, Markup) else Markup(escaped(str(value)))
