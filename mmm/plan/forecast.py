"""Forecast: the outcome under a scenario, by component, with its uncertainty."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmm.plan.buying import bought_ahead
from mmm.plan.scenario import Scenario, as_is
from mmm.results.ahead import (
    Continued,
    baseline_walk,
    continued,
    control_walks,
    trend_walk,
)
from mmm.results.blocks import by_geo
from mmm.results.contributions import (
    Part,
    component_table,
    outcome_components,
    predictive,
)
from mmm.results.controls import carried_controls
from mmm.results.held import held_paths
from mmm.results.noise import noise_of_total, noisy_total
from mmm.results.outcome import (
    Held,
    baseline_predictor,
    caused_outcome,
    expected_outcome,
    media_predictor,
    whole_outcome,
)
from mmm.results.prices import Media, media_of
from mmm.results.respond import Response, channel_effect
from mmm.results.summary import summarise

NOISE = 4
"""The stream of the noise ahead: whatever is said of a plan's outcome has the same."""


def forecast(response: Response, scenario: Scenario | None = None) -> pd.DataFrame:
    """`forecast.csv`: date, geo, component, kind, mean, p05, p50, p95 for the periods ahead.

    Component `outcome` of kind `total` is the prediction, noise included. The trend goes on
    walking with its own uncertainty, and so do controls that are carried forward and prices that
    are drawn; what past spending carries in is part of each channel.
    """
    plan = scenario or as_is(response.fit)
    ahead, media = _ahead(response, plan)

    def block(some: Response) -> list[Part]:
        expected = np.zeros((some.draws, len(some.places), plan.periods))
        parts = []
        walk, moved = trend_walk(some, ahead), control_walks(some, ahead)
        held = _held(some, plan)
        for component in outcome_components(some, ahead.rows, media, walk, held, moved):
            expected += component.draws
            parts.append(Part(component.name, component.kind, summarise(component.draws)))
        return [*parts, Part("outcome", "total", predictive(some, expected, stream=NOISE))]

    blocks = by_geo(response, len(media), block)
    return pd.concat(
        [
            component_table(
                parts[0].name,
                parts[0].kind,
                plan.dates,
                response.fit.panel.geos,
                np.concatenate([part.numbers for part in parts], axis=1),
            )
            for parts in zip(*blocks, strict=True)
        ],
        ignore_index=True,
    )


def outcome_ahead(response: Response, plan: Scenario) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcome over the plan's periods, all geos together, baseline included: as expected, as
    predicted, the noise of `forecast` included, and that noise's standard deviation, each (D,)."""
    ahead, media = _ahead(response, plan)

    def block(some: Response) -> np.ndarray:
        held = _held(some, plan)
        walk = baseline_walk(some, ahead)
        predictor = baseline_predictor(some, ahead.rows, walk, held)
        predictor += media_predictor(some, media, plan.periods)
        expected = expected_outcome(some, predictor)
        noisy = noisy_total(some, expected, stream=NOISE)
        variance = noise_of_total(some, expected) ** 2
        return np.stack([expected.sum(axis=(1, 2)), noisy.sum(axis=1), variance])

    expected, predicted, variance = np.sum(by_geo(response, len(media), block), axis=0)
    return expected, predicted, np.sqrt(variance)


def _ahead(response: Response, plan: Scenario) -> tuple[Continued, Media]:
    """The baseline over the plan's periods, and media of the window and of the plan."""
    ahead = continued(response, plan.dates, plan.controls, plan.carried).last(plan.periods)
    planned = np.concatenate([response.fit.panel.dataset["media"].values, plan.media])
    return ahead, bought_ahead(response, planned, plan.periods, plan.drawn)


def _held(response: Response, plan: Scenario) -> Held:
    """What no channel moves of the paths over the plan's periods, their noise included."""
    if not response.paths:
        return None
    return held_paths(response, plan.dates, plan.controls, plan.carried, noise=True)


def incremental_value(response: Response, plan: Scenario, periods: int) -> np.ndarray:
    """Money of outcome that the plan causes against no marketing, (D, periods).

    The first period is the plan's first. Spending stops after the plan; its carry-over and its
    brand effect go on. What spending before the plan carries in is in neither side.
    """
    media = response.fit.panel.dataset["media"].values
    geos, channels = media.shape[1:]
    length = max(periods, plan.periods)
    planned = np.zeros((length, geos, channels))
    silent = np.concatenate([media, planned])
    planned[: plan.periods] = plan.media
    spending = bought_ahead(response, np.concatenate([media, planned]), plan.periods, plan.drawn)
    later = length - plan.periods
    value = np.concatenate(
        [plan.value_per_unit, np.repeat(plan.value_per_unit[-1:], later, axis=0)]
    )
    dates, controls = _after_plan(response, plan, later)
    ahead = None
    if response.multiplicative:
        ahead = continued(response, dates, controls, plan.carried).last(length)

    def block(some: Response) -> np.ndarray:
        whole = None
        if ahead is not None:
            held = held_paths(some, dates, controls, plan.carried) if some.paths else None
            whole = whole_outcome(some, ahead.rows, spending, baseline_walk(some, ahead), held)
        change = np.zeros((some.draws, len(some.places), length))
        for channel in range(channels):
            for sign, plans in ((1.0, spending), (-1.0, silent)):
                effect = channel_effect(some, channel, media_of(some, plans, channel))
                change += sign * effect.passing[:, :, -length:]
                change += sign * effect.brand[:, :, -length:]
        caused = caused_outcome(change, whole)
        return np.einsum("dgt,tg->dt", caused, value[:, some.places])

    return np.sum(by_geo(response, len(spending), block), axis=0)[:, :periods]


def change_ahead(response: Response, plan: Scenario, channel: int, periods: int) -> np.ndarray:
    """What the plan for one channel adds to the predictor of no spending on it in `periods` from
    its first, (D, G, periods)."""
    window = response.fit.panel.dataset["media"].values
    silent = np.concatenate([window, np.zeros((periods, *window.shape[1:]))])
    reach = min(periods, plan.periods)
    spent = silent.copy()
    spent[len(window) : len(window) + reach] = plan.media[:reach]
    change = np.zeros((response.draws, len(response.places), periods))
    for sign, whole in ((1.0, bought_ahead(response, spent, reach, plan.drawn)), (-1.0, silent)):
        effect = channel_effect(response, channel, media_of(response, whole, channel))
        change += sign * effect.total[:, :, -periods:]
    return change


def _after_plan(
    response: Response, plan: Scenario, later: int
) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """Dates of the plan and of `later` periods after it, and their controls, carried on."""
    panel = response.fit.panel
    controls = carried_controls(panel, plan.periods + later).expected
    controls[: plan.periods] = plan.controls
    return panel.future_dates(plan.periods + later), controls
