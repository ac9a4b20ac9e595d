"""The brand block: how long brand lasts, and what trackers say about it."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mmm.config.block import Block, PositiveInterval
from mmm.errors import did_you_mean


class Survey(Block):
    """A tracker of the brand: noisy readings of its stock, with gaps where nobody was asked.

    `column` holds the reading, `name` is how results call it (the column when left out).
    `standard_error` is a column or a number in the reading's unit; with `sample_size`, a
    column or a number of people asked, the reading is a proportion between 0 and 1. With
    neither the noise is learned. `scope`: `geo` where every geo has readings of its own,
    `national` where all geos repeat the one of the country.
    """

    column: str
    name: str | None = None
    standard_error: str | Annotated[float, Field(gt=0)] | None = None
    sample_size: str | Annotated[float, Field(ge=2)] | None = None
    scope: Literal["geo", "national"] = "geo"

    @model_validator(mode="after")
    def _one_statement_of_noise(self) -> Self:
        if self.standard_error is not None and self.sample_size is not None:
            raise ValueError(
                "state 'standard_error' or 'sample_size' of a survey, not both; drop one of the two"
            )
        return self

    @property
    def label(self) -> str:
        return self.name or self.column


class BrandGroup(Block):
    """Channels whose brand effects fade alike, and how fast: half-life in weeks (90 %)."""

    name: Annotated[str, Field(min_length=1)]
    channels: Annotated[tuple[str, ...], Field(min_length=1)]
    half_life: PositiveInterval


class Brand(Block):
    """Memory of the brand stock: 90 % interval of its half-life in weeks, shared by all brand
    channels but those of a group in `groups`, which has its own. `survey` is a tracker or a
    list of them. `drift` lets a tracker move slowly for reasons no channel explains."""

    half_life: PositiveInterval = (13.0, 104.0)
    groups: tuple[BrandGroup, ...] = ()
    survey: Survey | tuple[Survey, ...] = ()
    drift: bool = False

    @property
    def surveys(self) -> tuple[Survey, ...]:
        return self.survey if isinstance(self.survey, tuple) else (self.survey,)

    def half_life_of(self, channel: str) -> tuple[float, float]:
        """The interval that holds for a channel: its group's, or the common one."""
        mine = (group.half_life for group in self.groups if channel in group.channels)
        return next(mine, self.half_life)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for what, names in (
            ("brand groups", [group.name for group in self.groups]),
            ("channels in brand groups", [c for group in self.groups for c in group.channels]),
            ("surveys", [survey.label for survey in self.surveys]),
        ):
            twice = sorted(name for name, count in Counter(names).items() if count > 1)
            if twice:
                raise ValueError(f"{what} named twice: {', '.join(twice)}; name each once")
        return self

    def check_channels(self, roles: dict[str, bool]) -> None:
        """Raises ValueError where a group or a survey has no brand channel to speak of; `roles`
        says by channel whether it has a brand effect."""
        for group in self.groups:
            for name in group.channels:
                if name not in roles:
                    raise ValueError(
                        f"brand group '{group.name}': no channel '{name}'; "
                        f"{did_you_mean(name, roles)}"
                    )
                if not roles[name]:
                    raise ValueError(
                        f"brand group '{group.name}': channel '{name}' has the role 'tactical', "
                        "so it has no brand effect that could last; take it out of the group, or "
                        "give it the role 'both'"
                    )
        if self.surveys and not any(roles.values()):
            raise ValueError(
                "a survey reads the brand stock, and no channel has the role 'brand' or 'both'; "
                "give a channel that role, or drop the survey"
            )
