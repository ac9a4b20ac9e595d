"""A run done again: equal where nothing changed, and what differs where something did."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import xarray as xr
from typer.testing import CliRunner

from mmm.batch.job import Job, run_job
from mmm.batch.reproduce import reproduce
from mmm.batch.sources import open_source
from mmm.cli import app
from mmm.config.batch import Promote
from mmm.config.load import load_batch
from mmm.errors import InputError
from mmm.inference.fit import load_fit, save_fit


@pytest.fixture(scope="module")
def original(worlds, tmp_path_factory):
    """One run in a store; its directory."""
    home = tmp_path_factory.mktemp("reproduce")
    worlds.write(home / "in", "alpha", worlds.frame(2))
    path = worlds.batch(home / "in", studies=["*/study.yaml"])
    with open_source(load_batch(path), path.parent) as source:
        (entry,) = source.entries()
        payload = source.payload(entry)
    job = Job(
        "alpha", "r1", entry.place, entry.data_sha256, entry.study_sha256, payload,
        str(home / "store"), "weekly", Promote(), report=False,
    )  # fmt: skip
    assert run_job(job).status == "done"
    return home / "store/runs/alpha/r1"


@pytest.fixture
def run(original, tmp_path):
    """A copy that may be changed."""
    return shutil.copytree(original, tmp_path / "run")


def test_the_same_run_is_identical(run):
    result = reproduce(run)
    assert result.identical
    assert result.equal
    assert result.differences == ()


def test_other_versions_are_named_and_do_not_make_it_another(run):
    stored = load_fit(run / "fit.nc")
    save_fit(replace(stored, versions={**stored.versions, "nutpie": "0.0.1"}), run / "fit.nc")
    result = reproduce(run)
    assert [str(one) for one in result.differences] == [
        f"version nutpie: 0.0.1 then, {stored.versions['nutpie']} now"
    ]
    assert result.equal


def test_other_draws_of_the_same_posterior_are_equal(run):
    stored = load_fit(run / "fit.nc")
    jittered = stored.posterior * (1.0 + 1e-9)
    save_fit(replace(stored, posterior=jittered), run / "fit.nc")
    result = reproduce(run)
    assert not result.identical
    assert result.equal
    assert {one.kind for one in result.differences} == {"number"}


def test_numbers_beyond_simulation_error_differ(run):
    stored = load_fit(run / "fit.nc")
    name = str(next(iter(stored.posterior.data_vars)))
    moved = stored.posterior.assign({name: stored.posterior[name] * 3.0})
    assert isinstance(moved, xr.Dataset)
    save_fit(replace(stored, posterior=moved), run / "fit.nc")
    result = reproduce(run)
    assert not result.equal
    assert {one.what.partition("[")[0] for one in result.differences if one.beyond} == {name}
    shown = CliRunner().invoke(app, ["reproduce", str(run)])
    assert shown.exit_code == 1
    assert "beyond simulation error" in shown.stdout


def test_inputs_that_were_touched_differ(run):
    (run / "inputs/alpha/data.csv").write_text("week\n")
    result = reproduce(run)
    assert not result.equal
    assert [one.what for one in result.differences if one.kind == "data"] == ["data_sha256"]


def test_a_run_in_a_store_elsewhere_is_fetched(original, bucket):
    from mmm.batch.record import record_from_json
    from mmm.batch.runs import publish_run
    from mmm.batch.store import open_store

    store = open_store(bucket)
    record = record_from_json((original / "run.json").read_bytes(), "")
    with store.aside() as folder:
        publish_run(store, record, shutil.copytree(original, folder / "run"))
    assert reproduce(f"{bucket}#alpha/r1").identical


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not the directory of a run"):
        reproduce(tmp_path)
