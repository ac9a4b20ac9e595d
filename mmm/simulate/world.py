"""A simulated world: its study, its data and its truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from mmm.config import Study


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Data as a study would find it, beside what caused it.

    `frame`: one row a date and geo, ready to be written as CSV. `components`: the outcome
    taken apart, one row for each row of `frame`, columns `baseline` (all that is not
    marketing, controls included), `CHANNEL:tactical`, `CHANNEL:brand` and `noise`; a
    row's columns add up to its outcome. `truth`: totals and parameters, JSON-able.
    """

    name: str
    study: Study
    frame: pd.DataFrame
    components: pd.DataFrame
    truth: dict[str, Any]
