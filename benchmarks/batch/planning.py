"""Planning of many unchanged studies: seconds and memory.

    python benchmarks/batch/planning.py

Makes one table of `--studies` groups of 104 weeks, a store that has a run of each, and plans.
Writes `planning.json`.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

import mmm
from mmm.batch.index import rebuild_index
from mmm.batch.plan import Action
from mmm.batch.record import DONE, Record, now, record_to_json
from mmm.batch.run import plan_only
from mmm.batch.store import open_store
from mmm.simulate import large_spec, simulate

HERE = Path(__file__).resolve().parent
WEEKS, CHANNELS = 104, 4


def write_table(folder: Path, studies: int) -> Path:
    """A table of `studies` groups, the template and the batch file over it."""
    world = simulate(large_spec(1, WEEKS, CHANNELS, seed=0), 0)
    frame, rng = world.frame, np.random.default_rng(0)
    columns = {name: np.tile(frame[name].to_numpy(), studies) for name in frame.columns}
    outcome = world.study.outcome.column
    columns[outcome] = columns[outcome] * rng.uniform(0.9, 1.1, WEEKS * studies)
    columns["brand"] = np.repeat([f"brand{number:05d}" for number in range(studies)], WEEKS)
    pd.DataFrame(columns).to_parquet(folder / "all.parquet")
    template = world.study.model_dump(mode="json", exclude_defaults=True)
    del template["study"], template["data"]["file"]
    (folder / "template.yaml").write_text(yaml.safe_dump(template), encoding="utf-8")
    table = {"file": "all.parquet", "keys": ["brand"], "template": "template.yaml"}
    path = folder / "batch.yaml"
    path.write_text(yaml.safe_dump({"batch": "planning", "table": table}), encoding="utf-8")
    return path


def planned(path: Path, out: Path) -> tuple[list, dict[str, float]]:
    """The plan, what it took, and the most memory of this process so far."""
    started, used = time.perf_counter(), time.process_time()
    plan = plan_only(path, out)
    spent = {"s": time.perf_counter() - started, "cpu_s": time.process_time() - used}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return plan, spent | {"peak_rss_mb": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=HERE / "planning.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mmm-planning-") as scratch:
        path, out = write_table(Path(scratch), options.studies), Path(scratch) / "store"
        plan, first = planned(path, out)
        assert {one.action for one in plan} == {Action.RUN}
        store = open_store(out)
        for one in plan:
            entry = one.entry
            digests = {"data_sha256": entry.data_sha256, "study_sha256": entry.study_sha256}
            record = Record(one.study, one.run, now(), DONE, version=mmm.__version__, **digests)
            store.write(f"records/{one.study}/{one.run}.json", record_to_json(record))
        started = time.perf_counter()
        rebuild_index(store)
        indexed = time.perf_counter() - started
        plan, again = planned(path, out)
        assert {one.action for one in plan} == {Action.SKIP}
    found = {"studies": options.studies, "rows": options.studies * WEEKS, "new": first,
             "index_s": indexed, "unchanged": again}  # fmt: skip
    options.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
