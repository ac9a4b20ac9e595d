"""Runs shared by the tests of the whole job: small worlds, short chains, the installed command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mmm.simulate import simulate_world, write_world

SHORT = {"chains": 2, "draws": 300, "tune": 300, "seed": 7}


def write_short_study(world, directory: Path) -> Path:
    """Writes a world with short chains; the study file."""
    write_world(world, directory)
    path = directory / "study.yaml"
    content = yaml.safe_load(path.read_text())
    content["inference"] = SHORT
    path.write_text(yaml.safe_dump(content))
    return path


def mmm(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The installed command."""
    command = [str(Path(sys.executable).parent / "mmm"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)


@pytest.fixture(scope="session")
def write_study():
    return write_short_study


@pytest.fixture(scope="session")
def world():
    return simulate_world("geo_brand", seed=3, periods=78, geos=3)


@pytest.fixture(scope="session")
def study_file(world, tmp_path_factory) -> Path:
    return write_short_study(world, tmp_path_factory.mktemp("world") / "geo_brand")


@pytest.fixture(scope="session")
def run(study_file, tmp_path_factory):
    """One run of the installed command: its output and its directory."""
    out = tmp_path_factory.mktemp("run") / "out"
    finished = mmm("run", study_file, "--out", out)
    assert finished.returncode in (0, 3), finished.stderr
    return finished, out
