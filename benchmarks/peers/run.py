"""The same data fitted with mmm, PyMC-Marketing and Meridian, each in a process of its own.

    python benchmarks/peers/run.py

Makes an environment for each peer at its pinned release, then fits each size and seed with the
same draws, chains and cores, each library with its own sampler and settings, in three situations:

cold   a fresh process and every compile cache empty (one seed a size)
warm   a fresh process, the caches as the fits before left them
refit  a second fit in the warm process, the outcome changed

A fit's total is build, compile and sampling. Import is measured apart, and so is the way from
draws to channel totals, which some libraries take within their fit.

Every finished fit adds a row to `results.csv` and one a channel to `totals.csv`; rows that are
there are not fitted again without `--force`, so a long study can be run in parts. When all is
done, or with `--summary` alone, table.py writes the summary and the chart.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from datasets import SIZES, make_dataset
from environments import (
    HERE,
    LIBRARIES,
    MERIDIAN,
    PYMC_MARKETING,
    WORKERS,
    default_folder,
    interpreter,
    machine,
)
from score import score
from table import CHART, summarise

COLD, WARM, REFIT = "cold", "warm", "refit"
SITUATIONS = (COLD, WARM, REFIT)
FINISHED, UNFINISHED, FAILED = "finished", "unfinished", "failed"
KEYS = ["library", "size", "seed", "situation"]
FIELDS = (
    *KEYS, "geos", "weeks", "channels", "status", "seconds", "import_s", "build_s", "compile_s",
    "sample_s", "total_s", "totals_s", "ess_bulk_min", "ess_per_s", "rhat_totals_max",
    "rhat_parameters_max", "parameters", "divergences", "peak_rss_mb", "error_median", "covered",
    "draws", "chains", "cores", "warm_up", "settings", "versions",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Task:
    """One process: a cold fit, or a warm one with a refit after it."""

    library: str
    size: str
    seed: int
    situations: tuple[str, ...]

    @property
    def cold(self) -> bool:
        return self.situations[0] == COLD

    def keys(self, situation: str) -> dict[str, object]:
        return dict(zip(KEYS, (self.library, self.size, self.seed, situation), strict=True))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one fit of a process ended, after `seconds`."""

    status: str
    seconds: float


def tasks(options: argparse.Namespace) -> Iterator[Task]:
    """Everything asked for, small sizes first, so that what is learnt early is cheap."""
    wanted = [situation for situation in SITUATIONS if situation in options.situations]
    for size in options.sizes:
        seeds = options.seeds if size != "50x208x30" else options.seeds[:1]
        for seed in seeds:
            for library in options.libraries:
                if COLD in wanted and (seed == seeds[0] or options.cold_every_seed):
                    yield Task(library, size, seed, (COLD,))
                warm = tuple(each for each in (WARM, REFIT) if each in wanted)
                if warm:
                    # a refit needs the warm fit before it
                    yield Task(library, size, seed, (WARM, *warm) if warm[0] == REFIT else warm)


def caches(task: Task, root: Path) -> dict[str, Path]:
    """Folders of compiled code, of one library and size."""
    folder = root / "work" / "caches" / task.library.lower() / task.size
    return {name: folder / name for name in ("pytensor", "numba", "jax")}


def environment(task: Task, root: Path) -> dict[str, str]:
    """Environment of a worker, its compile caches its own."""
    held = caches(task, root)
    for folder in held.values():
        folder.mkdir(parents=True, exist_ok=True)
    return {
        **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        "PYTENSOR_FLAGS": f"base_compiledir={held['pytensor']}",
        "NUMBA_CACHE_DIR": str(held["numba"]),
        "JAX_COMPILATION_CACHE_DIR": str(held["jax"]),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }


def fill_caches(task: Task, options: argparse.Namespace) -> None:
    """A short fit that is not recorded, where a warm one finds its caches empty."""
    held = caches(task, options.envs)
    if any(folder.is_dir() and any(folder.iterdir()) for folder in held.values()):
        return
    print(f"{task.library} {task.size}: filling its caches first", flush=True)
    brief = argparse.Namespace(**vars(options) | {"draws": 50, "tune": 50})
    brief.adapt = brief.burn_in = 50
    execute(Task(task.library, task.size, task.seed, ("filling",)), brief)


