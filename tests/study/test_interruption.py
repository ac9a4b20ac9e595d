"""A run that is stopped or fails leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from mmm.errors import InputError
from mmm.study.directory import whole_directory

HEED_INTERRUPTS = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)  # a background job starts with it ignored
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_an_interrupted_run_leaves_nothing(study_file, tmp_path):
    content = yaml.safe_load(study_file.read_text())
    content["inference"] = {"chains": 16, "draws": 100_000, "tune": 500}
    content["data"]["file"] = str(study_file.parent / "data.csv")
    slow = tmp_path / "study.yaml"
    slow.write_text(yaml.safe_dump(content))
    command = [str(Path(sys.executable).parent / "mmm"), "run", str(slow)]
    with subprocess.Popen(
        [sys.executable, "-c", HEED_INTERRUPTS, *command, "--out", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        time.sleep(15)
        assert running.poll() is None, running.communicate()
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Traceback" not in errors
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]


def test_a_failure_while_writing_leaves_the_old_results(tmp_path):
    target = tmp_path / "out"
    with whole_directory(target, force=False) as directory:
        (directory / "manifest.json").write_text("first")

    def fill_the_disk() -> None:
        with whole_directory(target, force=True) as directory:
            (directory / "manifest.json").write_text("second")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fill_the_disk()
    assert (target / "manifest.json").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_foreign_files_are_not_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with (
        pytest.raises(InputError, match="not results of a run"),
        whole_directory(tmp_path, force=True),
    ):
        pass
    assert (tmp_path / "thesis.txt").exists()
