"""A channel: its columns, role, transforms, prior and costs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from mmm.config.block import Block, PositiveInterval
from mmm.errors import did_you_mean


class Role(StrEnum):
    """Where a channel's effect goes: now (tactical), later (brand), or both."""

    TACTICAL = "tactical"
    BRAND = "brand"
    BOTH = "both"

    @property
    def has_brand(self) -> bool:
        return self is not Role.TACTICAL

    @property
    def has_tactical(self) -> bool:
        return self is not Role.BRAND


ADSTOCKS = ("geometric", "delayed", "weibull_pdf", "weibull_cdf", "none")
SATURATIONS = ("hill", "michaelis_menten", "logistic", "tanh", "root", "none")
"""The families that come with the library: what the published schema knows."""

_own_adstocks: set[str] = set()
_own_saturations: set[str] = set()


def register_adstock_name(name: str) -> None:
    """Lets a channel name this adstock, which Python code has defined; twice is no matter."""
    _own_adstocks.add(name)


def register_saturation_name(name: str) -> None:
    """Lets a channel name this saturation, which Python code has defined; twice is no matter."""
    _own_saturations.add(name)


def known_adstocks() -> tuple[str, ...]:
    """Every adstock a channel may name: the library's, then those registered, by name."""
    return (*ADSTOCKS, *sorted(_own_adstocks.difference(ADSTOCKS)))


def known_saturations() -> tuple[str, ...]:
    """Every saturation a channel may name: the library's, then those registered, by name."""
    return (*SATURATIONS, *sorted(_own_saturations.difference(SATURATIONS)))


def _known(name: str, names: tuple[str, ...]) -> str:
    if name not in names:
        near = did_you_mean(name, names)
        rest = f" Valid: {', '.join(names)}." if near.startswith("did") else ""
        raise ValueError(f"'{name}' is not a valid value; {near}{rest}")
    return name


def _known_adstock(name: str) -> str:
    return _known(name, known_adstocks())


def _known_saturation(name: str) -> str:
    return _known(name, known_saturations())


AdstockName = Annotated[
    str,
    AfterValidator(_known_adstock),
    WithJsonSchema({"type": "string", "enum": list(ADSTOCKS)}),
]
"""One of `known_adstocks()`."""

SaturationName = Annotated[
    str,
    AfterValidator(_known_saturation),
    WithJsonSchema({"type": "string", "enum": list(SATURATIONS)}),
]
"""One of `known_saturations()`."""


class Prior(Block):
    """What is believed about a channel before the data, as 90 % intervals.

    `roi`: value of outcome per unit of loaded cost. `share`: the channel's part of the
    whole outcome, 0 to 1 (the part that would be missing without it, where effects
    multiply). At most one of the two. `half_life`: carry-over of the tactical
    effect in periods (geometric adstock). `source`: where the interval of the return or the
    share comes from, in words; the ledger repeats it.
    """

    roi: PositiveInterval | None = None
    share: PositiveInterval | None = None
    half_life: PositiveInterval | None = None
    source: Annotated[str, Field(max_length=200)] | None = None

    @model_validator(mode="after")
    def _one_scale(self) -> Self:
        if self.roi and self.share:
            raise ValueError("state the prior as 'roi' or as 'share', not both")
        if self.share and self.share[1] > 1:
            raise ValueError(f"a share of outcome cannot exceed 1, got {self.share[1]:g}")
        return self


class Costs(Block):
    """What a channel costs beyond media spend.

    `agency_fee`: part of media spend paid on top (0.12 is 12 %). `fixed_per_period`: money
    a period for the whole study, all geos together. `unit_cost`: money per unit of
    exposure, for channels without media spend.
    """

    agency_fee: Annotated[float, Field(ge=0, le=5)] = 0.0
    fixed_per_period: Annotated[float, Field(ge=0)] = 0.0
    unit_cost: Annotated[float, Field(ge=0)] | None = None


class Channel(Block):
    """One marketing or sales activity. Only `name`, `role` and one column are required.

    `off_when_missing` declares that an empty cell means the channel was off.
    `carry_in` is the level before the first period, as a multiple of the channel's mean
    over the early window; `estimated` learns it. `time_varying` lets its effectiveness move
    over time: smooth Gaussian deviations around its mean.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\- ]*$", max_length=80)]
    role: Role
    spend: str | None = None
    exposure: str | None = None
    adstock: AdstockName = "geometric"
    saturation: SaturationName = "hill"
    prior: Prior = Prior()
    costs: Costs = Costs()
    off_when_missing: bool = False
    carry_in: Literal["estimated"] | Annotated[float, Field(ge=0)] = "estimated"
    time_varying: bool = False

    @model_validator(mode="after")
    def _has_a_column(self) -> Self:
        if self.spend is None and self.exposure is None:
            raise ValueError(f"channel '{self.name}' needs 'spend' or 'exposure' (a column name)")
        if self.spend is not None and self.costs.unit_cost is not None:
            raise ValueError(
                f"channel '{self.name}' has media spend, so 'unit_cost' would count its cost "
                "twice; drop 'unit_cost' or drop 'spend'"
            )
        return self

    @property
    def media_column(self) -> str:
        """The column the response is a function of: exposure where given, else spend."""
        return self.exposure or self.spend or ""
