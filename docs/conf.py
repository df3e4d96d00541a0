"""Sphinx: MyST pages, nothing fetched while building."""

import hortus

project = "Hortus"
author = "the Hortus developers"
copyright = "the Hortus developers, Apache-2.0"  # noqa: A001 -- Sphinx names it so
release = version = hortus.__version__
extensions = ["myst_parser", "sphinx_copybutton"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "Hortus"
html_static_path: list[str] = []
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = True
suppress_warnings = ["misc.highlighting_failure"]
copybutton_prompt_text = "$ "
