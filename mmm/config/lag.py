"""A lag: how long after a cause its effect is seen."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mmm.config.block import Block

LagFamily = Literal["gamma", "lognormal"]


class Lag(Block):
    """The distribution of a lag, in periods: half of all effects have come by `median`, nearly
    all by `max`, after which none is followed."""

    median: Annotated[float, Field(gt=0)]
    max: Annotated[float, Field(gt=0)]
    family: LagFamily = "gamma"

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.max > self.median:
            raise ValueError(
                f"the lag's 'max' ({self.max:g}) must be above its 'median' ({self.median:g})"
            )
        return self

    @property
    def adstock(self) -> str:
        """The adstock family that carries an effect over by this lag."""
        return f"lag_{self.family}"
