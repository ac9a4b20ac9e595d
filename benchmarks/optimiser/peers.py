"""Plans of this library beside those of PyMC-Marketing's and Meridian's optimisers.

    python benchmarks/optimiser/peers.py

On the same data each library fits with few draws, then divides the same money over the same 13
weeks, from nothing to twice the recent money of each channel, for the posterior mean of outcome.
`peers.csv` has a row a library, size and situation: seconds from a fitted model in memory to the
finished plan, set-up and compilation included (`first_s`; cold: with empty compile caches), and to
a second plan with a tenth less money (`again_s`).

What plans are worth is compared on one posterior and one response function at a time, the peer's.
Its draws of adstock, saturation and effect are put into this library's curves, this library's
solver takes the peer's decisions on them, and both plans are valued by the peer's own code, in the
process that fitted. `peers_value.csv`: `apart` is how far this library's number for the peer's plan
is from the peer's own, relative; `gain` how much more our plan brings than the peer's by the peer's
own code, relative to what the peer's plan brings against no spending; `solve_s` our solver's time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from peer_curves import meridian_channels, our_plan, peer_problem, pymc_marketing_channels
from peer_protocol import HORIZON

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "peers"))

from datasets import SIZES, make_dataset  # noqa: E402
from environments import MERIDIAN, MMM, PYMC_MARKETING, default_folder, interpreter  # noqa: E402

WORKERS = {
    MMM: "peer_mmm.py",
    PYMC_MARKETING: "peer_pymc_marketing.py",
    MERIDIAN: "peer_meridian.py",
}
MAPPED = {PYMC_MARKETING: pymc_marketing_channels, MERIDIAN: meridian_channels}
COLD, WARM = "cold", "warm"


def environment(library: str, size: str, root: Path, *, empty: bool) -> dict[str, str]:
    """Environment of a worker with compile caches of its own."""
    folder = root / "work" / "plan-caches" / library.lower() / size
    if empty:
        shutil.rmtree(folder, ignore_errors=True)
    for name in ("pytensor", "numba", "jax"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return kept | {
        "PYTHONPATH": str(HERE.parents[1]) if library == MMM else "",
        "PYTENSOR_FLAGS": f"base_compiledir={folder / 'pytensor'}",
        "NUMBA_CACHE_DIR": str(folder / "numba"),
        "JAX_COMPILATION_CACHE_DIR": str(folder / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }


@contextmanager
def worker(
    library: str, data: Path, out: Path, env: dict[str, str], options: argparse.Namespace
) -> Iterator[subprocess.Popen[str]]:
    """A worker that has planned and waits for plans to value."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    job = {name: getattr(options, name) for name in ("draws", "tune", "chains", "cores")}
    (out / "job.json").write_text(json.dumps(job | {"data": str(data), "out": str(out)}))
    command = [str(interpreter(library, options.envs)), str(HERE / WORKERS[library])]
    with (out / "log.txt").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [*command, str(out / "job.json")],
            env=env, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            await_file(out / "planned.json", process, options.limit)
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def await_file(path: Path, process: subprocess.Popen[str], limit: float) -> None:
    """Waits until a worker has left `path`. Raises RuntimeError where it ends or takes longer."""
    ends = time.monotonic() + limit
    while not path.is_file():
        if time.monotonic() > ends:
            raise RuntimeError(f"{path} did not come within {limit:.0f} s")
        if process.poll() is not None and not path.is_file():
            raise RuntimeError(f"the worker ended without {path}: see {path.parent / 'log.txt'}")
        time.sleep(0.2)


