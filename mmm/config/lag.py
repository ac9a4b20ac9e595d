"""A lag: how long after a cause its effect is seen, as people or records state it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mmm.config.block import Block, PositiveInterval

LagFamily = Literal["gamma", "lognormal"]
STATED_WITHIN = 1.5
"""A stated median or maximum is a round figure from memory: a lag "of 8 weeks" is 5 to 12. The
factor leaves the median well below a maximum of the usual three times it."""

Periods = Annotated[float, Field(gt=0)]


class Won(Block):
    """Which records were won: those whose `column` holds `value`, or one of several."""

    column: str
    value: str | tuple[str, ...]

    @property
    def values(self) -> tuple[str, ...]:
        return (self.value,) if isinstance(self.value, str) else self.value


class LagRecords(Block):
    """Records of opportunities, one a row, from which a lag is estimated.

    `file` is relative to the study file. `opened` and `closed` are columns of dates, `closed`
    empty while the opportunity is open; what is closed and not `won` was lost. `value` is a
    column with the amount of what was won, `group` one with a kind of opportunity. `as_of` is
    the day the records were drawn, the last date in them when left out. `date_format` is how
    dates are written where that is not 2024-01-29, as %d-%m-%y.
    """

    file: str
    opened: str
    closed: str
    won: Won
    value: str | None = None
    group: str | None = None
    as_of: date | None = None
    date_format: str | None = None


class Lag(Block):
    """The distribution of a lag, in periods.

    `median`: half of all effects have come by then. `max`: nearly all have (99 in 100); later
    ones are not followed. `family`: `gamma`, or `lognormal` with its longer tail.
    `median_interval` and `spread_interval` are 90 % intervals of the two parameters; left out
    they lie within a factor of 1.5 of what `median` and `max` say. The spread is the
    coefficient of variation (gamma) or the standard deviation of the logarithm (lognormal).
    `records` stands in place of all that: they are estimated.
    """

    median: Periods | None = None
    max: Periods | None = None
    family: LagFamily = "gamma"
    median_interval: PositiveInterval | None = None
    spread_interval: PositiveInterval | None = None
    records: LagRecords | None = None

    @model_validator(mode="after")
    def _is_stated_once(self) -> Self:
        stated = (self.median, self.max, self.median_interval, self.spread_interval)
        if self.records is not None:
            if any(part is not None for part in stated):
                raise ValueError(
                    "a lag is stated by 'median' and 'max' or estimated from 'records'; "
                    "drop one of the two"
                )
            return self
        if self.median is None or self.max is None:
            raise ValueError(
                "a lag needs 'median' and 'max', or 'records'; state both in periods, as in "
                "{median: 8, max: 26}"
            )
        if not self.max > self.median:
            raise ValueError(
                f"the lag's 'max' ({self.max:g}) must be above its 'median' ({self.median:g}); "
                "give the time within which nearly all of the effect has come"
            )
        inside = self.median_interval
        if inside and not inside[0] <= self.median <= inside[1]:
            raise ValueError(
                f"'median_interval' [{inside[0]:g}, {inside[1]:g}] must hold the lag's "
                f"'median' ({self.median:g}); correct one of the two"
            )
        return self

    @property
    def adstock(self) -> str:
        """The adstock family that carries an effect over by this lag."""
        return f"lag_{self.family}"
