"""A path: an observed series that channels move and that moves the outcome in turn."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from mmm.config.block import Block, PositiveInterval
from mmm.config.lag import Lag

OUTCOME = "outcome"
"""What a path feeds where no other path takes it up."""


class PathPrior(Block):
    """What is believed of a path's effect on what it feeds, as one 90 % interval.

    `share`: the part of what it feeds that goes with it. `conversion`: units of what it feeds for
    each unit of the path.
    """

    share: PositiveInterval | None = None
    conversion: PositiveInterval | None = None

    @model_validator(mode="after")
    def _one_scale(self) -> Self:
        if self.share and self.conversion:
            raise ValueError(
                "state the prior as 'share' or as 'conversion', not both; drop one of the two"
            )
        if self.share and self.share[1] > 1:
            raise ValueError(f"a share cannot exceed 1, got {self.share[1]:g}; 0.1 is 10 %")
        return self


class Path(Block):
    """A mediator (branded search) or a stage of a funnel (leads, pipeline).

    `column` is the series. `drivers` are the channels, or other paths, that move it: left out,
    the paths that feed it, or all channels where none does. `feeds` is the path it moves, or
    `outcome`: left out, the paths that name it as a driver, else the outcome. `lag` is how long
    what it feeds takes to follow. `direct: false` says that what drives it reaches what it feeds
    through it alone. `time_varying` lets its conversion drift. A column that is also the media of
    a channel is a path that is bought as well: the channel then holds its effect.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\- ]*$", max_length=80)]
    column: str
    drivers: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    feeds: str | None = None
    lag: Lag | None = None
    direct: bool = True
    prior: PathPrior = PathPrior()
    time_varying: bool = False
    off_when_missing: bool = False
