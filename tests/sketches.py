"""Figures for tests of what stands beside them: their size and nothing drawn, in no time.

All that leads to a figure is computed; only Matplotlib's rendering, most of the time of a report,
is left out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from matplotlib.figure import Figure

DRAW = Figure.savefig
SVG = (
    '<?xml version="1.0" encoding="utf-8" standalone="no"?>\n'
    '<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="{0:g}pt" height="{1:g}pt" '
    'viewBox="0 0 {0:g} {1:g}" xmlns="http://www.w3.org/2000/svg" version="1.1"></svg>\n'
)


def _pdf(width: float, height: float) -> str:
    """One empty page, which LaTeX can include."""
    text, places = "%PDF-1.4\n", []
    for number, entry in enumerate(
        (
            "/Type /Catalog /Pages 2 0 R",
            "/Type /Pages /Kids [3 0 R] /Count 1",
            f"/Type /Page /Parent 2 0 R /MediaBox [0 0 {width:g} {height:g}]",
        ),
        start=1,
    ):
        places.append(f"{len(text):010} 00000 n \n")
        text += f"{number} 0 obj << {entry} >> endobj\n"
    table = f"xref\n0 4\n0000000000 65535 f \n{''.join(places)}trailer << /Size 4 /Root 1 0 R >>\n"
    return f"{text}{table}startxref\n{len(text)}\n%%EOF\n"


EMPTY = {"svg": SVG.format, "pdf": _pdf, "png": "".format}


@contextmanager
def sketches(*drawn: str) -> Iterator[None]:
    """What is saved in here is a sketch, but for the formats that are drawn."""

    def save(figure: Figure, out: Any, **words: Any) -> None:
        form = words["format"]
        if form in drawn or form not in EMPTY:
            DRAW(figure, out, **words)
        else:
            out.write(EMPTY[form](*(72 * figure.get_size_inches())).encode())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", save)
        yield
