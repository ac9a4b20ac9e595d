"""What a batch would do and why, from the store's index alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mmm
from mmm.batch.index import read_index, rebuild_index
from mmm.batch.plan import Action, plan_batch
from mmm.batch.record import DONE, FAILED, Record, now, run_id
from mmm.batch.runs import begin_run, publish_run, record_failure
from mmm.batch.sources import Entry
from mmm.batch.store import open_store
from mmm.batch.table import snapshot
from mmm.config.batch import TableSource

ALPHA = Entry("alpha", "alpha/study.yaml", "data1", "study1")


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store")


def put(store, entry: Entry, status: str = DONE, version: str | None = None, reason: str = ""):
    version = version or mmm.__version__
    run = run_id(entry.data_sha256, entry.study_sha256, version)
    record = Record(
        study=entry.name,
        run=run,
        created=now(),
        status=status,
        reason=reason,
        data_sha256=entry.data_sha256,
        study_sha256=entry.study_sha256,
        version=version,
    )
    if status == FAILED:
        record_failure(store, record)
        return
    with store.aside() as folder:
        (folder / "run").mkdir()
        publish_run(store, record, folder / "run")


def planned(store, entry=ALPHA, **options):
    (plan,) = plan_batch([entry], rebuild_index(store), store, **options)
    return plan


def test_what_is_new_runs(store):
    plan = planned(store)
    assert (plan.action, plan.reason) == (Action.RUN, "new")
    assert plan.run == run_id("data1", "study1", mmm.__version__)


def test_what_is_unchanged_is_skipped_and_forced_under_a_further_name(store):
    put(store, ALPHA)
    assert planned(store).action is Action.SKIP
    forced = planned(store, force=True)
    assert (forced.action, forced.reason) == (Action.RUN, "forced")
    assert forced.run == planned(store).run + "-2"


@pytest.mark.parametrize(
    ("data", "study", "version", "reason"),
    [
        ("data0", "study1", None, "data changed"),
        ("data1", "study0", None, "study changed"),
        ("data0", "study0", None, "data and study changed"),
        ("data1", "study1", "0.0.1", "library changed"),
    ],
)
def test_what_changed_runs_and_says_what(store, data, study, version, reason):
    put(store, Entry("alpha", "x", data, study), version=version)
    plan = planned(store)
    assert (plan.action, plan.reason) == (Action.RUN, reason)


def test_what_failed_or_was_cut_off_runs_again(store):
    put(store, ALPHA, FAILED, reason="bad cell")
    assert planned(store).reason == "failed before: bad cell"
    begin_run(store, "alpha", planned(store).run)
    assert planned(store).reason == "interrupted before"


def test_a_run_that_the_index_does_not_know_is_not_done_twice(store):
    put(store, ALPHA)
    (plan,) = plan_batch([ALPHA], read_index(store), store)
    assert (plan.action, plan.reason) == (Action.SKIP, "done already")


def test_what_cannot_be_run_fails_with_its_reason(store):
    entry = Entry("alpha", "alpha/study.yaml", "", "", "data.csv: there is no such file.")
    plan = planned(store, entry)
    assert (plan.action, plan.reason) == (Action.FAIL, "data.csv: there is no such file.")


def test_planning_asks_the_store_nothing_about_what_is_unchanged(store, monkeypatch):
    entries = [Entry(f"s{number}", "p", f"d{number}", "s") for number in range(2000)]
    rows = [
        {
            "study": entry.name,
            "run": run_id(entry.data_sha256, "s", mmm.__version__),
            "created": now(),
            "status": DONE,
            "reason": "",
            "data_sha256": entry.data_sha256,
            "study_sha256": "s",
        }
        for entry in entries
    ]
    monkeypatch.setattr(type(store), "exists", lambda *_: pytest.fail("asked the store"))
    plans = plan_batch(entries, pd.DataFrame(rows), store)
    assert {plan.action for plan in plans} == {Action.SKIP}


def test_groups_are_digested_in_one_pass(tmp_path, monkeypatch):
    """2,000 groups of 20 rows: as many batches of rows are read as the table holds."""
    groups, rows = 2000, 20
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "brand": np.repeat([f"b{number:04d}" for number in range(groups)], rows),
            "week": np.tile(pd.date_range("2024-01-01", periods=rows, freq="W-MON"), groups),
            "revenue": rng.normal(size=groups * rows),
        }
    ).sample(frac=1.0, random_state=1, ignore_index=True)
    frame.to_parquet(tmp_path / "all.parquet")
    source = TableSource(file="all.parquet", keys=("brand",), template="t.yaml")
    with snapshot(source, tmp_path, ["week"]) as table:
        found = list(table.groups())
    assert [group.values for group in found] == [(f"b{number:04d}",) for number in range(groups)]
    assert len({group.data_sha256 for group in found}) == groups
