"""Assumptions that finance states as intervals, drawn once for each posterior draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from mmm.cash.value import Floats
from mmm.config.finance import Finance

Z90 = 1.6448536269514722
STREAM = 11
NAMES = ("margin", "acquisition_share", "retention")


@dataclass(frozen=True, slots=True)
class Drawn:
    """The uncertain assumptions by draw, each (D,); constant where finance states a number."""

    margin: Floats
    acquisition_share: Floats
    retention: Floats


def draw_assumptions(finance: Finance, draws: int, seed: int) -> Drawn:
    """`draws` values of each uncertain assumption, independent of each other and the posterior.

    An interval is the central 90 % of a logit-normal distribution where it lies between 0 and 1,
    else of a normal one. Its `draws` equally likely values are each taken once, in an order that
    `seed` decides, so that little is added to the noise of the draws.
    """
    customers = finance.customers
    stated = (
        finance.margin,
        customers.acquisition_share if customers else 1.0,
        customers.kept if customers else 0.0,
    )
    return Drawn(
        *(
            _values(one, draws, np.random.default_rng([seed, STREAM, number]))
            for number, one in enumerate(stated)
        )
    )


def _values(
    stated: float | tuple[float, float], draws: int, generator: np.random.Generator
) -> Floats:
    if not isinstance(stated, tuple):
        return np.full(draws, float(stated))
    score = norm.ppf((generator.permutation(draws) + 0.5) / draws)
    low, high = stated
    if low > 0 and high < 1:
        first, second = logit(low), logit(high)
        return expit((first + second) / 2 + (second - first) / (2 * Z90) * score)
    return (low + high) / 2 + (high - low) / (2 * Z90) * score


def stated_as_intervals(finance: Finance) -> tuple[str, ...]:
    """Keys of the finance block that are uncertain."""
    customers = finance.customers
    stated = (
        finance.margin,
        customers.acquisition_share if customers else 1.0,
        customers.kept if customers else 0.0,
    )
    return tuple(
        name for name, value in zip(NAMES, stated, strict=True) if isinstance(value, tuple)
    )
