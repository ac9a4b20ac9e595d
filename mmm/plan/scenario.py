"""Scenarios: dated spending ahead, with the prices and controls assumed around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from mmm.data.costs import variable_cost_rate
from mmm.errors import Finding
from mmm.inference.fit import Fit
from mmm.plan.buying import QUARTER_WEEKS, bought
from mmm.results.controls import carried_controls, carried_words

DUST = 1e-9
"""Money of a period below this part of the channel's largest is rounding, and nothing is spent."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A plan for H periods after the last observed one.

    media (H, G, C) exposure in its own units, spend (H, G, C) media money, cost (H, C) loaded
    money (see `cost_of`), controls (H, G, P), value_per_unit (H, G). `statements` says in words
    what was assumed. carried: controls that are carried forward, the others are given. given:
    stated prices of a unit of exposure by channel; drawn: of the channels whose price is drawn
    ahead, the price at which `media` is bought; bought: statements on either. findings: what is
    to be known of the file it was read from.
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
    given: Mapping[str, float] = field(default_factory=dict)
    drawn: Mapping[str, float] = field(default_factory=dict)
    bought: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def periods(self) -> int:
        return len(self.dates)


def plan_horizon(fit: Fit) -> int:
    """Periods to plan: as the study says, else a quarter of a year (one period at least)."""
    stated = fit.study.plan.horizon
    return stated or max(1, round(QUARTER_WEEKS / fit.panel.weeks_per_period))


def as_is(
    fit: Fit, periods: int | None = None, prices: Mapping[str, float] | None = None
) -> Scenario:
    """Current spending repeated: the last `periods` periods once more, channel by channel.

    Controls are carried forward: see `mmm.results.controls`. Value per unit stays as it was last.
    A unit of exposure costs what `prices` state by channel (the study's where left out), else
    what it did recently, drawn ahead as `mmm.results.prices` says.
    """
    panel = fit.panel
    horizon = periods or plan_horizon(fit)
    repeated = repeated_periods(fit, horizon)
    data = panel.dataset
    usual = Scenario(
        name="as is",
        dates=panel.future_dates(horizon),
        media=data["media"].values[repeated],
        spend=data["spend"].values[repeated],
        cost=cost_of(fit, data["media"].values[repeated], data["spend"].values[repeated]),
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
    return with_prices(fit, usual, fit.study.plan.prices if prices is None else prices)


def running(spent: np.ndarray) -> np.ndarray:
    """When the fixed cost of each channel runs, (H, C): from the plan's first period to the last
    one in which the channel is spent on, never where it is not. spent (H, C) is money, or effort,
    of all geos; `DUST` of the channel's largest period is nothing."""
    on = spent > DUST * spent.max(axis=0, initial=0.0)
    return np.flip(np.logical_or.accumulate(np.flip(on, axis=0), axis=0), axis=0)


def cost_of(fit: Fit, media: np.ndarray, spend: np.ndarray) -> np.ndarray:
    """Loaded money (H, C) of media and spend (H, G, C), fixed cost while it is `running`."""
    base = np.stack(
        [
            (media if channel.spend is None else spend)[:, :, index].sum(axis=1)
            for index, channel in enumerate(fit.study.channels)
        ],
        axis=1,
    )
    rates = np.array([variable_cost_rate(channel) for channel in fit.study.channels])
    fixed = np.array([channel.costs.fixed_per_period for channel in fit.study.channels])
    return base * rates + fixed * running(base)


def money_of(fit: Fit, media: np.ndarray, spend: np.ndarray) -> np.ndarray:
    """Money (T, G, C): media spend, and effort at its unit cost."""
    columns = [
        spend[:, :, c] if channel.spend is not None
        else variable_cost_rate(channel) * media[:, :, c]
        for c, channel in enumerate(fit.study.channels)
    ]  # fmt: skip
    return np.stack(columns, axis=-1)


def repeated_periods(fit: Fit, horizon: int) -> np.ndarray:
    """The last `horizon` periods of the window, (H,), over again where it is shorter."""
    observed = len(fit.panel.dates)
    repeated = observed - horizon + np.arange(horizon)
    return np.where(repeated < 0, repeated % observed, repeated)


def with_prices(fit: Fit, scenario: Scenario, prices: Mapping[str, float]) -> Scenario:
    """The scenario's money spent at the stated `prices` of a unit of exposure by channel; others
    are as recently, and drawn ahead."""
    found = bought(fit, scenario.media, scenario.spend, prices, scenario.given)
    first, *rest = scenario.statements
    kept = (words for words in rest if words not in scenario.bought)
    return replace(
        scenario, media=found.media, given=found.given, drawn=found.drawn, bought=found.words,
        statements=(first, *found.words, *kept),
    )  # fmt: skip


def plan_table(fit: Fit, scenario: Scenario) -> pd.DataFrame:
    """`plan.csv`: date, geo, channel, spend, media, money, and all three as they are today.

    Today's are those of `as_is` over the same periods. Channels without media spend have 0 in
    `spend`, their effort in `media` and what it costs in `money`, which adds up to the plan's.
    """
    today = as_is(fit, scenario.periods, scenario.given)
    geos, channels = fit.panel.geos, fit.panel.channels
    index = pd.MultiIndex.from_product(
        [scenario.dates, geos, channels], names=["date", "geo", "channel"]
    )
    columns = {
        "spend": scenario.spend.ravel(),
        "spend_today": today.spend.ravel(),
        "media": scenario.media.ravel(),
        "media_today": today.media.ravel(),
        "money": money_of(fit, scenario.media, scenario.spend).ravel(),
        "money_today": money_of(fit, today.media, today.spend).ravel(),
    }
    return pd.DataFrame(columns, index=index).reset_index()
