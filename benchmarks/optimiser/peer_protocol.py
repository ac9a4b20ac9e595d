"""What the comparison of optimisers and its workers agree on: standard library and NumPy only.

A worker is started with the path of a job file. It fits, plans twice and leaves `planned.json`
with times and plans (money by channel, or by channel and geo, over the horizon) and `curves.npz`
with its posterior of response curves. Then it waits for a line on standard input with the path of
a file of plans, and leaves what its own response function says of each in `valued.json`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "peers"))
"""Where the peers' models are set up."""

HORIZON = 13
LARGEST = 2.0
"""Upper bound of a channel, in multiples of its recent money; the lower one is nothing."""
LESS = 0.9
"""Budget of the second plan, as a part of the first one's."""


@dataclass(frozen=True, slots=True)
class Job:
    """One process: `data` as `benchmarks/peers/datasets.py` leaves it."""

    data: Path
    out: Path
    draws: int
    tune: int
    chains: int
    cores: int

    @property
    def columns(self) -> dict[str, Any]:
        return json.loads((self.data / "columns.json").read_text(encoding="utf-8"))


def read_job() -> Job:
    """The job named on the command line; keeps this process to the job's number of cores."""
    written = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: written["cores"]])
    return Job(
        **{**written, "data": Path(written["data"]), "out": Path(written["out"])},
    )


def leave(path: Path, content: object) -> None:
    """Writes JSON by renaming, so that a file that is there is whole."""
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(content), encoding="utf-8")
    partial.rename(path)


def leave_plans(
    job: Job,
    *,
    import_s: float,
    fit_s: float,
    first_s: float,
    again_s: float,
    plan: list[list[float]],
    today: list[list[float]],
    message: str,
) -> None:
    """What a worker found: times, the first plan and today's money, both (G, C)."""
    seconds = {"import_s": import_s, "fit_s": fit_s, "first_s": first_s, "again_s": again_s}
    leave(job.out / "planned.json", {**seconds, "plan": plan, "today": today, "message": message})


def leave_values(job: Job, value: Callable[[Any], float]) -> None:
    """Waits for the plans to value, and leaves what `value` says of each."""
    valued = {name: value(plan) for name, plan in asked_plans().items()}
    leave(job.out / "valued.json", valued)


def asked_plans() -> dict[str, Any]:
    """Waits for the plans to value; ends the process where none are asked for."""
    line = sys.stdin.readline().strip()
    if not line:
        raise SystemExit(0)
    return json.loads(Path(line).read_text(encoding="utf-8"))


def recent_money(frame: Any, columns: dict[str, Any]) -> Any:
    """Spend of the last `HORIZON` periods by geo and channel, a pandas table (G, C) in the order
    of the data's geos and of `columns["spend"]`; one row called 'all' without geos."""
    dates = sorted(frame[columns["date"]].unique())[-HORIZON:]
    recent = frame[frame[columns["date"]].isin(dates)]
    if columns["geo"]:
        return recent.groupby(columns["geo"])[columns["spend"]].sum()
    return recent[columns["spend"]].sum().to_frame("all").T
