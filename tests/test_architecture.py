"""`docs/architecture.md` and the house rules, held against the code."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

import mmm

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(mmm.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 400


class Row(NamedTuple):
    """One line of the page's table."""

    package: str
    may_import: frozenset[str]
    public_names: frozenset[str]


def page_rows() -> list[Row]:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    cells = [
        [cell.strip() for cell in line.strip("| ").split(" | ")]
        for line in page.splitlines()
        if line.startswith("| `")
    ]
    return [
        Row(ticked(package)[0], frozenset(ticked(imports)), frozenset(ticked(names)))
        for package, _, imports, names in cells
    ]


def ticked(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def parts() -> set[str]:
    """Packages and modules directly under `mmm`."""
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    return folders | {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}


def layers() -> list[set[str]]:
    """The import contract's layers, lowest first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    contract = next(c for c in contracts["contracts"] if c["id"] == "layers")
    return [set(layer.split(" | ")) for layer in reversed(contract["layers"])]


def imports_of(part: str) -> set[str]:
    """Other parts of `mmm` that a part imports, anywhere in its files."""
    folder = PACKAGE / part
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{part}.py"]
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "mmm":
                found |= {alias.name for alias in node.names} & parts()
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module.removeprefix("mmm.").split(".")[0]} & parts()
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names if alias.name.startswith("mmm.")]
                found |= {name.split(".")[1] for name in names}
    return found - {part}


def test_page_lists_the_packages_there_are() -> None:
    assert sorted(row.package for row in page_rows()) == sorted(parts())


def test_page_order_is_the_contract_order() -> None:
    rank = {part: level for level, layer in enumerate(layers()) for part in layer}
    ranks = [rank[row.package] for row in page_rows()]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize("row", page_rows(), ids=lambda row: row.package)
def test_imports_are_among_those_the_page_allows(row: Row) -> None:
    assert imports_of(row.package) <= row.may_import


@pytest.mark.parametrize("row", page_rows(), ids=lambda row: row.package)
def test_the_page_allows_only_what_the_contract_does(row: Row) -> None:
    rank = {part: level for level, layer in enumerate(layers()) for part in layer}
    assert all(rank[part] < rank[row.package] for part in row.may_import)


def test_page_places_every_public_name() -> None:
    homes = mmm._HOME | {"examples": "mmm.examples"}
    for row in page_rows():
        here = {name for name, home in homes.items() if home.split(".")[1] == row.package}
        assert row.public_names == here, row.package


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_file_is_short(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_no_broad_except(file: Path) -> None:
    caught = [
        ast.unparse(handler.type) if handler.type else "everything"
        for handler in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(handler, ast.ExceptHandler)
    ]
    assert not {"everything", "Exception", "BaseException"} & set(caught)
