"""What the parent and a worker agree on. Standard library and NumPy only: every environment
has them.

A worker is started with the path of a job file. It writes one `<situation>.json` a fit, beside
it the channel totals and the sampled parameters as arrays, and nothing else.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

MB = 1024.0 * 1024.0


@dataclass(frozen=True, slots=True)
class Job:
    """One process: fits of `situations` in order, the second and later ones are refits."""

    data: Path
    out: Path
    situations: tuple[str, ...]
    draws: int
    chains: int
    cores: int
    seed: int
    options: dict[str, object]

    @property
    def columns(self) -> dict:
        """Names of the data's columns and the truth."""
        return json.loads((self.data / "columns.json").read_text(encoding="utf-8"))

    def table(self, place: int) -> Path:
        """The data of the fit at `place` among the situations."""
        return self.data / ("data.csv" if place == 0 else "refit.csv")


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one fit. `totals_s` is what it takes to get from draws to channel totals; it
    is recorded, and no part of the total."""

    build_s: float
    compile_s: float
    sample_s: float
    totals_s: float


def read_job() -> Job:
    """The job named on the command line; keeps this process to the job's number of cores."""
    written = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    cores = int(written["cores"])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    return Job(
        data=Path(written["data"]),
        out=Path(written["out"]),
        situations=tuple(written["situations"]),
        draws=int(written["draws"]),
        chains=int(written["chains"]),
        cores=cores,
        seed=int(written["seed"]),
        options=dict(written["options"]),
    )


def peak_memory_mb() -> float:
    """Most resident memory of this program so far, in MB."""
    status = Path("/proc/self/status")
    if status.is_file():
        # ru_maxrss would count the parent's memory between fork and exec
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1024.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (MB if sys.platform == "darwin" else 1024.0)


def versions(packages: Sequence[str]) -> str:
    """`name version; name version` of the packages that are installed."""
    found = []
    for name in packages:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return "; ".join(found)


def write_fit(
    job: Job,
    situation: str,
    *,
    import_s: float,
    timing: Timing,
    channels: Sequence[str],
    totals: object,
    parameters: object,
    divergences: int,
    warm_up: int,
    packages: Sequence[str],
    settings: str,
) -> None:
    """Leaves one fit in the job's folder.

    `totals` (chain, draw, channel): contribution in the window, all geos together, in units of
    outcome. `parameters` (chain, draw, parameter): sampled parameters the library exposes.
    """
    import numpy as np

    row = {
        "import_s": import_s,
        "build_s": timing.build_s,
        "compile_s": timing.compile_s,
        "sample_s": timing.sample_s,
        "totals_s": timing.totals_s,
        "channels": list(channels),
        "divergences": int(divergences),
        "warm_up": int(warm_up),
        "peak_rss_mb": peak_memory_mb(),
        "versions": versions(packages),
        "settings": settings,
    }
    np.save(job.out / f"{situation}-totals.npy", np.asarray(totals, dtype=float))
    np.save(job.out / f"{situation}-parameters.npy", np.asarray(parameters, dtype=float))
    # last and by renaming: the parent takes the fit as finished when this file is there
    partial = job.out / f"{situation}.json.part"
    partial.write_text(json.dumps(row), encoding="utf-8")
    partial.rename(job.out / f"{situation}.json")


def stack_parameters(arrays: Sequence[object]) -> object:
    """Arrays (chain, draw, ...) as one (chain, draw, parameter)."""
    import numpy as np

    flat = [np.asarray(array, dtype=float) for array in arrays]
    return np.concatenate([array.reshape(*array.shape[:2], -1) for array in flat], axis=2)


class Clock:
    """Seconds since the last reading."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def read(self) -> float:
        now = time.perf_counter()
        seconds, self._last = now - self._last, now
        return seconds
