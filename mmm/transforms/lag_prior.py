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
    the family's, a stated half-life, or those of a stated lag."""
    if channel.lag:
        return lag_prior(channel.lag).parameters
    stated = channel.prior.half_life
    return tuple(
        Parameter(parameter.name, lognormal(*stated))
        if stated and parameter.name == "half_life"
        else parameter
        for parameter in adstock_family(channel.adstock).parameters(weeks)
    )


def lag_count(channel: Channel, weeks: float, periods: int) -> int:
    """How many lags a channel's finite adstock has: those of a stated lag, else as many as fit
    into `LONGEST_LAG_WEEKS`; fewer than the window's `periods`."""
    count = lag_prior(channel.lag).lags if channel.lag else math.ceil(LONGEST_LAG_WEEKS / weeks)
    return max(2, min(count, periods - 1))
