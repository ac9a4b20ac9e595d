"""A whole batch on two workers started by hand and joined to one scheduler over TLS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import mmm
from mmm.batch.index import history, read_index, rebuild_index
from mmm.batch.job import Job, run_job
from mmm.batch.plan import plan_batch
from mmm.batch.run import plan_only, run_batch
from mmm.batch.runs import deployed_run
from mmm.batch.sources import open_source
from mmm.batch.spread import open_client, spread
from mmm.batch.store import Store, open_store
from mmm.cli import app
from mmm.config.batch import Promote
from mmm.config.load import load_batch
from mmm.errors import InputError


def test_a_batch_runs_once_and_then_only_what_changed(batch, worlds, monkeypatch):
    monkeypatch.setenv("MMM_SECRET", "unused")
    (batch.studies / "delta").mkdir()
    worlds.write(batch.studies, "delta", worlds.frame(0)).with_name("data.csv").write_text("week\n")
    plan = plan_only(batch.path, batch.out)
    assert [one.reason for one in plan] == ["new"] * 4
    assert not batch.out.exists()

    first = batch.run(content={"artefacts": "all", "report": False})
    assert (first.planned, first.done, first.failed, first.skipped) == (4, 3, 1, 0)
    assert (first.promoted, first.held, first.alarms, first.well) == (3, 0, 0, False)
    ((study, reason),) = [(one.study, one.reason) for one in first.failures]
    assert study == "delta"
    assert "data.csv" in reason
    batch.one_run_each()
    processes = {event["process"] for event in batch.events if event["event"] == "started"}
    assert len(processes) == 2
    assert os.getpid() not in processes
    summary = json.loads((batch.out / "summary.json").read_text())
    wanted = {"planned": 4, "done": 3, "skipped": 0, "failed": 1, "promoted": 3, "held": 0}
    assert {key: summary[key] for key in wanted} == wanted

    worlds.write(batch.studies, "delta", worlds.frame(7))
    frame = pd.read_csv(batch.studies / "alpha/data.csv")
    frame.loc[3, "revenue"] += 500.0
    worlds.write(batch.studies, "alpha", frame)
    reasons = {one.study: one.reason for one in plan_only(batch.path, batch.out)}
    assert reasons["alpha"] == "data changed"
    assert reasons["beta"].startswith("unchanged since the run of")
    second = batch.run()
    assert (second.done, second.skipped, second.failed, second.well) == (2, 2, 0, True)
    runs = batch.complete()
    assert {study: len(found) for study, found in runs.items()} == {
        "alpha": 2,
        "beta": 1,
        "gamma": 1,
        "delta": 1,
    }
    store = open_store(batch.out)
    assert [record.decision for record in history(store, "alpha")] == ["promote", "promote"]
    last = history(store, "alpha")[-1]
    assert deployed_run(store, "alpha") == last.run
    comparison = json.loads(store.read(f"runs/alpha/{last.run}/comparison.json"))
    assert comparison["forecast"] is None
    assert {shift["channel"] for shift in comparison["shifts"]} == {"tv", "search"}
    index = read_index(store)
    assert index.groupby("study")["promoted"].sum().eq(1).all()

    begun = len(batch.events)
    third = batch.run()
    assert (third.done, third.skipped) == (0, 4)
    assert [event["event"] for event in batch.events[begun:]] == ["planned", "summary"]


def test_a_study_past_its_time_fails_alone(batch, worlds):
    slow = worlds.content("beta")
    slow["inference"] |= {"draws": 100_000, "tune": 100_000}
    (batch.studies / "beta/study.yaml").write_text(json.dumps(slow))
    summary = batch.run(content={"time_limit": 8.0})
    assert (summary.done, summary.failed) == (2, 1)
    assert summary.failures[0].study == "beta"
    assert "time limit of 8 s" in summary.failures[0].reason
    batch.one_run_each(("alpha", "gamma"))


def job_of(batch, name: str, core: bool = True) -> Job:
    with open_source(load_batch(batch.path), batch.studies) as source:
        entry = next(one for one in source.entries() if one.name == name)
        (plan,) = plan_batch([entry], read_index(open_store(batch.out)), open_store(batch.out))
        return Job(
            study=name,
            run=plan.run,
            place=entry.place,
            data_sha256=entry.data_sha256,
            study_sha256=entry.study_sha256,
            payload=source.payload(entry),
            store=str(batch.out),
            batch="weekly",
            rules=Promote(),
            report=False,
            core=core,
        )


@pytest.mark.parametrize("step", ["begin", "room", "artefacts", "move", "record"])
def test_a_full_disk_leaves_nothing_half(batch, monkeypatch, step):
    job = job_of(batch, "alpha", core=False)
    full = OSError(28, "No space left on device")

    def refuse(*_arguments, **_options):
        raise full

    written = Store.write
    if step == "room":
        monkeypatch.setattr("mmm.batch.store.LEAST_FREE", 10**18)
    elif step == "move":
        monkeypatch.setattr(Store, "move_in", refuse)
    elif step == "artefacts":
        monkeypatch.setattr("mmm.study.artefacts.write_workbook", refuse)
    else:
        part = "started/" if step == "begin" else "records/"
        monkeypatch.setattr(
            Store,
            "write",
            lambda self, name, content: (
                refuse() if name.startswith(part) else written(self, name, content)
            ),
        )
    with pytest.raises(OSError, match=r"No space left|are free"):
        run_job(job)
    monkeypatch.undo()
    store = open_store(batch.out)
    assert rebuild_index(store).empty
    again = run_job(job)
    assert again.status == ("skipped" if step == "record" else "done")
    assert batch.complete() == {"alpha": [job.run]}
    assert rebuild_index(store)["study"].tolist() == ["alpha"]


def test_the_command_spreads_a_batch_over_the_workers_of_a_scheduler(batch, grid):
    keys = grid.encryption
    where = ["--scheduler", grid.scheduler, "--tls-ca", keys.authority]
    where += ["--tls-cert", keys.certificate, "--tls-key", keys.key]
    done = subprocess.run(
        [sys.executable, "-m", "mmm", "batch", batch.path, "--out", batch.out, *where, "--json"],
        env={**os.environ, "PYTHONPATH": str(Path(mmm.__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    begun = [event for event in events if event["event"] == "started"]
    assert {event["study"] for event in begun} == {"alpha", "beta", "gamma"}
    for name in ("worker", "process"):  # both did some, and neither is this process's
        assert len({event[name] for event in begun}) == 2
    assert all(event["worker"].startswith("tls://") for event in begun)
    assert (events[-1]["event"], events[-1]["done"], events[-1]["failed"]) == ("summary", 3, 0)
    batch.one_run_each()


def test_a_worker_loads_nothing_that_only_reading_tables_takes():
    code = (
        "import sys, mmm.batch.spread; "
        "sys.exit(any(name in sys.modules for name in ('duckdb', 'sqlalchemy', 'mlflow')))"
    )
    paths = {**os.environ, "PYTHONPATH": str(Path(mmm.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", code], env=paths, check=False)
    assert done.returncode == 0


def test_two_batches_at_once_make_one_run_each(batch, grid):
    jobs = [job_of(batch, name) for name in ("alpha", "beta", "gamma")]
    where = {"scheduler": grid.scheduler, "encryption": grid.encryption}
    with open_client(**where) as first, open_client(**where) as second:
        ours = spread(first, jobs, retries=0, watch=lambda _: None)
        one = next(ours)
        theirs = list(spread(second, jobs, retries=0, watch=lambda _: None))
        rest = [one, *ours]
    assert {ended.result.status for ended in [*rest, *theirs]} <= {"done", "skipped"}
    rebuild_index(open_store(batch.out))
    batch.one_run_each()


def test_a_scheduler_that_does_not_answer_is_named(batch, monkeypatch):
    monkeypatch.setattr("mmm.batch.spread.CONNECT_S", 0.5)
    with pytest.raises(InputError, match="does not answer"):
        run_batch(batch.path, batch.out, scheduler="tcp://127.0.0.1:9")


def test_the_command_says_by_its_exit_code_how_it_went(batch, worlds):
    def invoke(*arguments):
        given = ["batch", batch.path, "--out", batch.out, *arguments]
        return CliRunner().invoke(app, [str(argument) for argument in given])

    shown = invoke("--dry-run")
    assert shown.exit_code == 0
    assert "run   alpha: new" in shown.stdout
    assert "3 studies: 3 to run" in shown.stdout
    assert not batch.out.exists()
    assert invoke("--reindex").exit_code == 2
    worlds.batch(batch.studies, studies=["../*.yaml"])
    refused = invoke()
    assert refused.exit_code == 2
    assert "leads out" in refused.stderr
    assert not batch.out.exists()
    for name in ("alpha", "beta", "gamma"):
        (batch.studies / name / "data.csv").unlink()
    worlds.batch(batch.studies, studies=["*/study.yaml"])
    failed = invoke("--json")
    assert failed.exit_code == 1
    events = [json.loads(line) for line in failed.stdout.splitlines()]
    assert [event["event"] for event in events] == ["planned", *["failed"] * 3, "summary"]
    assert "3 failed" in failed.stderr
    assert invoke("--reindex").exit_code == 0
    assert invoke("--tls-ca", "x").exit_code == 2


def test_a_batch_that_breaks_off_says_so_and_that_it_can_go_on(batch, monkeypatch):
    def broken(*_arguments, **_options):
        raise OSError("the scheduler is gone")

    monkeypatch.setattr("mmm.batch.spread.open_client", broken)
    shown = CliRunner().invoke(app, ["batch", str(batch.path), "--out", str(batch.out)])
    assert shown.exit_code == 1
    assert "the scheduler is gone" in shown.stderr
    assert "run it again" in shown.stderr
