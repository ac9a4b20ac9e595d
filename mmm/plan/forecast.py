"""Forecast: the outcome under a scenario, by component, with its uncertainty."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from mmm.model.design import BaselineRows, baseline_rows, period_end
from mmm.plan.scenario import Scenario, as_is
from mmm.results.contributions import (
    Component,
    baseline_components,
    component_table,
    media_components,
    predictive_table,
)
from mmm.results.respond import Response, channel_effect
from mmm.results.summary import summarise


def forecast(response: Response, scenario: Scenario | None = None) -> pd.DataFrame:
    """`forecast.csv`: date, geo, component, kind, mean, p05, p50, p95 for the periods ahead.

    Component `outcome` of kind `total` is the prediction, noise included. The trend goes on
    walking with its own uncertainty; what past spending carries in is part of each channel.
    """
    plan = scenario or as_is(response.fit)
    dates, geos = plan.dates, response.fit.panel.geos
    tables = []
    expected = np.zeros((response.draws, len(geos), plan.periods))
    for component in _components(response, plan):
        expected += component.draws
        tables.append(component_table(component, dates, geos, summarise(component.draws)))
    tables.append(predictive_table(response, expected, dates, stream=4))
    return pd.concat(tables, ignore_index=True)


def _components(response: Response, plan: Scenario) -> Iterator[Component]:
    ahead = slice(-plan.periods, None)
    rows, walk = _rows_ahead(response, plan)
    for component in baseline_components(response, rows):
        draws = component.draws[:, :, ahead]
        if component.name == "trend":
            draws = draws + walk
        yield Component(component.name, component.kind, draws)
    media = np.concatenate([response.fit.panel.dataset["media"].values, plan.media])
    for component in media_components(response, media):
        yield Component(component.name, component.kind, component.draws[:, :, ahead])


def _rows_ahead(response: Response, plan: Scenario) -> tuple[BaselineRows, np.ndarray]:
    """Fitted baseline rows continued over the plan, and the trend's new steps (D, G, H)."""
    panel, density = response.fit.panel, response.density
    fitted = density.design.baseline
    dates = pd.DatetimeIndex(panel.dates.append(plan.dates))
    holidays = tuple(
        name.removeprefix("holidays: ")
        for name in fitted.shared_component
        if name.startswith("holidays: ")
    )
    rows = baseline_rows(
        density.spec, density.design.scaling, dates, period_end(panel, dates),
        np.concatenate([panel.dataset["controls"].values, plan.controls]), panel.controls,
        len(panel.dates), holidays,
    )  # fmt: skip
    new_shared = [name == "trend" for name in rows.shared_component]
    new_own = [name == "trend" for name in rows.own_component]
    for flags in (new_shared, new_own):
        first = [place for place, flag in enumerate(flags) if flag][: density.spec.knots]
        for place in first:
            flags[place] = False
    rng = np.random.default_rng([response.fit.study.inference.seed, 5])
    shared, own = np.array(new_shared, dtype=bool), np.array(new_own, dtype=bool)
    steps = rng.standard_normal((response.draws, int(shared.sum())))
    walk = np.zeros((response.draws, len(response.level), plan.periods))
    if shared.any():
        steps *= response.trend_scale[:, None]
        walk += np.einsum("dk,gkt->dgt", steps, rows.shared[:, shared, -plan.periods :])
    if own.any():
        steps = rng.standard_normal((response.draws, len(response.level), int(own.sum())))
        steps *= response.geo_trend_scale[:, None, None]
        walk += steps @ rows.own[own, -plan.periods :]
    kept = BaselineRows(
        own=rows.own[~own],
        shared=np.ascontiguousarray(rows.shared[:, ~shared]),
        own_component=fitted.own_component,
        shared_component=fitted.shared_component,
        own_sd=fitted.own_sd,
        shared_sd=fitted.shared_sd,
        own_group=fitted.own_group,
        shared_group=fitted.shared_group,
    )
    return kept, walk * response.level[None, :, None]


def incremental_value(response: Response, plan: Scenario, periods: int) -> np.ndarray:
    """Money of outcome that the plan causes against no marketing, (D, periods).

    The first period is the plan's first. Spending stops after the plan; its carry-over and its
    brand effect go on. What spending before the plan carries in is in neither side.
    """
    panel = response.fit.panel
    media = panel.dataset["media"].values
    geos, channels = media.shape[1:]
    length = max(periods, plan.periods)
    ahead = np.zeros((length, geos, channels))
    silent = np.concatenate([media, ahead])
    ahead[: plan.periods] = plan.media
    spending = np.concatenate([media, ahead])
    value = np.concatenate(
        [plan.value_per_unit, np.repeat(plan.value_per_unit[-1:], length - plan.periods, axis=0)]
    )
    total = np.zeros((response.draws, length))
    for channel in range(channels):
        with_it = channel_effect(response, channel, spending[:, :, channel]).total
        without = channel_effect(response, channel, silent[:, :, channel]).total
        difference = (with_it - without)[:, :, -length:]
        total += np.einsum("dgt,tg->dt", difference, value)
    return total[:, :periods]
