"""Formulas as MathML, by docutils: no script, no font, no network."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

LOG = logging.getLogger(__name__)


def install(app: Any) -> None:
    """Offer it to Sphinx as `html_math_renderer = "mathml"`."""
    app.add_html_math_renderer("mathml", (inline, None), (display, None))


def inline(writer: Any, node: nodes.math) -> None:
    """A formula in a line."""
    writer.body.append(converted(node))
    raise nodes.SkipNode


def display(writer: Any, node: nodes.math_block) -> None:
    """A formula of its own; a wide one scrolls."""
    writer.body.append(f'<div class="formula">{converted(node, as_block=True)}</div>\n')
    raise nodes.SkipNode


def converted(node: nodes.Element, as_block: bool = False) -> str:
    """The formula, or a warning that says where it stands and what cannot be read in it."""
    try:
        return str(tex2mathml(node.astext(), as_block=as_block))
    except MathError as error:
        LOG.warning("formula: %s", error, location=node)
        return ""
