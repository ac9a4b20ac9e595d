"""Scenarios: dated spending ahead, with the prices and controls assumed around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.data.costs import loaded_cost
from mmm.dims import CHANNEL, GEO
from mmm.inference.fit import Fit
from mmm.results.controls import carried_controls, carried_words

QUARTER_WEEKS = 13.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A plan for H periods after the last observed one.

    media (H, G, C) exposure in its own units, spend (H, G, C) media money, cost (H, C) loaded
    money, controls (H, G, P), value_per_unit (H, G). `statements` says in words what was
    assumed. carried: controls that are carried forward, the others are given.
    """

    name: str
    dates: pd.DatetimeIndex
    media: np.ndarray
    spend: np.ndarray
    cost: np.ndarray
    controls: np.ndarray
    value_per_unit: np.ndarray
    statements: tuple[str, ...]
    carried: tuple[str, ...] = ()

    @property
    def periods(self) -> int:
        return len(self.dates)


def plan_horizon(fit: Fit) -> int:
    """Periods to plan: as the study says, else a quarter of a year (one period at least)."""
    stated = fit.study.plan.horizon
    return stated or max(1, round(QUARTER_WEEKS / fit.panel.weeks_per_period))


def as_is(fit: Fit, periods: int | None = None) -> Scenario:
    """Current spending repeated: the last `periods` periods once more, channel by channel.

    Controls are carried forward: see `mmm.results.controls`. Value per unit stays as it was last.
    """
    panel = fit.panel
    horizon = periods or plan_horizon(fit)
    observed = len(panel.dates)
    repeated = observed - horizon + np.arange(horizon)
    repeated = np.where(repeated < 0, repeated % observed, repeated)
    data = panel.dataset
    return Scenario(
        name="as is",
        dates=panel.future_dates(horizon),
        media=data["media"].values[repeated],
        spend=data["spend"].values[repeated],
        cost=loaded_cost(panel, fit.study.channels)
        .sum(GEO)
        .transpose(..., CHANNEL)
        .values[repeated],
        controls=carried_controls(panel, horizon).expected,
        value_per_unit=np.repeat(data["value_per_unit"].values[-1:], horizon, axis=0),
        statements=(
            "Spending in the next period repeats the last one."
            if horizon == 1
            else f"Spending in the next {horizon} periods repeats the last {horizon}.",
            *carried_words(panel, panel.controls),
        ),
        carried=panel.controls,
    )


def plan_table(fit: Fit, scenario: Scenario) -> pd.DataFrame:
    """`plan.csv`: date, geo, channel, spend, media, and both as they are today.

    Today's are those of `as_is` over the same periods. Channels without media spend have 0 in
    `spend` and their effort in `media`.
    """
    today = as_is(fit, scenario.periods)
    geos, channels = fit.panel.geos, fit.panel.channels
    index = pd.MultiIndex.from_product(
        [scenario.dates, geos, channels], names=["date", "geo", "channel"]
    )
    columns = {
        "spend": scenario.spend.ravel(),
        "spend_today": today.spend.ravel(),
        "media": scenario.media.ravel(),
        "media_today": today.media.ravel(),
    }
    return pd.DataFrame(columns, index=index).reset_index()
