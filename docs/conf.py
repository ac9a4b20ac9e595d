"""Sphinx pages; builds without network: `sphinx-build -W docs docs/_build/html`."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "mmm"
author = "the mmm contributors"
release = installed_version("mmm")
version = release

extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"mmm {release}"
html_extra_path = ["study.schema.json", "batch.schema.json", "kubernetes"]
