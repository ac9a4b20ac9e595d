"""A lean run has the same returns as a whole one, and the rest can be made from it."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest
from typer.testing import CliRunner

from mmm.batch.complete import complete_run
from mmm.batch.job import Job, run_job
from mmm.batch.sources import open_source
from mmm.cli import app
from mmm.config.batch import Promote
from mmm.config.load import load_batch
from mmm.errors import InputError, StoredFitError

CORE = {"fit.nc", "efficiency.csv", "diagnostics.json", "checks.json", "manifest.json"}


@pytest.fixture(scope="module")
def runs(worlds, tmp_path_factory):
    """The same study as a whole run and as a lean one; their directories."""
    home = tmp_path_factory.mktemp("complete")
    worlds.write(home / "in", "alpha", worlds.frame(2))
    path = worlds.batch(home / "in", studies=["*/study.yaml"])
    with open_source(load_batch(path), path.parent) as source:
        (entry,) = source.entries()
        payload = source.payload(entry)
    for name, core in (("whole", False), ("lean", True)):
        job = Job(
            "alpha", name, entry.place, entry.data_sha256, entry.study_sha256, payload,
            str(home / "store"), "weekly", Promote(), report=False, core=core,
        )  # fmt: skip
        assert run_job(job).status == "done"
    return home / "store/runs/alpha/whole", home / "store/runs/alpha/lean"


def test_a_lean_run_has_the_same_fit_and_returns(runs):
    whole, lean = runs
    assert {path.name for path in lean.iterdir()} == CORE | {"inputs", "run.json"}
    for name in CORE - {"fit.nc", "manifest.json"}:
        assert (lean / name).read_bytes() == (whole / name).read_bytes()
    records = [json.loads((run / "run.json").read_text()) for run in runs]
    same = ("verdict", "channels", "decision", "spend_per_year", "end")
    assert {key: records[0][key] for key in same} == {key: records[1][key] for key in same}


def test_the_rest_is_made_from_it_and_equals_the_whole(runs, tmp_path):
    whole, lean = runs
    result = complete_run(lean, tmp_path / "out")
    assert result.report.is_file()
    made = {path.name for path in (tmp_path / "out").iterdir()}
    kept = {path.name for path in whole.iterdir()}
    assert made == (kept - {"inputs", "run.json"}) | {"report.html"}
    for name in made:
        if name.endswith(".csv"):
            pd.testing.assert_frame_equal(
                pd.read_csv(tmp_path / "out" / name), pd.read_csv(whole / name)
            )


def test_a_fit_of_other_data_is_refused(runs, tmp_path):
    lean = shutil.copytree(runs[1], tmp_path / "lean")
    data = lean / "inputs/alpha/data.csv"
    frame = pd.read_csv(data)
    frame.loc[0, "revenue"] += 1.0
    frame.to_csv(data, index=False)
    with pytest.raises(StoredFitError, match="of other data"):
        complete_run(lean, tmp_path / "out")
    study = lean / "inputs/alpha/study.yaml"
    shutil.copy(runs[1] / "inputs/alpha/data.csv", data)
    study.write_text(study.read_text().replace("seasonality: 2", "seasonality: 1"))
    with pytest.raises(StoredFitError, match="of another study"):
        complete_run(lean, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="not the directory of a run of a batch"):
        complete_run(tmp_path, tmp_path / "out")
    shown = CliRunner().invoke(app, ["complete", str(tmp_path), "--out", str(tmp_path / "out")])
    assert shown.exit_code == 2
