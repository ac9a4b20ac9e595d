"""The plan block: what lies ahead, what may be spent on it, and what is wanted from it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from mmm.config.block import Block


def _not_negative(interval: tuple[float, float]) -> tuple[float, float]:
    low, high = interval
    if low < 0 or low > high:
        raise ValueError(
            f"[{low:g}, {high:g}] must run from low to high and not below zero; "
            "write the least first, as in [0.5, 2]"
        )
    return interval


Limits = Annotated[tuple[float, float], AfterValidator(_not_negative)]
"""Least and most, the same where nothing may move."""


def _share(interval: tuple[float, float]) -> tuple[float, float]:
    if interval[1] > 1:
        raise ValueError(f"a share cannot exceed 1, got {interval[1]:g}; 0.1 is 10 %")
    return interval


Share = Annotated[Limits, AfterValidator(_share)]

ObjectiveName = Literal[
    "expected_profit", "expected_outcome", "cvar", "probability_of_target", "mean_variance"
]


class PlanGroup(Block):
    """Channels with a common limit: `spend`, money over the horizon, or `share` of all money."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    channels: Annotated[tuple[str, ...], Field(min_length=1)]
    spend: Limits | None = None
    share: Share | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.spend is None and self.share is None:
            raise ValueError(
                f"group '{self.name}' needs 'spend' or 'share'; add one as [least, most]"
            )
        return self


class PlanSettings(Block):
    """The periods ahead: how many, and how money is to be spent in them.

    `horizon`: periods after the last one observed. With `budget` or `objective` a plan is
    optimised; else spending repeats its last periods. `budget`: money over the whole horizon,
    media and effort of all channels, without fees and fixed cost; today's where left out; all of
    it is spent unless `spend_all` is false. `bounds`: least and most of a channel as multiples
    of today's money (left out: 0 to 2; no period above the largest seen, or that multiple of
    today's mean period where it is more).
    `fixed`: channels that stay as they are. `groups` and `brand_share`: limits on several
    channels. `pacing`: largest change from period to period, as a part of the channel's mean
    period. `min_flight`: a channel's money in a period is none or at least this.
    `free_geos`: geos need not keep their shares of a channel's money.

    `objective`: `expected_profit`, `expected_outcome`, `cvar` (mean profit of the worst
    1 - `level` of draws), `probability_of_target` (that outcome over the horizon reaches
    `target`) or `mean_variance` (mean profit less `risk_aversion` standard deviations).
    `scenario`: a file of dated spend to use in place of today's (date, geo, channel, spend).
    `controls`: a file of controls ahead (date, geo, one column a control); those it does not name
    are carried forward.
    `prices`: what a unit of exposure costs ahead, by channel; other prices are recent ones, drawn
    ahead from their own history.
    `record`: refit at earlier origins to see how forecasts fared, which costs a fit each.
    """

    horizon: Annotated[int, Field(ge=1, le=1040)] | None = None
    budget: Annotated[float, Field(gt=0)] | None = None
    spend_all: bool = True
    bounds: dict[str, Limits] = Field(default={})
    fixed: tuple[str, ...] = ()
    groups: tuple[PlanGroup, ...] = ()
    brand_share: Share | None = None
    pacing: Annotated[float, Field(ge=0)] | None = None
    min_flight: dict[str, Annotated[float, Field(gt=0)]] = Field(default={})
    free_geos: bool = False
    objective: ObjectiveName | None = None
    level: Annotated[float, Field(ge=0.5, lt=1)] = 0.9
    risk_aversion: Annotated[float, Field(ge=0, le=100)] = 1.0
    target: Annotated[float, Field(gt=0)] | None = None
    scenario: str | None = None
    controls: str | None = None
    prices: dict[str, Annotated[float, Field(gt=0)]] = Field(default={})
    record: bool = False

    @model_validator(mode="after")
    def _target_has_a_use(self) -> Self:
        if self.objective == "probability_of_target" and self.target is None:
            raise ValueError(
                "objective 'probability_of_target' needs 'target', units of outcome; add "
                "'target: ...', or choose another objective"
            )
        both = sorted(set(self.fixed) & {*self.bounds, *self.min_flight})
        if both:
            raise ValueError(
                f"{', '.join(both)}: channels in 'fixed' cannot have 'bounds' or 'min_flight' as "
                "well; take them out of 'fixed' or drop these"
            )
        return self

    @property
    def optimised(self) -> bool:
        """Whether a plan is to be found rather than today's repeated."""
        return self.budget is not None or self.objective is not None

    def channels_named(self) -> tuple[tuple[tuple[str | int, ...], str], ...]:
        """Every channel that a setting names, after its place in the study."""
        found: list[tuple[tuple[str | int, ...], str]] = []
        found += [(("plan", "bounds", name), name) for name in self.bounds]
        found += [(("plan", "fixed", index), name) for index, name in enumerate(self.fixed)]
        for index, group in enumerate(self.groups):
            place = ("plan", "groups", index, "channels")
            found += [((*place, number), name) for number, name in enumerate(group.channels)]
        found += [(("plan", "prices", name), name) for name in self.prices]
        return (*found, *((("plan", "min_flight", name), name) for name in self.min_flight))