def execute(task: Task, options: argparse.Namespace) -> tuple[Path, list[Outcome]]:
    """Runs one process to its end, or to the time limit of the fit it is at.

    The folder with what it wrote, and one outcome a situation it got to.
    """
    python = interpreter(task.library, options.envs)
    work = options.envs / "work"
    data = make_dataset(task.size, task.seed, work / "data")
    name = f"{task.library.lower()}-{task.size}-seed{task.seed}-{task.situations[0]}"
    out = work / "fits" / name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    job = {
        "data": str(data),
        "out": str(out),
        "situations": task.situations,
        "draws": options.draws,
        "chains": options.chains,
        "cores": options.cores,
        "seed": task.seed + 1,
        "options": worker_options(task.library, options),
    }
    (out / "job.json").write_text(json.dumps(job), encoding="utf-8")
    command = [str(python), str(HERE / WORKERS[task.library]), str(out / "job.json")]
    with (out / "log.txt").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            env=environment(task, options.envs),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            outcomes = watch(process, out, task.situations, options.limit)
        finally:
            stop(process)
    return out, outcomes


def worker_options(library: str, options: argparse.Namespace) -> dict[str, object]:
    match library:
        case "PyMC-Marketing":
            return {"tune": options.tune, "target_accept": options.target_accept}
        case "Meridian":
            return {"adapt": options.adapt, "burn_in": options.burn_in, "knots": options.knots}
    return {}


def watch(
    process: subprocess.Popen, out: Path, situations: Sequence[str], limit: float
) -> list[Outcome]:
    """Waits for each fit in turn, `limit` seconds each."""
    outcomes = []
    for situation in situations:
        started = time.perf_counter()
        while True:
            ended = process.poll() is not None
            seconds = time.perf_counter() - started
            if (out / f"{situation}.json").is_file():
                outcomes.append(Outcome(FINISHED, seconds))
                break
            if ended:
                return [*outcomes, Outcome(FAILED, seconds)]
            if seconds > limit:
                return [*outcomes, Outcome(UNFINISHED, seconds)]
            time.sleep(0.2)
    process.wait()
    return outcomes


