"""Study directories are written whole or not at all, and read back the same."""

import json
import os
from dataclasses import replace

import pandas as pd
import pytest
import yaml

from mmm.config import Study
from mmm.config.load import load_study
from mmm.errors import InputError
from mmm.simulate import simulate_world, world_names, write_directory, write_world


@pytest.fixture(scope="module")
def world():
    return simulate_world("b2b", periods=30, history=10)


@pytest.mark.parametrize("name", world_names())
def test_the_study_file_reads_back_the_same(name, tmp_path):
    world = simulate_world(name, periods=26, history=4)
    file = write_world(world, tmp_path / name) / "study.yaml"
    assert load_study(file) == world.study
    # any YAML reader will do
    assert Study.model_validate(yaml.safe_load(file.read_text())) == world.study


def test_a_written_world_reads_back_the_same(world, tmp_path):
    folder = write_world(world, tmp_path / "new" / "deeper")
    assert folder == (tmp_path / "new" / "deeper").resolve()
    assert {file.name for file in folder.iterdir()} == {"data.csv", "study.yaml", "truth.json"}
    frame = pd.read_csv(folder / "data.csv", parse_dates=["week"])
    pd.testing.assert_frame_equal(frame, world.frame, check_exact=True, check_dtype=False)
    assert json.loads((folder / "truth.json").read_text()) == world.truth
    study = load_study(folder / "study.yaml")
    assert study == world.study
    assert study.data.file == "data.csv"
    assert [entry.name for entry in tmp_path.iterdir()] == ["new"]


def test_an_empty_directory_is_filled(world, tmp_path):
    (tmp_path / "here").mkdir()
    assert len(list(write_world(world, tmp_path / "here").iterdir())) == 3


def test_what_is_there_is_never_overwritten(world, tmp_path):
    target = tmp_path / "kept"
    target.mkdir()
    (target / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is there already and not empty"):
        write_world(world, target)
    with pytest.raises(InputError, match="is a file"):
        write_world(world, target / "mine.txt")
    with pytest.raises(InputError, match="cannot be written"):
        write_world(world, target / "mine.txt" / "below")
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == [
        "kept",
        "kept/mine.txt",
    ]
    assert (target / "mine.txt").read_text() == "mine"


def test_the_current_directory_is_refused(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="current directory"):
        write_world(world, ".")


def test_a_failure_leaves_nothing_behind(world, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="cannot be written"):
        write_directory({"good.txt": "x", "no/such/folder.txt": "x"}, tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())

    with pytest.raises(ValueError, match="JSON"):
        write_world(replace(world, truth={"roi": float("nan")}), tmp_path / "a")
    assert not list(tmp_path.iterdir())

    def refuse(source, destination):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(InputError, match="No space left on device"):
        write_world(world, tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())
