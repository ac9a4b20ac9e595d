"""Throughput of a batch beside a loop over PyMC-Marketing's fit.

    python benchmarks/batch/run.py

Simulates studies (104 weeks x 4 channels), runs them as one batch on this machine, runs the batch
again, and fits the first few of them with PyMC-Marketing one after the other, same draws and
chains, nutpie, in the environment that `benchmarks/peers` makes. Writes `summary.json`. What a
worker does not need is imported inside functions: workers import this file anew, as they would
the command's.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmm.batch.run import BatchSummary

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "peers"))

WEEKS, CHANNELS = 104, 4


def write_studies(folder: Path, count: int, artefacts: str, report: bool) -> Path:
    """`count` studies of as many worlds, and the batch file over them."""
    import yaml

    from mmm.simulate import large_spec, simulate, write_world

    for number in range(count):
        name = f"study{number:03d}"
        world = simulate(large_spec(1, WEEKS, CHANNELS, seed=number), number)
        write_world(world, folder / name)
        path = folder / name / "study.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8")) | {"study": name}
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
    batch = folder / "batch.yaml"
    content = {"batch": "throughput", "studies": ["*/study.yaml"]}
    content |= {"artefacts": artefacts, "report": report}
    batch.write_text(yaml.safe_dump(content), encoding="utf-8")
    return batch


def measured(
    batch: Path, out: Path, workers: int
) -> tuple[BatchSummary, dict[str, float], dict[str, float]]:
    """One batch, what it took, and seconds by study: those between its start in a worker and the
    time its run is in the store."""
    from mmm.batch.run import run_batch

    seconds: dict[str, float] = {}

    def watch(event: dict) -> None:
        if event["event"] == "done":
            seconds[event["study"]] = event["seconds"]
        if event["event"] in ("done", "failed"):
            print(f"{len(seconds)} done", end="\r", flush=True)

    started = time.perf_counter()
    summary = run_batch(batch, out, workers=workers, watch=watch)
    wall = time.perf_counter() - started
    return summary, {"wall_s": wall, "in_workers_s": sum(seconds.values())}, seconds


def timings(out: Path) -> dict[str, Mapping[str, float]]:
    """Timings of each study's manifest. Sampling is the search for the mode, its curvature,
    warm-up and draws; all else is overhead."""
    from mmm.batch.index import read_index, read_records, record_path
    from mmm.batch.store import open_store

    store = open_store(out)
    rows = read_index(store)[["study", "run", "status"]].itertuples(index=False, name=None)
    records = read_records(store, [record_path(*row) for row in rows])
    return {record.study: record.timings for record in records}


def peer_seconds(folder: Path, count: int, work: Path) -> dict[str, object]:
    """Seconds a study in a loop over PyMC-Marketing's fit on the first `count` studies."""
    from environments import PYMC_MARKETING, interpreter

    python = interpreter(PYMC_MARKETING, work)
    names = [folder / f"study{number:03d}" for number in range(count)]
    done = subprocess.run(
        [python, HERE / "worker_pymc_marketing.py", *map(str, names)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--peer-studies", type=int, default=5, help="0 leaves the peer out")
    parser.add_argument("--workers", type=int, default=2, help="processes of the batch")
    parser.add_argument("--artefacts", choices=["all", "core"], default="core")
    parser.add_argument("--report", action="store_true", help="draw every report too")
    parser.add_argument("--work", type=Path, help="where the peer's environment is or is made")
    parser.add_argument("--out", type=Path, default=HERE / "summary.json")
    options = parser.parse_args()
    import mmm

    with tempfile.TemporaryDirectory(prefix="mmm-batch-") as scratch:
        folder, out = Path(scratch) / "studies", Path(scratch) / "store"
        batch = write_studies(folder, options.studies, options.artefacts, options.report)
        first, spent, seconds = measured(batch, out, options.workers)
        again, skipped, _ = measured(batch, out, options.workers)
        assert first.done == options.studies, first.failures
        assert again.skipped == options.studies
        known = timings(out)
        found: dict[str, object] = {
            "version": mmm.__version__,
            "studies": options.studies,
            "weeks": WEEKS,
            "channels": CHANNELS,
            "artefacts": options.artefacts,
            "report": options.report,
            "workers": options.workers,
            **spent,
            **{
                name: sum(one[name] for one in known.values())
                for name in ("sample_s", "build_s", "compile_s")
            },
            "again_s": skipped["wall_s"],
            "s_per_study": spent["wall_s"] / options.studies,
        }
        found["overhead"] = 1.0 - found["sample_s"] / spent["in_workers_s"]
        parts = sorted(1.0 - one["sample_s"] / seconds[study] for study, one in known.items())
        found["overhead_of_studies"] = {
            name: parts[round(part * (len(parts) - 1))]
            for name, part in {"least": 0.0, "median": 0.5, "p95": 0.95, "most": 1.0}.items()
        }
        capacity = spent["wall_s"] * options.workers
        found["overhead_with_start"] = 1.0 - found["sample_s"] / capacity
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
        found["mb_per_study"] = size / 1e6 / options.studies
        if options.peer_studies:
            from environments import default_folder, machine

            work = options.work or default_folder()
            peer = peer_seconds(folder, options.peer_studies, work)
            found["peer"] = peer
            found["times_faster"] = peer["s_per_study"] / found["s_per_study"]
            found["machine"] = machine()
        shutil.rmtree(folder)
    options.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
