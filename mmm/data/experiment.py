"""An experiment: what a controlled test of channels measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Experiment:
    """One test of one channel or of several pooled, from `start` to `end`, its outcome measured
    to `until`; the periods that hold these dates count whole.

    `geos` is empty where all were tested. `spend_change` is media money over the whole test,
    negative where spending was cut; `lift` the outcome caused by it, in units of outcome, and
    `standard_error` its own, which `mismatch` inflates. `prices` is money per unit of media, one
    a channel. `in_data` says that what is recorded already has the change in it. `hold_back`
    keeps the test out of the likelihood, to be predicted and scored.
    """

    name: str
    channels: tuple[str, ...]
    geos: tuple[str, ...]
    start: date
    end: date
    until: date
    spend_change: float
    lift: float
    standard_error: float
    prices: tuple[float, ...]
    mismatch: float = 1.0
    in_data: bool = False
    hold_back: bool = False


def experiments_to_json(experiments: Sequence[Experiment]) -> str:
    """Experiments as JSON that reads back as equal."""
    return json.dumps([asdict(one) for one in experiments], default=date.isoformat)


def experiments_from_json(text: str) -> tuple[Experiment, ...]:
    """The inverse of `experiments_to_json`."""
    found = []
    for row in json.loads(text):
        days = {key: date.fromisoformat(row[key]) for key in ("start", "end", "until")}
        lists = {key: tuple(row[key]) for key in ("channels", "geos", "prices")}
        found.append(Experiment(**(row | days | lists)))
    return tuple(found)
