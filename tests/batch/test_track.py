"""Runs told to MLflow: a real tracking store in SQLite on this machine."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from mmm.batch.index import rebuild_index
from mmm.batch.job import Job, run_job
from mmm.batch.plan import plan_batch
from mmm.batch.run import run_batch
from mmm.batch.sources import open_source
from mmm.batch.store import Store, open_store
from mmm.batch.track import ADDRESS, TrackingError, track
from mmm.config.batch import Promote
from mmm.config.load import load_batch
from mmm.errors import InputError

# MLflow's own tables are written in SQLAlchemy's earlier manner
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
TABLES = ("runs", "params", "metrics", "tags")


@pytest.fixture(scope="session")
def empty_tracking(tmp_path_factory) -> Path:
    """A tracking store without runs: making its tables takes seconds."""
    from mlflow.tracking import MlflowClient

    home = tmp_path_factory.mktemp("tracking")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.chdir(home)
        client = MlflowClient(f"sqlite:///{home}/tracking.db")
        client.create_experiment("weekly", artifact_location=(home / "artefacts").as_uri())
    return home / "tracking.db"


@pytest.fixture
def tracking(empty_tracking, tmp_path, monkeypatch) -> SimpleNamespace:
    """A tracking store of our own, to which the environment points."""
    place = tmp_path / "tracking.db"
    shutil.copy(empty_tracking, place)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv(ADDRESS, f"sqlite:///{place}")
    monkeypatch.chdir(tmp_path)

    def rows(table: str) -> pd.DataFrame:
        with sqlite3.connect(place) as connection:
            found = pd.read_sql(f"select * from {table}", connection)
        connection.close()
        return found

    return SimpleNamespace(rows=rows, address=f"sqlite:///{place}")


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worlds) -> Path:
    """A folder with a batch of one study, and its run in `store`."""
    home = tmp_path_factory.mktemp("finished")
    worlds.write(home / "in", "alpha", worlds.frame(2))
    path = worlds.batch(home / "in", studies=["*/study.yaml"], mlflow="weekly")
    store = open_store(home / "store")
    with open_source(load_batch(path), path.parent) as source:
        (entry,) = source.entries()
        (plan,) = plan_batch([entry], rebuild_index(store), store)
        job = Job(
            "alpha", plan.run, entry.place, entry.data_sha256, entry.study_sha256,
            source.payload(entry), str(home / "store"), "weekly", Promote(verdict="rejected"),
            report=False, core=True,
        )  # fmt: skip
        assert run_job(job).status == "done"
    return home


@pytest.fixture
def batch(finished, tmp_path) -> SimpleNamespace:
    """A copy of that batch; its one run."""
    shutil.copytree(finished, tmp_path / "home")
    store = open_store(tmp_path / "home/store")
    (row,) = rebuild_index(store).itertuples(index=False)
    return SimpleNamespace(
        path=tmp_path / "home/in/batch.yaml", store=store, run=(row.study, row.run)
    )


def test_a_run_is_told_once_with_its_numbers_and_files(tracking, batch):
    assert track(batch.store, [batch.run], "weekly") == 1
    (run,) = tracking.rows("runs").itertuples(index=False)
    assert (run.status, run.name, run.lifecycle_stage) == ("FINISHED", "alpha", "active")
    tags = tracking.rows("tags").set_index("key")["value"]
    assert tags["mmm.run"] == "/".join(batch.run)
    assert tags["mmm.decision"] == "promote"
    parameters = tracking.rows("params").set_index("key")["value"]
    assert parameters["seed"] == "3"
    assert len(parameters["data_sha256"]) == 64
    home = batch.store.local / "runs" / "/".join(batch.run)
    table = pd.read_csv(home / "efficiency.csv").set_index("channel")
    metrics = tracking.rows("metrics").set_index("key")["value"]
    for channel in ("tv", "search", "total"):
        for name in ("roi_mean", "roi_p05", "roi_p95"):
            assert metrics[f"{name}/{channel}"] == pytest.approx(table.loc[channel, name])
    assert metrics["rhat_max"] > 0.9
    kept = Path(run.artifact_uri.removeprefix("file://"))
    assert (kept / "efficiency.csv").read_bytes() == (home / "efficiency.csv").read_bytes()
    assert {"manifest.json", "run.json"} <= {path.name for path in kept.iterdir()}

    before = {table: tracking.rows(table) for table in TABLES}
    assert track(batch.store, [batch.run], "weekly") == 0
    for table, rows in before.items():
        pd.testing.assert_frame_equal(tracking.rows(table), rows)


@pytest.mark.parametrize("step", ["half", "told"])
def test_a_run_half_told_is_told_whole_later(tracking, batch, monkeypatch, step):
    def killed(*_arguments, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if step == "half":
            patch.setattr("mlflow.tracking.MlflowClient.log_artifacts", killed)
        else:
            patch.setattr(Store, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            track(batch.store, [batch.run], "weekly")
    assert track(batch.store, [batch.run], "weekly") == 1
    runs = tracking.rows("runs")
    (run,) = runs[runs["lifecycle_stage"] == "active"].itertuples(index=False)
    assert run.status == "FINISHED"


def test_a_batch_tells_what_mlflow_lacks_and_makes_the_experiment(tracking, batch):
    batch.path.write_text(batch.path.read_text().replace("mlflow: weekly", "mlflow: other"))
    events: list[dict] = []
    summary = run_batch(batch.path, batch.store.root, watch=events.append)
    assert (summary.skipped, summary.tracked, summary.well) == (1, 1, True)
    assert set(tracking.rows("experiments")["name"]) == {"Default", "weekly", "other"}
    assert run_batch(batch.path, batch.store.root).tracked == 0
    assert len(tracking.rows("runs")) == 1


def test_a_tracking_store_that_is_away_stops_nothing_and_is_told_later(
    tracking, batch, monkeypatch
):
    monkeypatch.setenv(ADDRESS, "http://me:hidden-word@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError, match="told of 0 of 1 runs") as refusal:
        track(batch.store, [batch.run], "weekly")
    assert "hidden-word" not in str(refusal.value)
    summary = run_batch(batch.path, batch.store.root)
    assert (summary.skipped, summary.tracked, summary.well) == (1, 0, False)
    assert ADDRESS in summary.problems[0]
    monkeypatch.setenv(ADDRESS, tracking.address)
    again = run_batch(batch.path, batch.store.root)
    assert (again.tracked, again.well) == (1, True)


def test_what_is_missing_is_named_before_anything_runs(batch, monkeypatch):
    monkeypatch.delenv(ADDRESS, raising=False)
    with pytest.raises(InputError, match="MLFLOW_TRACKING_URI: the environment variable"):
        run_batch(batch.path, batch.path.parent / "new")
    monkeypatch.setattr("mmm.batch.track.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"mmm\[mlflow\]"):
        run_batch(batch.path, batch.path.parent / "new")
    assert not (batch.path.parent / "new").exists()
