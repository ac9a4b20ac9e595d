"""A channel: its columns, role, transforms, prior and costs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from mmm.config.block import Block, PositiveInterval
from mmm.config.lag import Lag
from mmm.config.references import PAY_BACK
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


LAG_ADSTOCKS = ("lag_gamma", "lag_lognormal")
ADSTOCKS = (
    "weibull",
    "geometric",
    "delayed",
    "weibull_pdf",
    "weibull_cdf",
    "none",
    *LAG_ADSTOCKS,
)
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


def _known_reference(name: str) -> str:
    return _known(name, tuple(PAY_BACK))


ReferenceName = Annotated[
    str,
    AfterValidator(_known_reference),
    WithJsonSchema({"type": "string", "enum": list(PAY_BACK)}),
]
"""Name of a published pay-back."""


class Prior(Block):
    """What is believed about a channel before the data, as 90 % intervals.

    `roi`: value of outcome per unit of loaded cost. `share`: the channel's part of the
    whole outcome, 0 to 1 (the part that would be missing without it, where effects
    multiply). At most one of the two. `half_life`: of the tactical effect's
    carry-over, in periods (adstocks `weibull`, `geometric`, `delayed`). `reference`: published
    pay-back from which the prior of the brand part of a channel of role `both` is derived.
    `source`: where the interval of the return or the share comes from, in words; the ledger
    repeats it.
    """

    roi: PositiveInterval | None = None
    share: PositiveInterval | None = None
    half_life: PositiveInterval | None = None
    reference: ReferenceName | None = None
    source: Annotated[str, Field(max_length=200)] | None = None

    @model_validator(mode="after")
    def _one_scale(self) -> Self:
        if self.roi and self.share:
            raise ValueError(
                "state the prior as 'roi' or as 'share', not both; drop one of the two"
            )
        if self.share and self.share[1] > 1:
            raise ValueError(
                f"a share of outcome cannot exceed 1, got {self.share[1]:g}; 0.1 is 10 %"
            )
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
    over time: smooth Gaussian deviations around its mean. `lag` states when the effect
    comes, for what works weeks or months later; it stands in place of `adstock`.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\- ]*$", max_length=80)]
    role: Role
    spend: str | None = None
    exposure: str | None = None
    adstock: AdstockName = "weibull"
    lag: Lag | None = None
    saturation: SaturationName = "hill"
    prior: Prior = Prior()
    costs: Costs = Costs()
    off_when_missing: bool = False
    carry_in: Literal["estimated"] | Annotated[float, Field(ge=0)] = "estimated"
    time_varying: bool = False

    @model_validator(mode="before")
    @classmethod
    def _a_lag_is_the_adstock(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "adstock" in data or data.get("lag") is None:
            return data
        lag = data["lag"]
        family = lag.family if isinstance(lag, Lag) else "gamma"
        if isinstance(lag, dict):
            family = lag.get("family", family)
        return data | {"adstock": f"lag_{family}"} if f"lag_{family}" in LAG_ADSTOCKS else data

    @model_validator(mode="after")
    def _a_lag_has_one_statement(self) -> Self:
        expected = self.lag.adstock if self.lag else None
        if expected is None and self.adstock in LAG_ADSTOCKS:
            raise ValueError(
                f"channel '{self.name}': the adstock '{self.adstock}' needs to know the lag; "
                "add 'lag: {median: 8, max: 26}', in periods"
            )
        if expected is not None and self.adstock != expected:
            raise ValueError(
                f"channel '{self.name}' has a lag and the adstock '{self.adstock}', which say "
                "different things; drop one of the two"
            )
        if expected is not None and self.prior.half_life:
            raise ValueError(
                f"channel '{self.name}' has a lag, which has no half-life; "
                "drop 'prior.half_life', or 'lag'"
            )
        return self

    @model_validator(mode="after")
    def _has_a_column(self) -> Self:
        if self.spend is None and self.exposure is None:
            raise ValueError(
                f"channel '{self.name}' needs 'spend' or 'exposure'; "
                "name the column that holds its money or its activity"
            )
        if self.spend is not None and self.costs.unit_cost is not None:
            raise ValueError(
                f"channel '{self.name}' has media spend, so 'unit_cost' would count its cost "
                "twice; drop 'unit_cost' or drop 'spend'"
            )
        return self

    @model_validator(mode="after")
    def _a_reference_splits_an_effect(self) -> Self:
        if self.prior.reference and self.role is not Role.BOTH:
            raise ValueError(
                f"channel '{self.name}' has the role '{self.role}', so its effect is not split "
                "into tactical and brand, and 'prior.reference' has nothing to say of it; drop "
                "the reference or give the role 'both'"
            )
        return self

    @property
    def media_column(self) -> str:
        """The column the response is a function of: exposure where given, else spend."""
        return self.exposure or self.spend or ""
