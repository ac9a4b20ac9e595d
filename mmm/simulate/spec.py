"""What a world is made of, before any number is drawn."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from mmm.config import OutcomeKind, Role
from mmm.errors import InputError, input_error
from mmm.simulate.oracle import SATURATIONS
from mmm.simulate.survey import SurveySpec

MIN_PERIODS = 26
"""Enough for every flighting to be on at least once."""


class Flighting(StrEnum):
    """How media is spread over time."""

    ALWAYS_ON = "always_on"
    BURSTS = "bursts"
    SEASONAL = "seasonal"
    SPIKES = "spikes"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSpec:
    """One channel's media and truth. Raises `InputError` on impossible values.

    `cost_share`: mean media spend (or cost of effort) a period, as a part of the value of
    baseline outcome. `tactical_share`, `brand_share`: mean contribution in the window as a
    part of baseline outcome, so their sum over `cost_share` is near the return in the
    window before fees. `decay`: geometric carry-over a period. `slope`: of the Hill curve.
    `half_saturation`: as a multiple of mean active media. `exposure`: unit the response is
    a function of (`clicks`); left out, it is spend. `unit_price`: money per unit of
    exposure. `effort`: exposure without media spend, costed at `unit_price`.
    `geo_deviation`: spread of the effect between geos, relative. `growth`: how much more is
    spent at the end than at the start of history and window, relative: 1 is twice as much.
    `lags`: weights of the lags 0, 1, ... in place of geometric carry-over, adding up to one
    (`mmm.simulate.families`). `saturation`: `hill`, `tanh` (also the logistic curve) or `root`.
    """

    name: str
    flighting: Flighting
    cost_share: float
    tactical_share: float = 0.0
    brand_share: float = 0.0
    decay: float = 0.4
    slope: float = 1.0
    half_saturation: float = 1.0
    exposure: str | None = None
    unit_price: float = 1.0
    effort: bool = False
    agency_fee: float = 0.0
    fixed_per_period: float = 0.0
    geo_deviation: float = 0.0
    growth: float = 0.0
    lags: tuple[float, ...] | None = None
    saturation: str = "hill"

    def __post_init__(self) -> None:
        shares = (self.tactical_share, self.brand_share)
        checks = {
            "cost_share, unit_price, slope and half_saturation must be above 0": all(
                _within(value, 0.0, math.inf) and value > 0
                for value in (self.cost_share, self.unit_price, self.slope, self.half_saturation)
            ),
            "tactical_share and brand_share must be from 0 to 1, one of them above 0": (
                all(_within(share, 0.0, 1.0) for share in shares) and max(shares) > 0
            ),
            "decay must be from 0 to below 1": _within(self.decay, 0.0, 1.0) and self.decay < 1,
            "agency_fee, fixed_per_period and geo_deviation cannot be negative": all(
                _within(value, 0.0, math.inf)
                for value in (self.agency_fee, self.fixed_per_period, self.geo_deviation)
            ),
            "growth must be above -1": _within(self.growth, -1.0, math.inf) and self.growth > -1,
            "lags cannot be negative, and must add up to 1": self.lags is None
            or (all(_within(w, 0.0, 1.0) for w in self.lags) and abs(sum(self.lags) - 1) < 1e-9),
            f"saturation must be one of {', '.join(SATURATIONS)}": self.saturation in SATURATIONS,
            "an effort channel needs an exposure, and has no agency_fee": not self.effort
            or (self.exposure is not None and self.agency_fee == 0),
        }
        _refuse(f"channel '{self.name}'", checks)

    @property
    def role(self) -> Role:
        if self.brand_share == 0:
            return Role.TACTICAL
        return Role.BOTH if self.tactical_share > 0 else Role.BRAND

    @property
    def spend_column(self) -> str | None:
        return None if self.effort else f"{self.name}_spend"

    @property
    def exposure_column(self) -> str | None:
        return None if self.exposure is None else f"{self.name}_{self.exposure}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSpec:
    """A world of `periods` x `geos` x channels. Raises `InputError` on impossible values.

    `level`: baseline outcome a period, all geos together. `history`: periods of media
    before the window, so that the window starts with carry-in. `brand_half_life`: of the
    brand stock, in periods. `trend`: growth of the baseline over the window, relative.
    `seasonality`: amplitude of the yearly pattern, relative. `price_elasticity`: relative
    change of the baseline per relative change of price. `noise`: standard deviation of the
    Gaussian noise, relative to each geo's baseline level. `surveys`: indicators of a brand
    tracker, which read the brand stock.
    """

    name: str
    channels: tuple[ChannelSpec, ...]
    periods: int
    geos: int = 1
    level: float = 1_000_000.0
    history: int = 104
    brand_half_life: float | None = None
    trend: float = 0.10
    seasonality: float = 0.08
    price_elasticity: float = -0.8
    noise: float = 0.03
    outcome: str = "revenue"
    kind: OutcomeKind = OutcomeKind.REVENUE
    value_per_unit: float = 1.0
    currency: str = "GBP"
    start: str = "2021-01-04"
    frequency: str = "W-MON"
    surveys: tuple[SurveySpec, ...] = ()

    def __post_init__(self) -> None:
        twice = [name for name, n in Counter(c.name for c in self.channels).items() if n > 1]
        has_brand = any(channel.role.has_brand for channel in self.channels)
        checks = {
            f"periods must be at least {MIN_PERIODS}, got {self.periods}": (
                self.periods >= MIN_PERIODS
            ),
            f"geos must be at least 1, got {self.geos}": self.geos >= 1,
            f"history cannot be negative, got {self.history}": self.history >= 0,
            "it needs at least one channel": len(self.channels) > 0,
            f"channel names used twice: {', '.join(twice)}": not twice,
            "level and value_per_unit must be above 0": all(
                _within(value, 0.0, math.inf) and value > 0
                for value in (self.level, self.value_per_unit)
            ),
            f"noise must be from 0 to 0.5, got {self.noise:g}": _within(self.noise, 0.0, 0.5),
            "trend must be from -0.5 to 0.5, seasonality from 0 to 0.5": (
                _within(self.trend, -0.5, 0.5) and _within(self.seasonality, 0.0, 0.5)
            ),
            "price_elasticity must be from -3 to 3": _within(self.price_elasticity, -3.0, 3.0),
            "a survey reads a brand stock, and no channel has a brand_share": (
                has_brand or not self.surveys
            ),
            "brand_half_life must be above 0 where a channel has a brand_share": (
                not has_brand
                or (
                    self.brand_half_life is not None
                    and _within(self.brand_half_life, 0.0, math.inf)
                    and self.brand_half_life > 0
                )
            ),
        }
        _refuse(f"world '{self.name}'", checks)

    @property
    def dates(self) -> pd.DatetimeIndex:
        """Dates of the window, length `periods`."""
        return pd.date_range(self.start, periods=self.periods, freq=self.frequency)

    @property
    def all_dates(self) -> pd.DatetimeIndex:
        """Dates of history and window, length `history + periods`."""
        before = pd.date_range(end=self.dates[0], periods=self.history + 1, freq=self.frequency)
        return before[:-1].append(self.dates)

    @property
    def geo_names(self) -> tuple[str, ...]:
        width = len(str(self.geos))
        return tuple(f"region_{number:0{max(width, 2)}d}" for number in range(1, self.geos + 1))


def _within(value: float, low: float, high: float) -> bool:
    return math.isfinite(value) and low <= value <= high


def _refuse(where: str, checks: dict[str, bool]) -> None:
    """Raises an `InputError` with one finding for each check that does not hold."""
    findings = [
        finding
        for message, holds in checks.items()
        if not holds
        for finding in input_error("simulate", where, f"{message}.", "Change it.").findings
    ]
    if findings:
        raise InputError(findings)
