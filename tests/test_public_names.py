"""`import mmm` is quick, lazy, and offers exactly what it lists."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import mmm

SOURCE = Path(mmm.__file__)
LAZY = sorted(set(mmm.__all__) - {"__version__"})


def in_new_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def names_for_type_checkers() -> dict[str, str]:
    """name -> module, as the `if TYPE_CHECKING` block imports them."""
    block = next(node for node in ast.parse(SOURCE.read_text()).body if isinstance(node, ast.If))
    return {
        alias.name: str(node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@pytest.mark.parametrize("name", LAZY)
def test_every_listed_name_loads(name: str) -> None:
    home = names_for_type_checkers()[name]
    if home == "mmm":
        assert getattr(mmm, name) is importlib.import_module(f"mmm.{name}")
    else:
        assert getattr(mmm, name) is getattr(importlib.import_module(home), name)


def test_lists_agree() -> None:
    assert sorted(names_for_type_checkers()) == LAZY
    assert dir(mmm) == sorted(mmm.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'adstok'"):
        _ = mmm.adstok


def test_import_is_quick_and_light() -> None:
    code = """
import json, sys, time
start = time.perf_counter()
import mmm
seconds = time.perf_counter() - start
heavy = {"pymc", "pytensor", "numba", "nutpie", "arviz", "pandas", "xarray", "altair"}
print(json.dumps([seconds, sorted(heavy & set(sys.modules))]))
"""
    runs = [json.loads(in_new_process(code)) for _ in range(3)]
    assert min(seconds for seconds, _ in runs) < 0.5
    assert all(loaded == [] for _, loaded in runs)


def test_reading_data_brings_in_no_sampler() -> None:
    code = """
import sys, mmm
mmm.load_study, mmm.panel_from_frame, mmm.simulate_world
assert not {"pymc", "pytensor", "nutpie", "altair"} & set(sys.modules), sorted(sys.modules)
"""
    in_new_process(code)
