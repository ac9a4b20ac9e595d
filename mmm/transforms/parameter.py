"""A prior of one positive or bounded parameter, stated as users state it: a 90 % interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Z90 = 1.6448536269514722
"""Standard normal quantile at 95 %: the half-width of a central 90 % interval."""

PriorKind = Literal["lognormal", "logitnormal", "halfnormal"]


@dataclass(frozen=True, slots=True)
class PriorSpec:
    """A distribution of one scalar.

    lognormal and logitnormal: `location` and `scale` of the log or logit. halfnormal: `scale`
    is its standard deviation before folding, `location` is unused.
    """

    kind: PriorKind
    location: float
    scale: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.location) and math.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"prior needs finite location and positive scale, got {self}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named parameter of a transform and its default prior."""

    name: str
    prior: PriorSpec


def lognormal(low: float, high: float) -> PriorSpec:
    """Log-normal whose central 90 % interval is [low, high]."""
    if not 0 < low < high:
        raise ValueError(f"need 0 < low < high, got [{low}, {high}]")
    return PriorSpec(
        "lognormal",
        (math.log(low) + math.log(high)) / 2,
        (math.log(high) - math.log(low)) / (2 * Z90),
    )


def logitnormal(low: float, high: float) -> PriorSpec:
    """Logit-normal whose central 90 % interval is [low, high] within (0, 1)."""
    if not 0 < low < high < 1:
        raise ValueError(f"need 0 < low < high < 1, got [{low}, {high}]")
    first, second = (math.log(p / (1 - p)) for p in (low, high))
    return PriorSpec("logitnormal", (first + second) / 2, (second - first) / (2 * Z90))


def halfnormal(scale: float) -> PriorSpec:
    """Half-normal: weakest at zero, thin beyond twice `scale`."""
    return PriorSpec("halfnormal", 0.0, scale)
