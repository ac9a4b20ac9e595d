"""Media plans as they look in practice: always on, in bursts, by season, or in spikes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmm.dims import DAYS_PER_YEAR
from mmm.simulate.spec import ChannelSpec, Flighting

NATIONAL_PART = 0.6
"""How much of a geo's plan follows the national one."""


def flight(kind: Flighting, dates: pd.DatetimeIndex, rng: np.random.Generator) -> np.ndarray:
    """A plan of unit mean over `dates`, never negative, shape (T,)."""
    draw = {
        Flighting.ALWAYS_ON: _always_on,
        Flighting.BURSTS: _bursts,
        Flighting.SEASONAL: _seasonal,
        Flighting.SPIKES: _spikes,
    }[kind]
    plan = draw(dates, rng)
    return plan / plan.mean()


def media_plan(
    channel: ChannelSpec,
    dates: pd.DatetimeIndex,
    budget: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Spend and media of one channel, each of shape (T, G).

    `budget`: mean money a period and geo, shape (G,). Spend is all zero for an effort
    channel; media is exposure where the channel has one, else spend. Both are rounded as
    they are written, so that the truth is a function of the published numbers.
    """
    shared = flight(channel.flighting, dates, rng)
    if len(budget) == 1:
        money = shared[:, None] * budget
    else:
        own = np.stack([flight(channel.flighting, dates, rng) for _ in budget], axis=1)
        weight = rng.lognormal(0.0, 0.25, size=len(budget))
        plan = NATIONAL_PART * shared[:, None] + (1.0 - NATIONAL_PART) * own
        money = plan * budget * weight / weight.mean()
    if channel.growth:
        ramp = 1.0 + channel.growth * np.linspace(0.0, 1.0, len(dates))
        money = money * (ramp / ramp.mean())[:, None]
    money = np.round(money, 2)
    if channel.exposure is None:
        return money, money
    if channel.effort:
        return np.zeros_like(money), np.round(money / channel.unit_price, 1)
    price = channel.unit_price * np.exp(_persistent(len(dates), 0.6, 0.1, rng))
    return money, np.round(money / price[:, None], 2)


def _always_on(dates: pd.DatetimeIndex, rng: np.random.Generator) -> np.ndarray:
    quarter = (np.arange(len(dates)) + int(rng.integers(13))) // 13
    budget = rng.lognormal(0.0, 0.35, size=quarter.max() + 1)
    return budget[quarter] * np.exp(_persistent(len(dates), 0.5, 0.3, rng))


def _bursts(dates: pd.DatetimeIndex, rng: np.random.Generator) -> np.ndarray:
    return _on_and_off(len(dates), rng, on=(3, 6), off=(3, 9))


def _spikes(dates: pd.DatetimeIndex, rng: np.random.Generator) -> np.ndarray:
    return _on_and_off(len(dates), rng, on=(1, 2), off=(3, 8))


def _on_and_off(
    periods: int, rng: np.random.Generator, *, on: tuple[int, int], off: tuple[int, int]
) -> np.ndarray:
    plan = np.zeros(periods)
    start = int(rng.integers(0, off[1]))
    while start < periods:
        length = int(rng.integers(on[0], on[1] + 1))
        stop = min(start + length, periods)
        height = rng.lognormal(0.0, 0.4)
        plan[start:stop] = height * rng.lognormal(0.0, 0.2, size=stop - start)
        start = stop + int(rng.integers(off[0], off[1] + 1))
    return plan


def _seasonal(dates: pd.DatetimeIndex, rng: np.random.Generator) -> np.ndarray:
    day = dates.to_numpy().astype("datetime64[D]")
    plan = 0.35 * np.exp(_persistent(len(dates), 0.3, 0.35, rng))
    for centre, height in ((110.0, 1.2), (325.0, 2.0)):
        for year in range(dates[0].year - 1, dates[-1].year + 2):
            new_year = np.datetime64(f"{year}-01-01")
            distance = (day - new_year).astype(float) - centre - rng.normal(0.0, 14.0)
            size = height * rng.lognormal(0.0, 0.4)
            plan += size * np.exp(-0.5 * (distance / (DAYS_PER_YEAR / 20)) ** 2)
    return plan


def _persistent(
    periods: int, persistence: float, spread: float, rng: np.random.Generator
) -> np.ndarray:
    """Gaussian series with the given lag-one correlation and standard deviation."""
    shocks = rng.normal(0.0, spread, size=periods)
    series = np.empty(periods)
    level = shocks[0]
    for period, shock in enumerate(shocks):
        if period:
            level = persistence * level + np.sqrt(1.0 - persistence**2) * shock
        series[period] = level
    return series
