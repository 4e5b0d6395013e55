"""Configuration of the documentation site; `tox run -e docs` builds it."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from making import docstrings, links, mathml, pages  # noqa: E402

project = "fedrl"
release = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]["version"]
copyright = "the authors of fedrl, MIT license"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "making", "example", "**/README.txt"]

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
# Types in signatures are written without their module, and some names stand in two modules; that
# what pages refer to exists is held by tests/project/test_docs.py.
suppress_warnings = ["ref.python"]

autodoc_mock_imports = ["ray"]  # large, and only what our module says of it is shown
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_class_signature = "mixed"
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 80

smartquotes = False  # options keep their dashes, values their quotes

html_theme = "pydata_sphinx_theme"
html_math_renderer = "mathml"
html_title = "fedrl"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_last_updated_fmt = None
html_sidebars = {"index": [], "generated/published": []}
html_theme_options = {
    "logo": {"text": "fedrl"},
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "show_nav_level": 1,
    "navigation_depth": 3,
    "secondary_sidebar_items": {"**": ["page-toc"], "generated/settings": []},  # wide tables
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "back_to_top_button": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def setup(app: Any) -> None:
    """Write the generated pages first; teach Sphinx formulas, docstrings and links."""
    mathml.install(app)
    app.connect("builder-inited", lambda app: pages.write())
    app.connect("source-read", links.rewrite)
    app.connect("autodoc-process-docstring", docstrings.process)
