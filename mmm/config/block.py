"""The base of every study-file block, and the interval type that states a prior."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


class Block(BaseModel):
    """A frozen part of a study file; unknown keys and non-finite numbers are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PlacedError(ValueError):
    """A rule over a whole block, broken at one `place` within it: keys and positions from the
    block down."""

    def __init__(self, message: str, place: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.place = place


def _other_way(low: float, high: float) -> str:
    if low == high:
        return "give two numbers that differ, such as half of it and twice as much"
    return f"write it as [{high:g}, {low:g}]"


def _ordered(interval: tuple[float, float]) -> tuple[float, float]:
    low, high = interval
    if not low < high:
        raise ValueError(
            f"the interval [{low:g}, {high:g}] must run from low to high; {_other_way(low, high)}"
        )
    return interval


Interval = Annotated[tuple[float, float], AfterValidator(_ordered)]
"""Lower and upper end of an interval, low first."""


def _positive_interval(interval: tuple[float, float]) -> tuple[float, float]:
    if interval[0] <= 0:
        raise ValueError(
            f"the interval [{interval[0]:g}, {interval[1]:g}] must start above zero; "
            "a small positive number such as 0.01 says 'next to nothing'"
        )
    return interval


PositiveInterval = Annotated[Interval, AfterValidator(_positive_interval)]
"""A 90 % interval of a positive quantity."""
