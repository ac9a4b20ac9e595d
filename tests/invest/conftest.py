"""A small fit of a few draws around the prior's centre, made without sampling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from mmm.config import Channel, DataSource, Outcome, Study
from mmm.data.panel import build_panel
from mmm.inference.fit import Fit, posterior_dataset
from mmm.model.density import build_density, natural_values
from mmm.model.design import build_design
from mmm.model.spec import model_spec

CHANNELS = (
    {"name": "tv", "role": "both", "costs": {"agency_fee": 0.1, "fixed_per_period": 200.0}},
    {"name": "search", "role": "tactical"},
)


def small_fit(
    channels: tuple[dict[str, Any], ...] = CHANNELS, *, kind: str = "revenue", **study: Any
) -> Fit:
    """60 weeks, two geos; `study` adds blocks. Spending costs about a fifth of outcome."""
    rng = np.random.default_rng(4)
    shape = (60, 2, len(channels))
    media = rng.gamma(2.0, 40.0, shape)
    outcome = 1000 * (1 + rng.normal(0, 0.05, shape[:2]))
    panel = build_panel(
        dates=pd.date_range("2024-01-01", periods=60, freq="W-MON"),
        geos=["north", "south"],
        channels=[channel["name"] for channel in channels],
        controls=[],
        outcome=outcome,
        value_per_unit=np.full(outcome.shape, 2.0),
        spend=media,
        media=media,
        control=np.zeros((*outcome.shape, 0)),
        population=None,
        frequency="W-MON",
    )
    made = Study(
        study="small",
        data=DataSource(date="date"),
        outcome=Outcome(column="outcome", kind=kind, currency="EUR", value_per_unit=2.0),
        channels=tuple(Channel(spend=f"{c['name']}_spend", **c) for c in channels),
        **study,
    )
    spec = model_spec(made, panel)
    density = build_density(spec, build_design(spec, panel))
    point = density.centre() + 0.4 * rng.normal(size=(200, density.size))
    posterior = posterior_dataset(density, natural_values(density, point[None]))
    return Fit(made, panel, posterior, xr.Dataset(), {})


@pytest.fixture(scope="session")
def make_fit() -> Callable[..., Fit]:
    return small_fit


@pytest.fixture(scope="session")
def fitted() -> Fit:
    finance = {
        "margin": 0.4,
        "discount_rate": 0.09,
        "tax_rate": 0.25,
        "payment_delay": 2,
        "horizon": 104,
    }
    return small_fit(finance=finance, plan={"horizon": 8})
