"""A small valid study of each shape, as the files a user would have."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

NATIONAL: dict[str, Any] = {
    "study": "shop",
    "data": {"file": "data.csv", "date": "week"},
    "outcome": {"column": "revenue", "kind": "revenue"},
    "channels": [
        {"name": "tv", "spend": "tv_spend", "exposure": "tv_grps", "role": "both"},
        {"name": "search", "spend": "search_spend", "role": "tactical"},
    ],
    "controls": ["price"],
}


def _series(periods: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    tv = rng.uniform(100, 200, periods)
    return {
        "revenue": rng.normal(10_000, 500, periods),
        "tv_spend": tv,
        "tv_grps": tv * rng.uniform(0.8, 1.2, periods),
        "search_spend": rng.uniform(20, 80, periods),
        "price": rng.normal(10, 1, periods),
    }


def _frame(geos: list[str], periods: int) -> pd.DataFrame:
    weeks = pd.date_range("2023-01-02", periods=periods, freq="W-MON").strftime("%Y-%m-%d")
    parts = []
    for index, geo in enumerate(geos):
        columns = pd.DataFrame(_series(periods, 11 + index)).map("{:.2f}".format)
        columns.insert(0, "week", weeks)
        parts.append(columns.assign(region=geo, people=str(1000 * (index + 1)), basket="2.5"))
    return pd.concat(parts, ignore_index=True).astype(object)


@pytest.fixture
def study_dir(tmp_path: Path) -> Callable[..., Path]:
    """Writes a study directory, its content and cells changed by `edits`; the study file.

    `by_geo` gives two geos instead of none. An edit takes the study as a dict and the cells
    as a frame of text, and returns the frame.
    """

    def write(*edits: Callable[[dict, pd.DataFrame], pd.DataFrame], by_geo: bool = False) -> Path:
        study = deepcopy(NATIONAL)
        frame = _frame(["north", "south"], 60) if by_geo else _frame(["all"], 80)
        if by_geo:
            study["data"] |= {"geo": "region", "population": "people"}
            study["outcome"] |= {"kind": "units", "value_per_unit": "basket"}
        for edit in edits:
            frame = edit(study, frame)
        frame.to_csv(tmp_path / "data.csv", index=False)
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
        return path

    return write