def stop(process: subprocess.Popen) -> None:
    """Ends the process and what it started, if it still runs."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path) if path.is_file() else pd.DataFrame(columns=KEYS)


def keep(path: Path, rows: pd.DataFrame, keys: dict[str, object]) -> None:
    """Writes `rows` into the table at `path`, in place of those it had under `keys`."""
    table = read(path)
    same = pd.Series(True, index=table.index)
    for name, value in keys.items():
        same &= table[name] == value
    kept = table[~same]
    joined = pd.concat([kept, rows], ignore_index=True) if len(kept) else rows
    joined.to_csv(path, index=False, float_format="%.6g")


def record(task: Task, options: argparse.Namespace) -> None:
    """Runs a task and writes down every fit it got to."""
    if not task.cold:
        fill_caches(task, options)
    out, outcomes = execute(task, options)
    columns = json.loads(
        (options.envs / "work" / "data" / f"{task.size}-seed{task.seed}" / "columns.json")
        .read_text(encoding="utf-8")
    )  # fmt: skip
    geos, weeks, channels = SIZES[task.size]
    for situation, outcome in zip(task.situations, outcomes, strict=False):
        keys = task.keys(situation)
        row: dict[str, object] = {**keys, "geos": geos, "weeks": weeks, "channels": channels}
        row |= {"status": outcome.status, "seconds": outcome.seconds, "draws": options.draws}
        row |= {"chains": options.chains, "cores": options.cores}
        if outcome.status == FINISHED:
            measured, table = score(out, situation, columns["truth"])
            row |= measured
            for place, (name, value) in enumerate(keys.items()):
                table.insert(place, name, value)
            keep(options.out / "totals.csv", table, keys)
        keep(options.out / "results.csv", pd.DataFrame([row], columns=list(FIELDS)), keys)
        print(line(row, out), flush=True)


def line(row: dict, out: Path) -> str:
    head = f"{row['library']} {row['size']} seed {row['seed']} {row['situation']}: "
    if row["status"] == UNFINISHED:
        return f"{head}unfinished after {row['seconds']:.0f} s"
    if row["status"] == FAILED:
        return f"{head}failed after {row['seconds']:.0f} s; see {out / 'log.txt'}"
    return (
        f"{head}import {row['import_s']:.1f}, build {row['build_s']:.1f}, compile "
        f"{row['compile_s']:.1f}, sample {row['sample_s']:.1f} s; ESS {row['ess_bulk_min']:.0f}, "
        f"{row['ess_per_s']:.2f} a second; R-hat {row['rhat_totals_max']:.3f}"
    )


def wanted(task: Task, results: pd.DataFrame, options: argparse.Namespace) -> bool:
    """Whether a task has a fit that is not there yet and may finish."""
    if options.force:
        return True
    mine = results[(results["library"] == task.library) & (results["size"] == task.size)]
    there = mine[mine["seed"] == task.seed]["situation"]
    missing = [each for each in task.situations if each not in set(there)]
    if not missing:
        return False
    if task.cold and not options.cold_every_seed and COLD in set(mine["situation"]):
        return False
    stuck = mine[mine["status"] == UNFINISHED] if len(mine) else mine
    if len(stuck):
        print(f"{task.library} {task.size}: not tried again, it did not finish before", flush=True)
        return False
    return True


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--libraries", nargs="+", choices=LIBRARIES, default=list(LIBRARIES))
    add("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    add("--seeds", nargs="+", type=int, default=[0, 1, 2], help="the largest size takes the first")
    add("--situations", nargs="+", choices=SITUATIONS, default=list(SITUATIONS))
    add(
        "--cold-every-seed",
        action="store_true",
        help="so that every warm fit repeats the one before it, data and all",
    )
    add("--no-refit", action="store_true", help="the same as leaving refit out of --situations")
    add("--draws", type=int, default=1000, help="a chain")
    add("--chains", type=int, default=4)
    add("--cores", type=int, default=2)
    add("--limit", type=float, default=1800.0, help="seconds a fit may take")
    add("--tune", type=int, default=1000, help=f"warm-up draws of {PYMC_MARKETING}")
    add("--target-accept", type=float, help=f"of {PYMC_MARKETING}; its own when left out")
    add("--adapt", type=int, default=500, help=f"adaptation draws of {MERIDIAN}")
    add("--burn-in", type=int, default=500, help=f"draws {MERIDIAN} drops after adaptation")
    add(
        "--knots",
        choices=("documented", "automatic", "default"),
        default="documented",
        help=f"knots of {MERIDIAN}: one a period, without geos 8 a year; its automatic "
        "selection; or its default, which is no time effect without geos",
    )
    add("--envs", type=Path, default=default_folder(), help="environments, data, caches")
    add("--out", type=Path, default=HERE, help="where the tables go")
    add("--chart", type=Path, default=CHART)
    add("--force", action="store_true", help="fit again what is there already")
    add("--summary", action="store_true", help="only the summary and the chart")
    add("--environments", action="store_true", help="only make the environments")
    options = parser.parse_args()
    options.envs = options.envs.expanduser().resolve()
    if options.no_refit:
        options.situations = [each for each in options.situations if each != REFIT]
    return options


def main() -> None:
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.environments:
        for library in options.libraries:
            print(f"{library}: {interpreter(library, options.envs)}")
        return
    if not options.summary:
        (options.out / "machine.json").write_text(
            json.dumps(machine(), indent=2) + "\n", encoding="utf-8"
        )
        for task in tasks(options):
            if wanted(task, read(options.out / "results.csv"), options):
                if task.cold:
                    for folder in caches(task, options.envs).values():
                        shutil.rmtree(folder, ignore_errors=True)
                record(task, options)
    summarise(options.out, options.chart)


if __name__ == "__main__":
    main()
