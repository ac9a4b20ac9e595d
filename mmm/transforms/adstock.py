"""Adstock families: how an exposure in one period works in the periods after it.

Every family gives lag weights that sum to one, so adstock moves exposure in time and creates
none. Parameters are in periods. The compiled twins are in `mmm.model.curves`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytensor.tensor as pt

from mmm.errors import did_you_mean, input_error
from mmm.transforms.parameter import Parameter, lognormal

LagWeights = Callable[..., Any]

LN2 = math.log(2.0)
"""A Python float: PyTensor would take the logarithm of a literal 2.0 in single precision."""


@dataclass(frozen=True, slots=True)
class AdstockFamily:
    """One way to carry over.

    `parameters(weeks)` gives the default priors when a period lasts `weeks` weeks;
    `log_weights(lag, first, second)` the logarithm of the weights, up to a constant.
    `finite` families are cut at the longest lag, infinite ones run over the whole past.
    """

    name: str
    formula: str
    source: str
    parameter_names: tuple[str, ...]
    defaults_in_weeks: tuple[tuple[float, float], ...]
    is_time: tuple[bool, ...]
    finite: bool
    log_weights: LagWeights

    def parameters(self, weeks: float) -> tuple[Parameter, ...]:
        """Default priors, times converted from weeks to periods."""
        return tuple(
            Parameter(name, lognormal(low / weeks, high / weeks) if time else lognormal(low, high))
            for name, (low, high), time in zip(
                self.parameter_names, self.defaults_in_weeks, self.is_time, strict=True
            )
        )


def _geometric(lag, half_life, _):
    return -lag * LN2 / half_life


def _delayed(lag, half_life, peak):
    return -LN2 * ((lag - peak) / half_life) ** 2


def _weibull_pdf(lag, shape, scale):
    ratio = (lag + 1.0) / scale
    return (shape - 1.0) * pt.log(ratio) - ratio**shape


def _weibull_cdf(lag, shape, scale):
    return -pt.switch(lag > 0, (pt.maximum(lag, 1.0) / scale) ** shape, 0.0)


def _none(lag, *_):
    return pt.switch(lag > 0, -float("inf"), 0.0)


NONE = AdstockFamily(
    "none", "a_t = x_t", "no carry-over", (), (), (), finite=True, log_weights=_none
)
GEOMETRIC = AdstockFamily(
    "geometric",
    "w_k = (1 - r) r^k, r = 2^(-1/half_life)",
    "Koyck (1954); Jin et al. (2017), equation 2",
    ("half_life",),
    ((0.2, 3.5),),
    (True,),
    finite=False,
    log_weights=_geometric,
)
DELAYED = AdstockFamily(
    "delayed",
    "w_k ~ 2^(-((k - peak) / half_life)^2)",
    "Jin et al. (2017), equation 3, with its retention written as a half-life",
    ("half_life", "peak"),
    ((0.5, 4.0), (0.2, 4.0)),
    (True, True),
    finite=True,
    log_weights=_delayed,
)
WEIBULL_PDF = AdstockFamily(
    "weibull_pdf",
    "w_k ~ u^(shape - 1) exp(-u^shape), u = (k + 1) / scale",
    "Robyn (2021), Weibull PDF adstock, with weights that sum to one",
    ("shape", "scale"),
    ((0.6, 3.0), (0.5, 6.0)),
    (False, True),
    finite=True,
    log_weights=_weibull_pdf,
)
WEIBULL_CDF = AdstockFamily(
    "weibull_cdf",
    "w_k ~ exp(-(k / scale)^shape)",
    "Robyn (2021), Weibull CDF adstock: the survival function, with weights that sum to one",
    ("shape", "scale"),
    ((0.6, 3.0), (0.3, 6.0)),
    (False, True),
    finite=True,
    log_weights=_weibull_cdf,
)

FAMILIES = {family.name: family for family in (NONE, GEOMETRIC, DELAYED, WEIBULL_PDF, WEIBULL_CDF)}

LONGEST_LAG_WEEKS = 13.0
"""Where finite families are cut."""


def adstock_family(name: str) -> AdstockFamily:
    """The family called `name`; raises `InputError` for an unknown one."""
    if name not in FAMILIES:
        raise input_error(
            "adstock", "adstock", f"no adstock '{name}';", did_you_mean(name, FAMILIES)
        )
    return FAMILIES[name]