def valued(library: str, process: subprocess.Popen[str], out: Path) -> dict[str, float]:
    """Our plan on the peer's posterior against the peer's, both by the peer's own code."""
    left = np.load(out / "curves.npz")
    planned = json.loads((out / "planned.json").read_text(encoding="utf-8"))
    theirs, today = np.array(planned["plan"]), np.array(planned["today"])
    channels = MAPPED[library](left)
    flat = library == PYMC_MARKETING
    # every cell is a decision of its own there, and a channel here
    shape = (1, -1) if flat else theirs.shape
    started = time.perf_counter()
    task = peer_problem(channels, today.reshape(shape), int(left["periods"]), theirs.reshape(shape))
    ours = our_plan(task).reshape(theirs.shape)
    solve_s = time.perf_counter() - started
    plans = {"theirs": theirs, "ours": ours, "today": today, "nothing": 0.0 * today}
    asked = out / "plans.json"
    asked.write_text(json.dumps({name: plan.tolist() for name, plan in plans.items()}))
    assert process.stdin is not None
    process.stdin.write(f"{asked}\n")
    process.stdin.flush()
    await_file(out / "valued.json", process, 600.0)
    found = json.loads((out / "valued.json").read_text(encoding="utf-8"))
    worth = {name: found[name] - found["nothing"] for name in plans}
    spread = np.repeat(theirs.reshape(shape)[None] / HORIZON, HORIZON, axis=0)
    here = (task.valuation.of_money(spread) - task.valuation.of_money(0.0 * spread)).mean()
    return {
        "draws": task.valuation.draws,
        "decisions": task.levers.size,
        "budget": float(theirs.sum()),
        "budget_asked": float(today.sum()),
        "theirs": worth["theirs"],
        "ours": worth["ours"],
        "today": worth["today"],
        "apart": here / worth["theirs"] - 1.0,
        "gain": worth["ours"] / worth["theirs"] - 1.0,
        "moved": float(np.abs(ours - theirs).sum() / 2.0 / theirs.sum()),
        "solve_s": solve_s,
    }


def keep(path: Path, keys: dict[str, str], found: dict[str, float], digits: str) -> None:
    """Writes a row into the table at `path`, in place of the one with the same keys."""
    print(keys | found, flush=True)
    row = pd.DataFrame([keys | found])
    if path.is_file():
        table = pd.read_csv(path)
        same = pd.Series(True, index=table.index)
        for name, value in keys.items():
            same &= table[name] == value
        row = pd.concat([table[~same], row], ignore_index=True)
    row.to_csv(path, index=False, float_format=digits)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--sizes", nargs="+", choices=list(SIZES), default=["1x104x4", "2x131x6"])
    add("--libraries", nargs="+", choices=list(WORKERS), default=list(WORKERS))
    add("--situations", nargs="+", choices=(COLD, WARM), default=[COLD, WARM])
    add("--seed", type=int, default=0)
    add("--draws", type=int, default=250, help="a chain")
    add("--tune", type=int, default=250)
    add("--chains", type=int, default=2)
    add("--cores", type=int, default=2)
    add("--limit", type=float, default=900.0, help="seconds a fit and its plans may take")
    add("--envs", type=Path, default=default_folder(), help="environments, data, caches")
    add("--out", type=Path, default=HERE)
    options = parser.parse_args()
    for size in options.sizes:
        data = make_dataset(size, options.seed, options.envs / "work" / "data")
        for library in options.libraries:
            for situation in options.situations:
                out = options.envs / "work" / "plans" / f"{library.lower()}-{size}-{situation}"
                env = environment(library, size, options.envs, empty=situation == COLD)
                keys = {"library": library, "size": size}
                with worker(library, data, out, env, options) as process:
                    planned = json.loads((out / "planned.json").read_text(encoding="utf-8"))
                    row = {name: planned[f"{name}_s"] for name in ("fit", "first", "again")}
                    seconds = {f"{name}_s": value for name, value in row.items()}
                    where = keys | {"situation": situation}
                    keep(options.out / "peers.csv", where, seconds, "%.4g")
                    if library in MAPPED and situation == options.situations[-1]:
                        found = valued(library, process, out)
                        keep(options.out / "peers_value.csv", keys, found, "%.6g")


if __name__ == "__main__":
    main()
