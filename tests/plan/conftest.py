"""Responses of a few draws around the prior's centre, to plan on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from mmm.config import Channel, DataSource, Outcome, PlanSettings, Study
from mmm.data.panel import Panel, build_panel
from mmm.inference.fit import Fit, posterior_dataset
from mmm.model.density import build_density, natural_values
from mmm.model.design import build_design
from mmm.model.graph import path_regressions
from mmm.model.spec import model_spec
from mmm.results.respond import Response, response

CHANNELS = (
    {"name": "tv", "role": "both", "costs": {"agency_fee": 0.1, "fixed_per_period": 50.0}},
    {"name": "search", "role": "tactical", "saturation": "michaelis_menten"},
    {"name": "posters", "role": "brand", "adstock": "weibull_pdf", "saturation": "root",
     "exposure": "posters_contacts"},
    {"name": "visits", "role": "tactical", "spend": None, "exposure": "hours",
     "costs": {"unit_cost": 4.0}},
)  # fmt: skip


def make_fit(
    channels: Sequence[Mapping[str, Any]] = CHANNELS,
    *,
    geos: int = 2,
    periods: int = 60,
    draws: int = 40,
    likelihood: str = "normal",
    spread: float = 0.3,
    seed: int = 0,
    active: float = 0.8,
    prices: Mapping[str, float] | None = None,
    paths: Sequence[Mapping[str, Any]] = (),
    **study: Any,
) -> Fit:
    """A fit whose one chain are `draws` values around the prior's centre, in every equation."""
    rng = np.random.default_rng(seed)
    names = [channel["name"] for channel in channels]
    shape = (periods, geos, len(channels))
    size = rng.lognormal(0.0, 0.4, geos)
    money = rng.gamma(4.0, 12.0, shape) * size[None, :, None] * (rng.random(shape) < active)
    buys = np.ones(len(channels))
    for index, channel in enumerate(channels):
        if channel.get("exposure"):
            buys[index] = 0.25 if channel.get("spend", "") is None else 3.0
    wave = 0.1 * np.sin(2 * np.pi * np.arange(periods) / 52)[:, None]
    outcome = 1000 * size * (1 + wave + rng.normal(0, 0.05, (periods, geos)))
    effort = np.array([channel.get("spend", "") is None for channel in channels])
    panel = build_panel(
        dates=pd.date_range("2022-01-03", periods=periods, freq="W-MON"),
        geos=[f"geo {g}" for g in range(geos)] if geos > 1 else ["national"],
        channels=names,
        controls=["price"],
        outcome=outcome,
        value_per_unit=np.full(outcome.shape, 2.0),
        spend=np.where(effort, 0.0, money),
        media=money * buys,
        control=rng.normal(3.0, 2.0, (periods, geos, 1)),
        population=None,
        frequency="W-MON",
        path_names=[path["name"] for path in paths],
        paths=size[None, :, None] * rng.gamma(20.0, 10.0, (periods, geos, len(paths))),
    )
    spends = [{"spend": f"{channel['name']}_spend", **channel} for channel in channels]
    made = Study(
        study="made",
        data=DataSource(date="date"),
        outcome=Outcome(column="outcome", kind="units"),
        channels=tuple(Channel(**channel) for channel in spends),
        controls=panel.controls,
        inference={"likelihood": likelihood},
        paths=[{"column": f"{path['name']}_column", **path} for path in paths],
        **{"plan": {"horizon": 6}, "finance": {"margin": 0.5, "horizon": 60}, **study},
    )

    def drawn(one: Study, on: Panel) -> xr.Dataset:
        spec = model_spec(one, on)
        density = build_density(spec, build_design(spec, on))
        point = density.centre() + spread * rng.normal(size=(draws, density.size))
        return posterior_dataset(density, natural_values(density, point[None]))

    fitted = {
        path.name: Fit(path.study, path.panel, drawn(path.study, path.panel), xr.Dataset(), {})
        for path in path_regressions(made, panel)
    }
    return Fit(made, panel, drawn(made, panel), xr.Dataset(), {}, paths=fitted)


class Make:
    """What tests make their responses with."""

    fit = staticmethod(make_fit)

    @staticmethod
    def response(*channels: Mapping[str, Any], **options: Any) -> Response:
        return response(make_fit(channels or CHANNELS, **options))

    @staticmethod
    def settings(**options: Any) -> PlanSettings:
        return PlanSettings(**{"horizon": 6, **options})


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()
