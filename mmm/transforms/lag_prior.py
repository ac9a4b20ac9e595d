"""From a stated lag to the priors of the two parameters of its distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.special import gammaincinv

from mmm.config.channel import Channel
from mmm.config.lag import STATED_WITHIN, Lag
from mmm.errors import input_error
from mmm.transforms.adstock import LONGEST_LAG_WEEKS, adstock_family
from mmm.transforms.lag_nodes import gamma_median
from mmm.transforms.parameter import Parameter, lognormal

BEFORE_MAX = 0.99
HALF_LIVES = 4.0
"""After so many half-lives a sixteenth of a geometric effect is still to come."""
_Z = 2.3263478740408408
"""Standard normal quantile at `BEFORE_MAX`."""
_SHAPES = (0.02, 1e6)
_SPREADS = (1e-3, 7.0)


@dataclass(frozen=True, slots=True)
class LagPrior:
    """A lag ready for a model: the adstock family, its two parameters with their priors, and how
    many lags (0, 1, ...) its weights cover."""

    adstock: str
    parameters: tuple[Parameter, Parameter]
    lags: int


def _stated(lag: Lag) -> tuple[float, float]:
    """Median and maximum in periods."""
    if lag.median is None or lag.max is None:
        raise input_error(
            "lag",
            "lag.records",
            "the records of a lag have not been read.",
            "Fit the study that 'mmm.estimate_lags(study, panel, directory)' returns.",
        )
    return lag.median, lag.max


def lag_spread(lag: Lag) -> float:
    """The spread at which `BEFORE_MAX` of a lag with the stated median lies before its maximum."""
    median, longest = _stated(lag)
    if lag.family == "lognormal":
        return min(max(math.log(longest / median) / _Z, _SPREADS[0]), _SPREADS[1])

    def too_long(log_shape: float) -> float:
        shape = math.exp(log_shape)
        return math.log(gammaincinv(shape, BEFORE_MAX) / gamma_median(shape) * median / longest)

    low, high = (math.log(shape) for shape in _SHAPES)
    if too_long(low) < 0:
        return math.exp(-0.5 * low)
    if too_long(high) > 0:
        return math.exp(-0.5 * high)
    return math.exp(-0.5 * brentq(too_long, low, high, xtol=1e-12))


def lag_prior(lag: Lag) -> LagPrior:
    """The model's form of a stated lag: both priors log-normal, within `STATED_WITHIN` of what
    median and maximum say in nine cases of ten unless the block gives their intervals."""

    def within(centre: float) -> tuple[float, float]:
        return centre / STATED_WITHIN, centre * STATED_WITHIN

    median, longest = _stated(lag)
    return LagPrior(
        lag.adstock,
        (
            Parameter("median", lognormal(*(lag.median_interval or within(median)))),
            Parameter("spread", lognormal(*(lag.spread_interval or within(lag_spread(lag))))),
        ),
        max(2, math.ceil(longest) + 1),
    )


def adstock_parameters(channel: Channel, weeks: float) -> tuple[Parameter, ...]:
    """Parameters of a channel's adstock with their priors, times in periods of `weeks` weeks:
    the family's, a stated half-life, or those of a stated lag. Raises `InputError` for a
    half-life stated of a family that has none."""
    if channel.lag:
        return lag_prior(channel.lag).parameters
    stated, family = channel.prior.half_life, adstock_family(channel.adstock)
    if stated and "half_life" not in family.intervals:
        raise input_error(
            "prior",
            f"channel '{channel.name}': prior.half_life",
            f"the adstock '{channel.adstock}' has no half-life.",
            "Drop 'prior.half_life', or drop 'adstock': the default has one.",
        )
    return tuple(
        Parameter(parameter.name, lognormal(*stated))
        if stated and parameter.name == "half_life"
        else parameter
        for parameter in family.parameters(weeks)
    )


def lag_count(channel: Channel, weeks: float, periods: int) -> int:
    """How many lags a channel's finite adstock has: those of a stated lag, else as many as fit
    into `LONGEST_LAG_WEEKS`, or into `HALF_LIVES` of the longest stated half-life where that is
    longer; fewer than the window's `periods`."""
    if channel.lag:
        count = lag_prior(channel.lag).lags
    else:
        longest = LONGEST_LAG_WEEKS / weeks
        if channel.prior.half_life:
            longest = max(longest, HALF_LIVES * channel.prior.half_life[1])
        count = math.ceil(longest)
    return max(2, min(count, periods - 1))
