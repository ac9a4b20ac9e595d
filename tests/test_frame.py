"""The locks, the README's commands and the study-file page agree with what they describe."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import mmm
from mmm.config import Study
from mmm.config.load import study_schema

ROOT = Path(__file__).resolve().parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["build"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
LOCKS = {
    "requirements.lock": RUNTIME,
    "requirements-dev.lock": [*RUNTIME, *EXTRAS["test"], *EXTRAS["dev"], *EXTRAS["docs"]],
}


def locked_versions(lock: str) -> dict[str, set[str]]:
    pins: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", lock, flags=re.MULTILINE):
        pins.setdefault(name, set()).add(version)
    return pins


@pytest.mark.parametrize("name", LOCKS)
def test_lock_holds_every_dependency_within_its_bounds(name: str) -> None:
    pins = locked_versions((ROOT / name).read_text())
    for requirement in map(Requirement, LOCKS[name]):
        found = pins[requirement.name]
        assert all(version in requirement.specifier for version in found), requirement


@pytest.mark.parametrize("name", LOCKS)
def test_lock_is_hashed_and_names_no_address(name: str) -> None:
    lock = (ROOT / name).read_text()
    assert "://" not in lock
    entries = re.split(r"\n(?=\S)", lock.strip())
    assert all(
        re.match(r"[\w.-]+==[^\\]+(\\\n +--hash=sha256:[0-9a-f]{64} ?)+$", entry)
        for entry in entries
    )


def test_runtime_pins_are_the_same_in_both_locks() -> None:
    runtime, dev = (locked_versions((ROOT / name).read_text()) for name in LOCKS)
    assert {name: dev[name] for name in runtime} == runtime


@pytest.mark.parametrize(
    "bounded", [*RUNTIME, *(line for extra in EXTRAS.values() for line in extra)]
)
def test_every_dependency_has_both_bounds(bounded: str) -> None:
    operators = {specifier.operator for specifier in Requirement(bounded).specifier}
    assert operators == {">=", "<"}


def imported_distributions(folder: str) -> set[str]:
    """Distributions whose modules the files of a folder import, by their canonical names."""
    modules = set()
    for file in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.split(".")[0])
    providers = packages_distributions()
    foreign = modules - set(sys.stdlib_module_names) - {"mmm"}
    return {
        re.sub(r"[-_.]+", "-", name).lower() for module in foreign for name in providers[module]
    }


@pytest.mark.parametrize(
    ("folder", "declared"),
    [
        ("mmm", [*RUNTIME, *EXTRAS["jax"], *EXTRAS["batch"], *EXTRAS["mlflow"]]),
        ("tests", [*RUNTIME, *EXTRAS["test"]]),
    ],
)
def test_everything_imported_is_declared(folder: str, declared: list[str]) -> None:
    assert imported_distributions(folder) <= {Requirement(line).name for line in declared}


def test_version_is_stated_once_and_logged() -> None:
    assert PROJECT["project"]["version"] == mmm.__version__
    assert f"## {mmm.__version__}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("name", ["demo", "test"])
def test_readme_command_is_one_line(name: str) -> None:
    readme = (ROOT / "README.md").read_text()
    (block,) = re.findall(rf"<!-- command: {name} -->\n```bash\n(.*?)```", readme, flags=re.DOTALL)
    assert len(block.splitlines()) == 1


def test_readme_example_runs(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    assert len(example.strip().splitlines()) <= 15
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "roi_mean" in done.stdout
    assert mmm.load_fit(tmp_path / "fit.nc").study.study == "pinkham"


def blocks(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Name of every block of the study file -> its JSON Schema."""
    inner = {name: block for name, block in schema["$defs"].items() if "properties" in block}
    return {"Study": schema, **inner}


def page_tables() -> dict[str, dict[str, str]]:
    """Block -> key -> default, as `docs/study-file.md` states them under `(Block)` headings."""
    page = (ROOT / "docs/study-file.md").read_text(encoding="utf-8")
    tables: dict[str, dict[str, str]] = {}
    for section in page.split("\n## ")[1:]:
        if not (named := re.search(r"`(\w+)`$", section.splitlines()[0])):
            continue
        rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]
        tables[named[1]] = {key.strip("| `"): default.strip("`") for key, default, _ in rows}
    return tables


def stated_default(name: str, field: dict[str, Any], required: set[str]) -> str:
    if name in required:
        return "required"
    default = field.get("default")
    return (
        "none"
        if default in (None, [])
        else "defaults"
        if isinstance(default, dict)
        else json.dumps(default)
    )


def test_study_page_states_every_key_and_default() -> None:
    schema = Study.model_json_schema()
    expected = {
        block: {
            key: stated_default(key, field, set(body.get("required", [])))
            for key, field in body["properties"].items()
        }
        for block, body in blocks(schema).items()
    }
    assert page_tables() == expected


def test_published_schema_is_current() -> None:
    assert json.loads((ROOT / "docs/study.schema.json").read_text()) == study_schema()
