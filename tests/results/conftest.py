"""Responses of a few draws around the prior's centre, on small panels of every kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from mmm.config import Channel, DataSource, Outcome, Study
from mmm.data.panel import Panel, build_panel
from mmm.inference.fit import Fit, posterior_dataset
from mmm.model.density import build_density, natural_values
from mmm.model.design import build_design
from mmm.model.graph import path_regressions
from mmm.model.spec import model_spec
from mmm.results.respond import Response, response

CHANNELS = (
    {"name": "tv", "role": "both", "costs": {"agency_fee": 0.1, "fixed_per_period": 500.0}},
    {"name": "search", "role": "tactical", "saturation": "none"},
    {"name": "posters", "role": "brand", "adstock": "weibull_pdf", "saturation": "root"},
)


def make_fit(
    channels: Sequence[Mapping[str, Any]] = CHANNELS,
    *,
    geos: int = 3,
    periods: int = 60,
    draws: int = 20,
    frequency: str = "W-MON",
    start: str = "2022-01-03",
    likelihood: str = "normal",
    spent_in: slice = slice(None),
    spread: float = 0.3,
    seed: int = 0,
    **study: Any,
) -> Fit:
    """A fit whose one chain are `draws` values around the prior's centre. Media is spent in the
    periods `spent_in` only."""
    rng = np.random.default_rng(seed)
    shape = (periods, geos, len(channels))
    media = np.zeros(shape)
    drawn = rng.gamma(2.0, 50.0, shape) * (rng.random(shape) < 0.7)
    media[spent_in] = drawn[spent_in]
    size = rng.lognormal(0.0, 0.5, geos)
    wave = 0.1 * np.sin(2 * np.pi * np.arange(periods) / 52)[:, None]
    outcome = 1000 * size * (1 + wave + rng.normal(0, 0.05, (periods, geos)))
    panel = build_panel(
        dates=pd.date_range(start, periods=periods, freq=frequency),
        geos=[f"geo {g}" for g in range(geos)] if geos > 1 else ["national"],
        channels=[channel["name"] for channel in channels],
        controls=["price"],
        outcome=outcome,
        value_per_unit=rng.uniform(1.0, 3.0, outcome.shape),
        spend=2.0 * media,
        media=media,
        control=rng.normal(3.0, 2.0, (periods, geos, 1)),
        population=None,
        frequency=frequency,
    )
    made = Study(
        study="made",
        data=DataSource(date="date"),
        outcome=Outcome(column="outcome", kind="units"),
        channels=tuple(Channel(spend=f"{c['name']}_spend", **c) for c in channels),
        controls=panel.controls,
        inference={"likelihood": likelihood},
        **study,
    )
    return Fit(made, panel, posterior_around_centre(made, panel, draws, spread, rng),
               xr.Dataset(), {})  # fmt: skip


def posterior_around_centre(
    study: Study, panel: Panel, draws: int, spread: float, rng: np.random.Generator
) -> xr.Dataset:
    spec = model_spec(study, panel)
    density = build_density(spec, build_design(spec, panel))
    point = density.centre() + spread * rng.normal(size=(draws, density.size))
    return posterior_dataset(density, natural_values(density, point[None]))


class Make:
    """What tests make their responses with."""

    fit = staticmethod(make_fit)

    @staticmethod
    def response(*channels: Mapping[str, Any], **options: Any) -> Response:
        return response(make_fit(channels or CHANNELS, **options))


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()


@pytest.fixture(scope="session", params=["normal", "student_t", "lognormal"])
def any_read(request: pytest.FixtureRequest) -> Response:
    """Three geos, three channels of different kinds, each likelihood in turn."""
    touchpoint = {"name": "word of mouth", "share": (0.0, 0.05)}
    return Make.response(likelihood=request.param, unmeasured=[touchpoint])


def make_mediated(
    paths: Sequence[Mapping[str, Any]],
    channels: Sequence[Mapping[str, Any]] = CHANNELS,
    *,
    bought: str | None = None,
    likelihood: str = "normal",
    geos: int = 2,
    periods: int = 60,
    draws: int = 12,
    spread: float = 0.3,
    seed: int = 0,
) -> Fit:
    """A fit with paths, each regression's draws around its prior's centre; the path `bought` is
    the media of the last channel."""
    rng = np.random.default_rng(seed)
    shape = (periods, geos, len(channels))
    media = rng.gamma(2.0, 50.0, shape) * (rng.random(shape) < 0.7)
    size = rng.lognormal(0.0, 0.5, geos)
    series = size[None, :, None] * rng.gamma(20.0, 10.0, (periods, geos, len(paths)))
    columns = {path["name"]: f"{path['name']}_column" for path in paths}
    last = {"spend": f"{channels[-1]['name']}_spend"}
    if bought:
        place = [path["name"] for path in paths].index(bought)
        media[:, :, -1] = series[:, :, place]
        last["exposure"] = columns[bought]
    outcome = 1000 * size * (1 + rng.normal(0, 0.05, (periods, geos)))
    panel = build_panel(
        dates=pd.date_range("2022-01-03", periods=periods, freq="W-MON"),
        geos=[f"geo {g}" for g in range(geos)] if geos > 1 else ["national"],
        channels=[channel["name"] for channel in channels],
        controls=["price"],
        outcome=outcome,
        value_per_unit=rng.uniform(1.0, 3.0, outcome.shape),
        spend=2.0 * media,
        media=media,
        control=rng.normal(3.0, 2.0, (periods, geos, 1)),
        population=None,
        frequency="W-MON",
        path_names=list(columns),
        paths=series,
    )
    plain = [Channel(spend=f"{c['name']}_spend", **c) for c in channels[:-1]]
    study = Study(
        study="mediated",
        data=DataSource(date="date"),
        outcome=Outcome(column="outcome", kind="units"),
        channels=(*plain, Channel(**last, **channels[-1])),
        controls=panel.controls,
        inference={"likelihood": likelihood},
        paths=[{"column": columns[path["name"]], **path} for path in paths],
    )

    def drawn(one: Study, on: Panel) -> xr.Dataset:
        return posterior_around_centre(one, on, draws, spread, rng)

    fitted = {
        path.name: Fit(path.study, path.panel, drawn(path.study, path.panel), xr.Dataset(), {})
        for path in path_regressions(study, panel)
    }
    return Fit(study, panel, drawn(study, panel), xr.Dataset(), {}, paths=fitted)


GRAPHS: dict[str, dict[str, Any]] = {
    "mediator": {"paths": [{"name": "visits", "drivers": ["tv", "posters"]}]},
    "drifting mediator": {"paths": [{"name": "visits", "time_varying": True}]},
    "bought mediator": {
        "paths": [{"name": "clicks", "drivers": ["tv"]}, {"name": "visits", "drivers": ["tv"]}],
        "channels": [*CHANNELS[:2], {"name": "paid", "role": "both"}],
        "bought": "clicks",
    },
    "funnel": {
        "paths": [
            {"name": "bookings", "lag": {"median": 2, "max": 6}, "direct": False},
            {"name": "leads", "feeds": "pipeline", "direct": False},
            {"name": "pipeline", "feeds": "bookings", "lag": {"median": 3, "max": 8}},
        ],
    },
    "funnel and bought mediator": {
        "paths": [
            {"name": "clicks", "drivers": ["tv"]},
            {"name": "leads", "drivers": ["search", "paid"], "lag": {"median": 2, "max": 6}},
        ],
        "channels": [*CHANNELS[:2], {"name": "paid", "role": "tactical"}],
        "bought": "clicks",
    },
}
"""Graphs of every kind: what a study with paths may look like."""


@pytest.fixture(scope="session", params=list(GRAPHS))
def graph(request: pytest.FixtureRequest) -> Response:
    return response(make_mediated(**GRAPHS[request.param]))


@pytest.fixture(scope="session")
def mediated() -> Callable[..., Response]:
    """The response of a graph of that name, with changes."""

    def made(name: str, **changes: Any) -> Response:
        return response(make_mediated(**{**GRAPHS[name], **changes}))

    return made
