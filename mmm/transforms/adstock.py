"""Adstock families: how an exposure in one period works in the periods after it.

Every family gives lag weights that sum to one, so adstock moves exposure in time and creates
none. Parameters are in periods. The compiled twins of the families here are in
`mmm.model.curves`; `mmm.transforms.custom` adds families of your own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import disconnected_grad

from mmm.errors import did_you_mean, input_error
from mmm.transforms.lag_nodes import (
    FIRST_LOG_WEIGHTS,
    FIRST_POINTS,
    LAGS_A_PIVOT,
    LATER_LOG_WEIGHTS,
    LATER_POINTS,
    MEDIAN_LARGE,
    MEDIAN_SMALL,
    MEDIAN_TURN,
)
from mmm.transforms.parameter import Parameter, lognormal

LagWeights = Callable[..., Any]

LN2 = math.log(2.0)
"""A Python float: PyTensor would take the logarithm of a literal 2.0 in single precision."""


@dataclass(frozen=True, slots=True, eq=False)
class AdstockFamily:
    """One way to carry over.

    `intervals` names the parameters, at most two, in the order `weights` takes them, each with
    the 90 % interval of its log-normal default prior; those in `times` are lengths of time,
    stated in weeks and turned into periods. `weights(lag, *parameters)` gives, in PyTensor, the
    weights of the lags 0, 1, ... (L,) up to a constant factor; `log_weights` their logarithm
    instead. All but the geometric family are cut at `LONGEST_LAG_WEEKS`, or at the maximum of a
    stated lag.
    """

    name: str
    intervals: Mapping[str, tuple[float, float]]
    weights: LagWeights | None = None
    log_weights: LagWeights | None = None
    times: tuple[str, ...] = ()
    formula: str = ""
    source: str = ""

    @property
    def finite(self) -> bool:
        """Whether the weights are cut at a longest lag; otherwise they run over the whole past."""
        return self.name != "geometric"

    def parameters(self, weeks: float) -> tuple[Parameter, ...]:
        """Default priors when a period lasts `weeks` weeks, times converted to periods."""
        unit = {name: weeks if name in self.times else 1.0 for name in self.intervals}
        return tuple(
            Parameter(name, lognormal(low / unit[name], high / unit[name]))
            for name, (low, high) in self.intervals.items()
        )

    def lag_weights(self, lag: Any, *parameters: Any) -> Any:
        """Weights of the lags `lag` (L,) at `parameters`, one each, that sum to one over them."""
        if self.log_weights:
            logs = pt.as_tensor_variable(self.log_weights(lag, *parameters))
            # the largest is 1 before they are scaled, wherever they stand
            weights = pt.exp(logs - disconnected_grad(logs.max()))
            return weights / weights.sum()
        if self.weights:
            weights = pt.as_tensor_variable(self.weights(lag, *parameters))
            return weights / weights.sum()
        raise input_error(
            "adstock",
            f"adstock '{self.name}'",
            "it says nothing about its lag weights.",
            "Give 'weights' or 'log_weights'.",
        )


def _geometric(lag, half_life):
    return -lag * LN2 / half_life


def _delayed(lag, half_life, peak):
    return -LN2 * ((lag - peak) / half_life) ** 2


def _weibull(lag, half_life, shape):
    lag = pt.as_tensor_variable(lag)
    pivot = pt.maximum(1.0, lag.shape[0] / LAGS_A_PIVOT)
    # the power is worked out for lags from 1 on: that of lag 0 is nothing
    later = LN2 * pivot / half_life * ((lag + 1.0) / pivot) ** shape
    gone = pt.concatenate([pt.zeros(1), later[:-1]])
    return pt.log(-pt.expm1(gone - later)) - gone


def _weibull_pdf(lag, shape, scale):
    ratio = (lag + 1.0) / scale
    return (shape - 1.0) * pt.log(ratio) - ratio**shape


def _weibull_cdf(lag, shape, scale):
    return -pt.switch(lag > 0, (pt.maximum(lag, 1.0) / scale) ** shape, 0.0)


def _none(lag):
    return pt.switch(lag > 0, -float("inf"), 0.0)


def _by_period(lag, log_density):
    """Weights of the lags from the log-density of a continuous one: `mmm.transforms.lag_nodes`."""
    later = pt.as_tensor_variable(lag)[1:-1, None]
    first = pt.as_tensor_variable(np.array(FIRST_POINTS))
    after = pt.as_tensor_variable(np.array(LATER_POINTS))
    logs = log_density(first) + np.array(FIRST_LOG_WEIGHTS)
    later_logs = log_density(later + after) + np.array(LATER_LOG_WEIGHTS)
    top = disconnected_grad(pt.concatenate([logs, later_logs.ravel()]).max())
    mass, later_mass = pt.exp(logs - top), pt.exp(later_logs - top)
    stays = [(mass * (1.0 - first)).sum()[None], (later_mass * (1.0 - after)).sum(axis=1)]
    moves = [(mass * first).sum()[None], (later_mass * after).sum(axis=1)]
    nothing = [pt.zeros(1)]
    return pt.concatenate([*stays, *nothing]) + pt.concatenate([*nothing, *moves])


def _lag_gamma(lag, median, spread):
    shape = spread**-2.0
    turn = MEDIAN_TURN / (MEDIAN_TURN + shape)
    inner = shape + MEDIAN_LARGE + (MEDIAN_SMALL - MEDIAN_LARGE) * turn
    rate = pt.exp(-LN2 / shape) * inner / median
    return _by_period(lag, lambda x: (shape - 1.0) * pt.log(x) - rate * x)


def _lag_lognormal(lag, median, spread):
    return _by_period(
        lag, lambda x: -0.5 * ((pt.log(x) - pt.log(median)) / spread) ** 2 - pt.log(x)
    )


NONE = AdstockFamily("none", {}, log_weights=_none, formula="a_t = x_t", source="no carry-over")
GEOMETRIC = AdstockFamily(
    "geometric",
    {"half_life": (0.2, 3.5)},
    log_weights=_geometric,
    times=("half_life",),
    formula="w_k = (1 - r) r^k, r = 2^(-1/half_life)",
    source="Koyck (1954); Jin et al. (2017), equation 2",
)
DELAYED = AdstockFamily(
    "delayed",
    {"half_life": (0.5, 4.0), "peak": (0.2, 4.0)},
    log_weights=_delayed,
    times=("half_life", "peak"),
    formula="w_k ~ 2^(-((k - peak) / half_life)^2)",
    source="Jin et al. (2017), equation 3, with its retention written as a half-life",
)
WEIBULL = AdstockFamily(
    "weibull",
    {"half_life": (0.2, 3.5), "shape": (0.7, 2.0)},
    log_weights=_weibull,
    times=("half_life",),
    formula="w_k = S(k) - S(k + 1), S(k) = 2^(-(p / half_life) (k / p)^shape), p = max(1, lags/13)",
    source="Nakagawa and Osaki (1975), the discrete Weibull distribution; at shape 1 geometric, "
    "above it an effect that holds or grows before it fades, below it one with a long tail",
)
WEIBULL_PDF = AdstockFamily(
    "weibull_pdf",
    {"shape": (0.6, 3.0), "scale": (0.5, 6.0)},
    log_weights=_weibull_pdf,
    times=("scale",),
    formula="w_k ~ u^(shape - 1) exp(-u^shape), u = (k + 1) / scale",
    source="Robyn (2021), Weibull PDF adstock, with weights that sum to one",
)
WEIBULL_CDF = AdstockFamily(
    "weibull_cdf",
    {"shape": (0.6, 3.0), "scale": (0.3, 6.0)},
    log_weights=_weibull_cdf,
    times=("scale",),
    formula="w_k ~ exp(-(k / scale)^shape)",
    source="Robyn (2021), Weibull CDF adstock: the survival function, with weights that sum to one",
)
LAG_GAMMA = AdstockFamily(
    "lag_gamma",
    {"median": (1.0, 13.0), "spread": (0.4, 1.2)},
    weights=_lag_gamma,
    times=("median",),
    formula="w_k = P(floor(u + x) = k), u ~ U(0, 1), x ~ Gamma(spread^-2, scale to the median)",
    source="a gamma lag with its cause spread over a period; Park et al. (2024)",
)
LAG_LOGNORMAL = AdstockFamily(
    "lag_lognormal",
    {"median": (1.0, 13.0), "spread": (0.4, 1.2)},
    weights=_lag_lognormal,
    times=("median",),
    formula="w_k = P(floor(u + x) = k), u ~ U(0, 1), log x ~ N(log median, spread^2)",
    source="a log-normal lag with its cause spread over a period; Park et al. (2024)",
)

FAMILIES: dict[str, AdstockFamily] = {
    family.name: family
    for family in (
        NONE,
        GEOMETRIC,
        WEIBULL,
        DELAYED,
        WEIBULL_PDF,
        WEIBULL_CDF,
        LAG_GAMMA,
        LAG_LOGNORMAL,
    )
}
"""Every family by name: those above, and those registered in this process."""

LONGEST_LAG_WEEKS = 13.0
"""Where finite families are cut that state no maximum of their own."""


def adstock_family(name: str) -> AdstockFamily:
    """The family called `name`; raises `InputError` for an unknown one."""
    if name not in FAMILIES:
        raise input_error(
            "adstock", "adstock", f"no adstock '{name}';", did_you_mean(name, FAMILIES)
        )
    return FAMILIES[name]
