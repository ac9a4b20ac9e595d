"""A lag: how long after a cause its effect is seen, as people or records state it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mmm.config.block import Block, PositiveInterval

LagFamily = Literal["gamma", "lognormal"]
Periods = Annotated[float, Field(gt=0)]


class Lag(Block):
    """The distribution of a lag, in periods.

    `median`: half of all effects have come by then. `max`: nearly all have (99 in 100); later
    ones are not followed. `family`: `gamma`, or `lognormal` with its longer tail.
    `median_interval` and `spread_interval` are 90 % intervals of the two parameters; left out
    they lie within a factor of 1.5 of what `median` and `max` say. The spread is the
    coefficient of variation (gamma) or the standard deviation of the logarithm (lognormal).
    """

    median: Periods | None = None
    max: Periods | None = None
    family: LagFamily = "gamma"
    median_interval: PositiveInterval | None = None
    spread_interval: PositiveInterval | None = None

    @model_validator(mode="after")
    def _is_stated(self) -> Self:
        if self.median is None or self.max is None:
            raise ValueError("state 'median' and 'max' of the lag, both in periods")
        if not self.max > self.median:
            raise ValueError(
                f"the lag's 'max' ({self.max:g}) must be above its 'median' ({self.median:g})"
            )
        inside = self.median_interval
        if inside and not inside[0] <= self.median <= inside[1]:
            raise ValueError(
                f"'median_interval' [{inside[0]:g}, {inside[1]:g}] must hold the lag's "
                f"'median' ({self.median:g})"
            )
        return self

    @property
    def adstock(self) -> str:
        """The adstock family that carries an effect over by this lag."""
        return f"lag_{self.family}"
