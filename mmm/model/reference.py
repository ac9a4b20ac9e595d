"""Priors of a channel's brand split from published pay-back.

A channel of role `both` sends the part p of its effect through a stock that keeps r a week. Under
steady spending, what it earns within two years over what it earns within 13 weeks is

    R(p) = (1 - p r^104) / (1 - p r^13),   so   p(R) = (R - 1) / (R r^13 - r^104),

with p below 1 as long as R is below (1 - r^104) / (1 - r^13). The published R is taken at the
middle of the half-life's prior.
"""

from __future__ import annotations

import math

from mmm.config.references import FULL_WEEKS, PAY_BACK, SHORT_TERM_WEEKS
from mmm.errors import input_error
from mmm.transforms.parameter import Z90, PriorSpec

LATER_FACTOR = 2.0
"""What comes later per unit of what comes soon, R - 1, is within this factor of the published one
in nine cases of ten: a study's channel is one of many behind a published mean."""
MOST_SPLIT = 0.99


def full_over_short(split: float, half_life: float) -> float:
    """R(p) of a stock that halves in `half_life` weeks."""
    short, full = (2.0 ** (-weeks / half_life) for weeks in (SHORT_TERM_WEEKS, FULL_WEEKS))
    return (1.0 - split * full) / (1.0 - split * short)


def split_of_ratio(ratio: float, half_life: float) -> float:
    """p(R), the inverse of `full_over_short`; 1 or above (or infinite) out of reach."""
    short, full = (2.0 ** (-weeks / half_life) for weeks in (SHORT_TERM_WEEKS, FULL_WEEKS))
    below = ratio * short - full
    return (ratio - 1.0) / below if below > 0 else math.inf


def reference_split(name: str, half_life: tuple[float, float], channel: str) -> PriorSpec:
    """Logit-normal prior of the brand split: its median gives the published ratio, its 5 %
    quantile a ratio whose R - 1 is smaller by `LATER_FACTOR`.

    `half_life`: 90 % interval of the prior, in weeks. Raises `InputError` where no split
    gives the ratio at such a half-life.
    """
    published = PAY_BACK[name]
    middle = math.sqrt(half_life[0] * half_life[1])
    split = split_of_ratio(published.ratio, middle)
    if not 0 < split < MOST_SPLIT:
        most = full_over_short(MOST_SPLIT, middle)
        raise input_error(
            "reference_out_of_reach",
            f"channel '{channel}': prior.reference",
            f"'{name}' has a full return of {published.ratio:.2f} times the short-term one, and a "
            f"brand that halves in {middle:.0f} weeks gives at most {most:.2f} times.",
            "Raise 'brand.half_life', or leave the reference out.",
        )
    least = split_of_ratio(1.0 + (published.ratio - 1.0) / LATER_FACTOR, middle)
    scale = (_logit(split) - _logit(least)) / Z90
    return PriorSpec("logitnormal", _logit(split), scale)


def _logit(part: float) -> float:
    return math.log(part / (1.0 - part))
