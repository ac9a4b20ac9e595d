"""The store: whole runs only, an index that follows from the records, retention."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import duckdb
import pandas as pd
import pytest

from mmm.batch import runs
from mmm.batch.index import COLUMNS, history, latest, read_index, rebuild_index
from mmm.batch.record import DONE, FAILED, Record, now, record_from_json, record_to_json
from mmm.batch.runs import (
    begin_run,
    deployed_run,
    has_run,
    let_go,
    promote_run,
    publish_run,
    read_record,
    record_failure,
    was_begun,
)
from mmm.batch.store import open_store
from mmm.config.batch import Retention
from mmm.errors import InputError, StoredFitError


@pytest.fixture(params=["folder", "s3"])
def store(request, tmp_path):
    """The same tests on a folder and on an S3-compatible server."""
    if request.param == "folder":
        return open_store(tmp_path / "store")
    return open_store(request.getfixturevalue("bucket") + "/prefix")


def record(study="alpha", run="r1", **changes) -> Record:
    content = {
        "study": study,
        "run": run,
        "created": now(),
        "status": DONE,
        "data_sha256": "d",
        "study_sha256": "s",
        "version": "1",
        "verdict": "trusted",
    }
    return Record(**content | changes)


def publish(store, entry: Record, text: str = "x") -> bool:
    with store.aside() as folder:
        home = folder / "run"
        (home / "inputs").mkdir(parents=True)
        (home / "manifest.json").write_text(text)
        (home / "inputs/study.yaml").write_text("study: a")
        return publish_run(store, entry, home)


def test_a_run_is_there_whole_or_not(store):
    begin_run(store, "alpha", "r1")
    assert was_begun(store, "alpha", "r1")
    assert not has_run(store, "alpha", "r1")
    assert publish(store, record())
    assert has_run(store, "alpha", "r1")
    assert not was_begun(store, "alpha", "r1")
    assert store.read("runs/alpha/r1/manifest.json") == b"x"
    assert store.read("runs/alpha/r1/inputs/study.yaml") == b"study: a"
    assert record_from_json(store.read("runs/alpha/r1/run.json"), "") == read_record(
        store, "alpha", "r1"
    )


def test_a_run_never_changes(store):
    assert publish(store, record(), "first")
    assert not publish(store, record(), "second")
    assert store.read("runs/alpha/r1/manifest.json") == b"first"


def test_a_run_whose_record_was_not_written_is_taken_up(store, monkeypatch):
    written = type(store).write

    def killed(self, name, content):
        if name.startswith("records/"):
            raise KeyboardInterrupt
        written(self, name, content)

    monkeypatch.setattr(type(store), "write", killed)
    with pytest.raises(KeyboardInterrupt):
        publish(store, record())
    monkeypatch.undo()
    assert rebuild_index(store).empty
    assert has_run(store, "alpha", "r1")
    assert rebuild_index(store)["run"].tolist() == ["r1"]


def test_half_an_upload_is_invisible_and_done_again(store, monkeypatch):
    if store.local:
        real = type(store).move_in

        def full(self, *arguments):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(type(store), "move_in", full)
        assert real
    else:
        put = store.fs.put_file
        monkeypatch.setattr(
            store.fs,
            "put_file",
            lambda path, to: put(path, to) if "inputs" in to else _broken(),
        )
    with pytest.raises(OSError, match=r"No space|broken"):
        publish(store, record())
    monkeypatch.undo()
    assert rebuild_index(store).empty
    assert not has_run(store, "alpha", "r1")
    assert publish(store, record(), "again")
    assert store.read("runs/alpha/r1/manifest.json") == b"again"


def _broken():
    raise OSError("broken pipe")


def test_the_index_follows_from_the_records(store):
    publish(store, record())
    record_failure(store, record("beta", "r2", status=FAILED, reason="bad data", verdict=""))
    frame = rebuild_index(store)
    assert tuple(frame.columns) == COLUMNS
    assert frame["status"].tolist() == [DONE, FAILED]
    assert frame["reason"].tolist() == ["", "bad data"]
    pd.testing.assert_frame_equal(read_index(store), frame)
    store.remove("index.parquet")
    pd.testing.assert_frame_equal(rebuild_index(store), frame)
    publish(store, record("beta", "r2"))
    assert rebuild_index(store)["status"].tolist() == [DONE, DONE]
    pd.testing.assert_frame_equal(rebuild_index(store, anew=True), read_index(store))


def test_the_last_promotion_counts(store):
    for run in ("r1", "r2"):
        publish(store, record(run=run))
    assert deployed_run(store, "alpha") is None
    promote_run(store, "alpha", "r1", ["first"])
    assert rebuild_index(store)["promoted"].tolist() == [True, False]
    promote_run(store, "alpha", "r2", ["better"])
    assert rebuild_index(store)["promoted"].tolist() == [False, True]
    promote_run(store, "alpha", "r1", ["rolled back"])
    assert deployed_run(store, "alpha") == "r1"
    with pytest.raises(InputError, match="no such run"):
        promote_run(store, "alpha", "r9", [])


def test_retention_keeps_what_is_deployed_and_the_latest(store):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    kept = []
    for number in range(5):
        created = (start + timedelta(days=number)).isoformat(timespec="microseconds")
        kept.append(record(run=f"r{number}", created=created))
        publish(store, kept[-1])
    promote_run(store, "alpha", "r1", ["good"])
    assert let_go(store, kept, Retention()) == []
    gone = let_go(store, kept, Retention(runs=2))
    assert gone == [("alpha", "r2"), ("alpha", "r0")]
    assert [entry.run for entry in history(store, "alpha")] == ["r1", "r3", "r4"]
    assert not store.exists("runs/alpha/r0")
    assert let_go(store, history(store, "alpha"), Retention(days=1)) == [("alpha", "r3")]
    assert rebuild_index(store)["run"].tolist() == ["r1", "r4"]


def test_history_and_latest_by_study(store):
    publish(store, record(run="r1"))
    publish(store, record(run="r2"))
    publish(store, record("beta", "r3"))
    assert [entry.run for entry in history(store, "alpha")] == ["r1", "r2"]
    assert latest(rebuild_index(store))["run"].tolist() == ["r2", "r3"]
    with pytest.raises(InputError, match="no run of this study"):
        history(store, "none")


def test_writers_at_once_do_no_harm(tmp_path):
    store = open_store(tmp_path / "store")
    won: list[bool] = []

    def write(number: int) -> None:
        other = open_store(tmp_path / "store")
        for run in ("r1", "r2", "r3"):
            won.append(publish(other, record(run=run), text=f"by {number}"))
            rebuild_index(other)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(won) == 3
    assert rebuild_index(store)["run"].tolist() == ["r1", "r2", "r3"]
    assert list((tmp_path / "store/.aside").iterdir()) == []


def test_duckdb_reads_the_index(tmp_path):
    store = open_store(tmp_path / "store")
    publish(store, record())
    rebuild_index(store)
    rows = duckdb.sql(f"select study, status from '{tmp_path}/store/index.parquet'").fetchall()
    assert rows == [("alpha", "done")]


@pytest.mark.parametrize("name", ["../../etc", "", ".hidden", "a/b", "x" * 200])
def test_no_name_leads_out_of_the_store(tmp_path, name):
    store = open_store(tmp_path / "store")
    for call in (runs.has_run, runs.begin_run, runs.was_begun):
        with pytest.raises(InputError, match="cannot be the name"):
            call(store, name, "r1")
        with pytest.raises(InputError, match="cannot be the name"):
            call(store, "alpha", name)


def test_a_store_is_a_folder_of_its_own(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="not those of a store"):
        open_store(tmp_path)
    with pytest.raises(InputError, match="it is a file"):
        open_store(tmp_path / "mine.txt")
    with pytest.raises(InputError, match="there is no store"):
        open_store(tmp_path / "none", must_exist=True)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("address", ["s3://key:secret@bucket/x", "nonsense://bucket/x"])
def test_an_address_that_cannot_be_used_is_refused(address):
    with pytest.raises(InputError) as refusal:
        open_store(address)
    assert "secret" not in str(refusal.value)


def test_a_record_reads_back_and_nonsense_does_not():
    entry = replace(record(), because=("one", "two"), timings={"sample_s": 1.5})
    assert record_from_json(record_to_json(entry), "") == entry
    with pytest.raises(StoredFitError, match=r"x\.json: not a record"):
        record_from_json(b'{"study": 1}', "x.json")
