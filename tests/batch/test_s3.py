"""A run on an S3-compatible store: put there, met by the next, and listed."""

from __future__ import annotations

import duckdb
import pandas as pd

from mmm.batch.index import rebuild_index
from mmm.batch.job import Job, run_job
from mmm.batch.page import write_portfolio
from mmm.batch.record import now
from mmm.batch.sources import open_source
from mmm.batch.store import open_store
from mmm.config.batch import Promote
from mmm.config.load import load_batch


def test_a_run_meets_the_deployed_one_on_s3(worlds, bucket, tmp_path):
    worlds.write(tmp_path / "in", "alpha", worlds.frame(2))
    path = worlds.batch(tmp_path / "in", studies=["*/study.yaml"])
    with open_source(load_batch(path), path.parent) as source:
        (entry,) = source.entries()
        payload = source.payload(entry)

    def run(name: str, deployed: str = "") -> str:
        job = Job(
            "alpha", name, entry.place, entry.data_sha256, entry.study_sha256, payload, bucket,
            "weekly", Promote(verdict="rejected"), deployed=deployed, report=False, core=True,
        )  # fmt: skip
        return run_job(job).status

    assert run("r1") == "done"
    assert run("r1") == "skipped"
    assert run("r2", "r1") == "done"
    store = open_store(bucket)
    index = rebuild_index(store)
    assert index["run"].tolist() == ["r1", "r2"]
    assert index["promoted"].tolist() == [False, True]
    assert b'"against": "r1"' in store.read("runs/alpha/r2/comparison.json")
    write_portfolio(store, index, "weekly", now())
    assert b"alpha" in store.read("portfolio.html")
    copy = tmp_path / "index.parquet"
    copy.write_bytes(store.read("index.parquet"))
    assert duckdb.sql(f"select count(*) from '{copy}'").fetchall() == [(2,)]
    assert pd.read_parquet(copy)["status"].eq("done").all()
