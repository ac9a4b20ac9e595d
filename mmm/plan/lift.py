"""Lift tests that a posterior can be asked to plan: what they would show, and with what power."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from mmm.plan.money import Prices, spending
from mmm.plan.multiplied import silent_ahead
from mmm.plan.worth import Valuation
from mmm.results.outcome import caused_outcome
from mmm.results.respond import Response, channel_effect

WEEKS = (4.0, 8.0, 13.0)
CHANGES = (-1.0, 1.0)
"""Changes of a channel's money in a test: gone dark, or doubled."""
POWER = 0.8
SIGNIFICANT = 1.959963984540054
"""Two-sided 5 %."""


@dataclass(frozen=True, slots=True)
class LiftTest:
    """A test on one channel: money times 1 + change in the treated geos for some periods.

    lift (D,): outcome it moves in those geos and periods; error: standard error of what is
    measured; power: chance that it is told from nothing at 5 %; cost: expected profit given up,
    money saved and later effects counted (below zero: the test earns).
    """

    channel: str
    change: float
    geos: tuple[str, ...]
    periods: int
    lift: np.ndarray
    error: float
    power: float
    cost: float


def treated_geos(response: Response) -> np.ndarray:
    """Half of the geos, alike in size to the other half: by size, taken in the order 1, 4, 5, 8,
    9, ... (G,) of bool; all where there is one."""
    level = response.level
    if len(level) == 1:
        return np.ones(1, dtype=bool)
    order = np.argsort(-level, kind="stable")
    place = np.arange(len(level)) % 4
    chosen = np.zeros(len(level), dtype=bool)
    chosen[order[(place == 0) | (place == 3)]] = True
    return chosen


def lift_tests(
    valuation: Valuation, channel: int, weeks: Sequence[float] = WEEKS
) -> list[LiftTest]:
    """Tests on one channel (number in the study) ahead, from today's money. `valuation` counts
    profit, and prices what a test gives up."""
    response, at = valuation.response, valuation.levers.prices
    worth = valuation.of_money(at.today).mean()
    treated = treated_geos(response)
    per = response.fit.panel.weeks_per_period
    lengths = sorted({max(1, round(w / per)) for w in weeks})
    lengths = [n for n in lengths if n <= at.base.periods] or [at.base.periods]
    found = []
    for change in CHANGES:
        money = at.today.copy()
        money[:, treated, channel] *= 1.0 + change
        plan = spending(at, money, "test")
        moved = moved_outcome(response, at, channel, plan.media[:, :, channel], max(lengths))
        for periods in lengths:
            lift = moved[:, treated, :periods].sum(axis=(1, 2))
            error = standard_error(response, treated, periods)
            tested = at.today.copy()
            tested[:periods] = money[:periods]
            found.append(
                LiftTest(
                    channel=at.channels[channel],
                    change=change,
                    geos=tuple(np.array(response.fit.panel.geos)[treated].tolist()),
                    periods=periods,
                    lift=lift,
                    error=error,
                    power=power_of(lift, error),
                    cost=float(worth - valuation.of_money(tested).mean()),
                )
            )
    return found


def moved_outcome(
    response: Response, at: Prices, channel: int, media: np.ndarray, periods: int
) -> np.ndarray:
    """What outcome changes by in the first `periods` ahead when the channel has `media` (H, G)
    in place of today's, (D, G, periods)."""
    window = response.fit.panel.dataset["media"].values[:, :, channel]
    today = at.base.media[:, :, channel]
    new, old = (
        channel_effect(response, channel, np.concatenate([window, plan[:periods]])).total
        for plan in (media, today)
    )
    change = (new - old)[:, :, -periods:]
    if not response.multiplicative:
        return change
    everything = silent_ahead(response, at.base, periods)
    for place in range(at.base.media.shape[2]):
        past = response.fit.panel.dataset["media"].values[:, :, place]
        with_it, silent = (
            channel_effect(response, place, np.concatenate([past, plan[:periods]])).total
            for plan in (at.base.media[:, :, place], np.zeros_like(at.base.media[:, :, place]))
        )
        everything = everything * np.exp((with_it - silent)[:, :, -periods:])
    return caused_outcome(change, everything * np.exp(change))


def standard_error(response: Response, treated: np.ndarray, periods: int) -> float:
    """Standard error of a lift measured against the other geos, scaled to the same size; against
    the model's own expectation where there are none. Noise of single periods only: a trend that
    parts the geos during the test comes on top."""
    noise = (response.level * response.sigma) ** 2
    if response.multiplicative:
        noise = (response.density.design.scaling.level * np.sqrt(np.expm1(response.sigma**2))) ** 2
    mine = noise[:, treated].sum(axis=1)
    level = response.density.design.scaling.level
    if treated.all():
        return float(np.sqrt(periods * mine).mean())
    ratio = level[treated].sum() / level[~treated].sum()
    others = noise[:, ~treated].sum(axis=1) * ratio**2
    return float(np.sqrt(periods * (mine + others)).mean())


def power_of(lift: np.ndarray, error: float) -> float:
    """Chance that a lift is told from nothing at 5 %, over what the lift may be (D,)."""
    z = np.abs(lift) / error
    return float((ndtr(z - SIGNIFICANT) + ndtr(-z - SIGNIFICANT)).mean())


def best_design(tests: Sequence[LiftTest]) -> LiftTest:
    """The cheapest test with a power of `POWER`, else the one with most power."""
    strong = [test for test in tests if test.power >= POWER]
    if strong:
        return min(strong, key=lambda test: test.cost)
    return max(tests, key=lambda test: test.power)
