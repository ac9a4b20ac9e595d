"""A small valid study of each shape: national and geo, as data frames."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmm.config import Study

NATIONAL = {
    "study": "shop",
    "data": {"file": "data.csv", "date": "week"},
    "outcome": {"column": "revenue", "kind": "revenue"},
    "channels": [
        {"name": "tv", "spend": "tv_spend", "exposure": "tv_grps", "role": "both"},
        {"name": "search", "spend": "search_spend", "role": "tactical"},
    ],
    "controls": ["price"],
}
GEO = {
    **NATIONAL,
    "data": {"file": "data.csv", "date": "week", "geo": "region", "population": "people"},
    "outcome": {"column": "orders", "kind": "units", "value_per_unit": "basket"},
}


def national_frame(periods: int = 104) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    tv = rng.uniform(100, 200, periods).round(2)
    return pd.DataFrame(
        {
            "week": pd.date_range("2022-01-03", periods=periods, freq="W-MON"),
            "revenue": rng.normal(10_000, 500, periods).round(2),
            "tv_spend": tv,
            "tv_grps": (tv * rng.uniform(0.8, 1.2, periods)).round(2),
            "search_spend": rng.uniform(20, 80, periods).round(2),
            "price": rng.normal(10, 1, periods).round(2),
        }
    )


def geo_frame(periods: int = 60) -> pd.DataFrame:
    parts = []
    for index, region in enumerate(("north", "south", "west")):
        part = national_frame(periods).rename(columns={"revenue": "orders"})
        part.insert(1, "region", region)
        number = part.columns[2:]
        part[number] = part[number].sample(frac=1.0, random_state=index).to_numpy() * (index + 1)
        parts.append(part.assign(people=1000 * (index + 1), basket=2.5 + index))
    return pd.concat(parts, ignore_index=True)


def make_study(content: dict, **changes) -> Study:
    return Study.model_validate({**content, **changes})


@pytest.fixture
def national() -> tuple[Study, pd.DataFrame]:
    return make_study(NATIONAL), national_frame()


@pytest.fixture
def by_geo() -> tuple[Study, pd.DataFrame]:
    return make_study(GEO), geo_frame()
