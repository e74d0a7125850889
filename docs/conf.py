"""Sphinx configuration. The reference pages are drawn from the tables before each build."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from reference_pages import write_all

import eessi

project = "eessi-toolkit"
author = "The eessi-toolkit authors"
project_copyright = "2026, the eessi-toolkit authors, EUPL-1.2"
release = version = eessi.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"
html_theme = "furo"
html_title = "eessi-toolkit"
html_static_path: list[str] = []
nitpicky = False

write_all(Path(__file__).parent / "reference" / "generated")
