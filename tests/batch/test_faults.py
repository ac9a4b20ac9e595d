"""What goes wrong in the middle of a batch, and what the next batch makes of it.

After each fault and a rerun every study has exactly one complete run, none was fitted again after
it was done, nothing partial is in the index, and the summary said what happened.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mmm
from mmm.batch.index import read_index
from mmm.batch.run import plan_only
from mmm.batch.store import open_store


def visible(out: Path) -> set[str]:
    """Studies that the index says are done; each has a whole run."""
    index = read_index(open_store(out))
    done = index[index["status"] == "done"]
    for study, run in zip(done["study"], done["run"], strict=True):
        assert (out / "runs" / study / run / "run.json").is_file()
    return set(done["study"])


def said(out: Path) -> dict:
    return json.loads((out / "summary.json").read_text())


def test_a_killed_worker_costs_one_attempt_and_no_result(batch):
    killed = []

    def kill_once(event):
        if event["event"] == "started" and event["study"] == "beta" and not killed:
            killed.append(event["process"])
            os.kill(event["process"], signal.SIGKILL)

    summary = batch.run(watch=kill_once)
    assert killed
    assert (summary.done, summary.failed) == (3, 0)
    assert summary.lost_workers >= 1
    assert said(batch.out)["lost_workers"] == summary.lost_workers
    batch.one_run_each()
    before = batch.written()
    again = batch.run()
    assert (again.done, again.skipped, again.lost_workers) == (0, 3, 0)
    assert batch.written() == before


def test_a_killed_client_leaves_whole_runs_and_the_rest_for_later(batch):
    command = [sys.executable, "-m", "mmm", "batch", batch.path, "--out", batch.out]
    paths = {**os.environ, "PYTHONPATH": str(Path(mmm.__file__).parent.parent)}
    client = subprocess.Popen(
        [*command, "--workers", "1", "--json"],
        env=paths,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert client.stdout
    workers = set()
    for line in client.stdout:
        event = json.loads(line)
        workers.add(event.get("process", 0))
        if event["event"] == "started" and event["study"] != "alpha":
            client.send_signal(signal.SIGKILL)
            break
    client.wait(timeout=30)
    client.stdout.close()
    wait_for_end(workers - {0})
    before = batch.written()
    assert len(before) >= 1
    plan = plan_only(batch.path, batch.out)
    assert "interrupted before" in [one.reason for one in plan]
    summary = batch.run()
    assert summary.done == 3 - len(before)
    assert summary.skipped == len(before)
    batch.one_run_each()
    assert {path: batch.written()[path] for path in before} == before
    assert not any((batch.out / ".aside").iterdir())
    assert (said(batch.out)["done"], said(batch.out)["skipped"]) == (summary.done, summary.skipped)


def wait_for_end(processes: set[int]) -> None:
    for _ in range(200):
        if not any(Path(f"/proc/{process}/stat").exists() for process in processes):
            return
        time.sleep(0.05)
    pytest.fail("workers outlived their client")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 80 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", place]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("spare", [0, 20_000_000], ids=["full", "nearly full"])
def test_a_disk_that_fills_up_costs_the_studies_after_it(
    batch_in, worlds, studies, small_disk, spare
):
    for number, name in enumerate(("delta", "epsilon", "zeta"), 4):
        worlds.write(studies, name, worlds.frame(number))
    batch = batch_in(studies, small_disk / "store")
    filler = small_disk / "filler"

    def fill(event):
        if event["event"] == "done" and not filler.exists():
            with filler.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(1_000_000))
                except OSError:
                    file.truncate(max(0, file.tell() - spare))

    summary = batch.run(watch=fill)
    assert filler.exists()
    done = {decided.study for decided in summary.decisions}
    assert len(done) == summary.done >= 1
    assert summary.failed >= 1
    assert summary.done + summary.failed == 6
    assert not summary.well
    assert visible(batch.out) <= done
    assert batch.events[-1]["event"] == "summary"
    if not spare:
        assert any("cannot be written" in problem for problem in summary.problems)
    for failure in summary.failures:
        assert (
            "are free" in failure.reason
            or "No space" in failure.reason
            or ("out of memory or disk" in failure.reason)
        )
    before = batch.written()
    filler.unlink()

    again = batch.run()
    assert (again.done, again.skipped, again.failed) == (6 - len(before), len(before), 0)
    assert again.well
    batch.one_run_each(("alpha", "beta", "gamma", "delta", "epsilon", "zeta"))
    assert {path: batch.written()[path] for path in before} == before
    assert said(batch.out)["done"] == again.done


def test_a_file_spoilt_in_the_middle_fails_its_study_alone(batch, worlds):
    for number, name in enumerate(("delta", "epsilon", "zeta"), 4):
        worlds.write(batch.studies, name, worlds.frame(number))
    names = ("alpha", "beta", "delta", "epsilon", "gamma", "zeta")
    data = batch.studies / "zeta/data.csv"
    whole = data.read_text()

    def spoil(event):
        if event["event"] == "started":  # the last study has not been sent out yet
            data.write_text(whole.replace("2022", "x022", 1))

    summary = batch.run(watch=spoil)
    assert (summary.done, summary.failed) == (5, 1)
    (failure,) = said(batch.out)["failures"]
    assert failure["study"] == "zeta"
    assert "changed while the batch ran" in failure["reason"]
    batch.one_run_each(names[:5])
    before = batch.written()

    spoilt = batch.run()
    assert (spoilt.done, spoilt.skipped, spoilt.failed) == (0, 5, 1)
    assert "data.csv" in spoilt.failures[0].reason
    assert "x022" in spoilt.failures[0].reason
    assert visible(batch.out) == set(names[:5])

    data.write_text(whole)
    mended = batch.run()
    assert (mended.done, mended.skipped, mended.failed) == (1, 5, 0)
    batch.one_run_each(names)
    assert {path: batch.written()[path] for path in before} == before
