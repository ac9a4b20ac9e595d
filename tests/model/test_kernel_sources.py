"""Compiled code is kept by a hash of its sources: all of them must be in it."""

from __future__ import annotations

import ast
from pathlib import Path

from mmm.model import kernel


def imported(path: Path) -> set[Path]:
    """Sources of `mmm.model` and `mmm.transforms` that the one at `path` imports."""
    package = Path(kernel.__file__).parents[1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
            found |= {package.parent / (name.replace(".", "/") + ".py") for name in names}
    return {one for one in found if one.is_file() and one.parent.name in ("model", "transforms")}


def test_every_source_of_the_kernels_is_hashed() -> None:
    hashed = set(kernel.SOURCES)
    for path in hashed:
        assert imported(path) <= hashed, path
