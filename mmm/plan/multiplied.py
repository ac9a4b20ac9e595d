"""What decisions are worth where effects multiply: the whole outcome with them less without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mmm.model.planning import coefficients, effect_of_series, plan_draws
from mmm.plan.forecast import change_ahead
from mmm.plan.levers import Levers
from mmm.plan.money import spending
from mmm.plan.scenario import Scenario
from mmm.plan.worth import (
    ChannelWorth,
    Measure,
    carried_in,
    channel_worth,
    cost_slope,
    few,
    gains_of,
    geo_factors,
    running_cost,
    scaled_unit,
    units_bought,
)
from mmm.results.ahead import baseline_walk, continued
from mmm.results.controls import carried_controls
from mmm.results.held import held_paths
from mmm.results.outcome import baseline_predictor, expected_outcome, media_predictor
from mmm.results.respond import Response
from mmm.results.threads import each_in_threads


@dataclass(frozen=True, slots=True)
class Multiplied:
    """A valuation where effects multiply.

    silent (D, G, S): expected outcome when nothing is spent ahead; staying (D, G, S): what the
    channels that stay as they are add to the predictor. cost: theirs. gains, factors and levels
    (saturation without spending) are of each channel decided on.
    """

    response: Response
    levers: Levers
    measure: Measure
    channels: tuple[ChannelWorth, ...]
    gains: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]
    factors: tuple[np.ndarray, ...]
    levels: tuple[np.ndarray, ...]
    silent: np.ndarray
    staying: np.ndarray
    cost: float

    @property
    def draws(self) -> int:
        return len(self.silent)

    def outcome(self, money: np.ndarray) -> np.ndarray:
        """Expected outcome (D, G, S) when `money` (H, G, C) is spent on the levers' channels."""
        exposure = money * self.levers.prices.buys

        def one(place: int) -> np.ndarray:
            return self._change(place, exposure)

        change = self.staying.copy()
        for part in self._each(one):
            change += part
        return self.silent * np.exp(change)

    def values(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Worth (D,) of decisions z (n,), against no marketing, and its gradient (D, n)."""
        money = self.levers.money(z)
        whole = self.outcome(money)
        bar = whole * self.measure.weight(self.response.places)
        exposure = money * self.levers.prices.buys

        def one(place: int) -> np.ndarray:
            found = self.channels[place]
            coef = coefficients(*self.gains[place], self.factors[place] * bar)
            return channel_worth(self.levers, place, found, exposure, coef, found.scale)[1]

        gradient = np.concatenate(self._each(one), axis=1)
        return self._total(whole, money), gradient - cost_slope(self.levers, self.measure)

    def of_money(self, money: np.ndarray) -> np.ndarray:
        """Worth (D,) of spending `money` (H, G, C) on the levers' channels, however spread."""
        return self._total(self.outcome(money), money)

    def _total(self, whole: np.ndarray, money: np.ndarray) -> np.ndarray:
        worth = self.measure.weight(self.response.places)
        value = ((whole - self.silent) * worth).sum(axis=(1, 2))
        return value - self.cost - running_cost(self.levers, self.measure, money)

    def _change(self, place: int, exposure: np.ndarray) -> np.ndarray:
        """What the channel at `place` adds to the predictor of no spending, (D, G, S)."""
        channel, found = int(self.levers.chosen[place]), self.channels[place]
        series = saturation_ahead(
            self.response, channel, found, exposure[:, :, channel], self.silent.shape[2]
        )
        return effect_of_series(*self.gains[place], series, self.levels[place], self.factors[place])

    def _each(self, compute: Callable[[int], np.ndarray]) -> list[np.ndarray]:
        count = len(self.channels)
        return each_in_threads(compute, range(count), alone=few(self.response, count))


def saturation_ahead(
    response: Response, channel: int, found: ChannelWorth, exposure: np.ndarray, span: int
) -> np.ndarray:
    """The saturated series over `span` periods under exposure (H, G), (D, span, G)."""
    spec = response.density.spec
    geos = exposure.shape[1]
    nothing = np.zeros((response.draws, 1, span))
    return plan_draws(
        found.table, spec.adstock[channel], spec.saturation[channel], spec.reach[channel],
        np.ascontiguousarray(exposure * found.unit), found.carried, nothing, found.scale,
        np.ones(geos), np.zeros(geos, dtype=np.int64), series=True,
        units=found.units,
    )[2]  # fmt: skip


def controls_over(response: Response, controls: np.ndarray, span: int) -> np.ndarray:
    """Controls (span, G, P) ahead: `controls` (H, G, P) first, then as they are carried on."""
    values = carried_controls(response.fit.panel, span).expected
    reach = min(span, len(controls))
    values[:reach] = controls[:reach]
    return values


def silent_ahead(response: Response, scenario: Scenario, span: int) -> np.ndarray:
    """Expected outcome (D, G, span) when nothing is spent ahead and controls are those of
    `scenario`, carry-in included."""
    panel = response.fit.panel
    dates, controls = panel.future_dates(span), controls_over(response, scenario.controls, span)
    ahead = continued(response, dates, controls, scenario.carried).last(span)
    held = held_paths(response, dates, controls, scenario.carried) if response.paths else None
    window = panel.dataset["media"].values
    media = np.concatenate([window, np.zeros((span, *window.shape[1:]))])
    total = baseline_predictor(response, ahead.rows, baseline_walk(response, ahead), held)
    return expected_outcome(response, total + media_predictor(response, media, span))


def multiplied(response: Response, levers: Levers, measure: Measure) -> Multiplied:
    """The valuation of `measure` where effects multiply."""
    span = len(measure.worth)
    channels, levels = [], []
    for channel in levers.chosen.tolist():
        found = ChannelWorth(
            spec=response.density.spec,
            place=channel,
            table=np.ascontiguousarray(response.table[:, channel]),
            carried=carried_in(response, channel),
            coef=np.empty(0),
            scale=np.ones((response.draws, len(response.places))),
            silent=np.zeros(response.draws),
            unit=scaled_unit(response, channel),
            units=units_bought(response, levers, channel),
        )
        channels.append(found)
        levels.append(
            saturation_ahead(response, channel, found, np.zeros(levers.rest.shape[:2]), span)
        )
    scenario = spending(levers.prices, levers.rest, "rest")
    every = range(len(levers.prices.channels))
    staying = np.zeros((response.draws, len(response.places), span))
    cost = 0.0
    for channel in sorted(set(every) - set(levers.chosen.tolist())):
        cost += float(scenario.cost[:, channel] @ measure.cost)
        staying += change_ahead(response, scenario, channel, span)
    return Multiplied(
        response, levers, measure, tuple(channels),
        tuple(gains_of(response, channel) for channel in levers.chosen.tolist()),
        tuple(np.ascontiguousarray(geo_factors(response, c, span)) for c in levers.chosen.tolist()),
        tuple(levels),
        silent_ahead(response, levers.prices.base, span), staying, cost,
    )  # fmt: skip
