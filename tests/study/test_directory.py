"""Where results may go, and what is said where they cannot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mmm.cli import app
from mmm.errors import InputError
from mmm.simulate import simulate_world, write_world
from mmm.study.directory import refuse_occupied, whole_directory


@pytest.mark.parametrize("out", ["file/x", "file/x/y", "file"])
def test_a_file_on_the_way_is_named_and_nothing_is_made(tmp_path, out):
    (tmp_path / "file").write_text("here")
    with pytest.raises(InputError) as refused, whole_directory(tmp_path / out, force=True):
        raise AssertionError("made")
    assert str(tmp_path / out) in str(refused.value)
    assert "file" in refused.value.findings[0].message
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc")
@pytest.mark.parametrize("out", ["/proc/x", "/proc/x/y"])
def test_a_place_that_takes_no_directory_is_named(out):
    with pytest.raises(InputError, match=f"{out}: the directory cannot be made there"):
        refuse_occupied(Path(out), force=False)


def test_asking_leaves_nothing_behind(tmp_path):
    refuse_occupied(tmp_path / "a" / "b", force=False)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("command", ["run", "evaluate"])
def test_the_command_refuses_before_anything_is_fitted(tmp_path, monkeypatch, command):
    study = write_world(simulate_world("national"), tmp_path / "world") / "study.yaml"

    def never(*arguments, **options):
        raise AssertionError("fitted")

    monkeypatch.setattr("mmm.inference.fit.fit", never)
    out = tmp_path / "world" / "data.csv" / "x"
    done = CliRunner().invoke(app, [command, str(study), "--out", str(out)])
    assert done.exit_code == 2, done.output
    assert f"{out}: cannot be made, because" in done.stderr
