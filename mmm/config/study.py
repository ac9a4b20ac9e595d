"""The study file as one frozen object."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from mmm.config.block import Block, PlacedError
from mmm.config.brand import Brand
from mmm.config.channel import Channel
from mmm.config.finance import Finance
from mmm.config.names import Called, called, check_apart, check_names, place_words
from mmm.config.path import Path
from mmm.config.plan import PlanSettings
from mmm.config.routes import Routes, routes
from mmm.errors import did_you_mean


class DataSource(Block):
    """Where the numbers are. `file` is relative to the study file; `frequency` is a pandas
    offset alias (W-MON, MS, YS, D) and is inferred when left out."""

    file: str | None = None
    date: str
    geo: str | None = None
    population: str | None = None
    frequency: str | None = None

    @model_validator(mode="after")
    def _population_needs_geo(self) -> Self:
        if self.population and not self.geo:
            raise ValueError(
                "'population' needs 'geo', as it is the size of each geo; name the column of "
                "geos, or drop it"
            )
        return self


class OutcomeKind(StrEnum):
    REVENUE = "revenue"
    UNITS = "units"
    CUSTOMERS = "customers"
    PIPELINE = "pipeline"


class Outcome(Block):
    """What marketing is to move. `value_per_unit` (a number or a column) turns it into money."""

    column: str
    kind: OutcomeKind
    value_per_unit: Annotated[float, Field(gt=0)] | str = 1.0
    currency: str | None = None


class Baseline(Block):
    """What would have happened anyway. `seasonality` is the number of yearly Fourier pairs
    (left out: 2 for data finer than a year, else 0); `trend` is true, false or a number of
    knots; `holidays` is a country code of the `holidays` package, as in DE, GB or US-CA."""

    trend: bool | Annotated[int, Field(ge=2, le=60)] = True
    seasonality: Annotated[int, Field(ge=0, le=12)] | None = None
    holidays: str | None = None

    @field_validator("trend", mode="before")
    @classmethod
    def _numbers_are_knots(cls, value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool) and value < 2:
            raise ValueError("'trend' is true, false or a number of knots; give at least 2 knots")
        return value


class Unmeasured(Block):
    """A touchpoint without data: a stated guess of its share of outcome (90 % interval)."""

    name: str
    share: Annotated[tuple[float, float], Field()]

    @field_validator("share")
    @classmethod
    def _is_a_share(cls, value: tuple[float, float]) -> tuple[float, float]:
        low, high = value
        if not 0 <= low < high <= 1:
            raise ValueError(
                f"share must run from low to high within 0 and 1, got {value}; 0.1 is 10 %"
            )
        return value


_LIKELIHOODS = {"normal": "normal", "studentt": "student_t", "lognormal": "lognormal"}


def _likelihood(value: object) -> object:
    """`Student-t`, `log normal` and the like in the spelling the study keeps."""
    bare = re.sub(r"[-_\s]", "", value.lower()) if isinstance(value, str) else ""
    return _LIKELIHOODS.get(bare, value)


Likelihood = Annotated[Literal["normal", "student_t", "lognormal"], BeforeValidator(_likelihood)]


class Inference(Block):
    """How the posterior is drawn.

    `likelihood`: `normal` (parts add up, Gaussian noise), `student_t` (parts add up, heavy
    tails that forgive odd periods) or `lognormal` (parts multiply, so all outcomes are above
    zero). `sampler`: `nutpie`, or with JAX installed `numpyro` or `blackjax`. `target_accept`,
    left out: 0.98 where a brand stock is fitted and 0.92 where none is. `tune`, left out: 100,
    200 where a brand stock is fitted, and 300 with Student-t noise or where the posterior's shape
    is not known beforehand.
    """

    likelihood: Likelihood = "normal"
    sampler: Literal["nutpie", "numpyro", "blackjax"] = "nutpie"
    chains: Annotated[int, Field(ge=2, le=64)] = 4
    draws: Annotated[int, Field(ge=50, le=100_000)] = 1000
    tune: Annotated[int, Field(ge=50, le=100_000)] | None = None
    target_accept: Annotated[float, Field(ge=0.5, lt=1.0)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1


class Study(Block):
    """A whole study: everything a run depends on, apart from the data itself.

    Raises `pydantic.ValidationError` on unknown keys and impossible values;
    `mmm.load_study` turns that into an `InputError` that names file, key and fix.
    """

    study: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$", max_length=120)]
    data: DataSource
    outcome: Outcome
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)]
    controls: tuple[str, ...] = ()
    demand_proxies: tuple[str, ...] = ()
    baseline: Baseline = Baseline()
    brand: Brand = Brand()
    claims: str | None = None
    experiments: str | None = None
    paths: tuple[Path, ...] = ()
    unmeasured: tuple[Unmeasured, ...] = ()
    inference: Inference = Inference()
    plan: PlanSettings = PlanSettings()
    finance: Finance = Finance()

    @model_validator(mode="after")
    def _columns_are_apart(self) -> Self:
        media = [
            Called("channel", one.media_column,
                   ("channels", index, "exposure" if one.exposure else "spend"))
            for index, one in enumerate(self.channels)
        ]  # fmt: skip
        check_apart(
            media, "two channels read the same column", "name the column of each, or drop one"
        )
        controls = [*called("control", "controls", self.controls)]
        check_apart(controls, "controls listed twice", "drop one of the two")
        paths = [*called("path", "paths", (one.column for one in self.paths), "column")]
        spend = [
            *called("channel", "channels", (one.spend or "" for one in self.channels), "spend")
        ]
        for one in (*media, *spend, *paths, *controls):
            if one.name == self.outcome.column:
                raise PlacedError(
                    f"the outcome column '{one.name}' is also a {one.kind}, which would explain "
                    f"the outcome by itself; name the column that holds the {one.kind}, or drop it",
                    one.place,
                )
        bought = {column: one.name for one in self.channels for column in (one.spend, one.exposure)}
        for one in controls:
            if one.name in bought:
                raise PlacedError(
                    f"channel '{bought[one.name]}' and a control share a column: {one.name}; the "
                    "control would take away what the channel does, so drop it from 'controls'",
                    one.place,
                )
            if one.name in {path.name for path in paths}:
                raise PlacedError(
                    f"controls and paths share a column: {one.name}; a control would take "
                    "away what the path brings, so drop it from 'controls'",
                    one.place,
                )
        stray = [name for name in self.demand_proxies if name not in self.controls]
        if stray:
            raise PlacedError(
                f"demand proxies that are no controls: {', '.join(sorted(stray))}; list them in "
                "'controls' as well",
                ("demand_proxies", self.demand_proxies.index(stray[0])),
            )
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        parts = [
            *called("channel", "channels", (one.name for one in self.channels), "name"),
            *called("touchpoint", "unmeasured", (one.name for one in self.unmeasured), "name"),
            *called("path", "paths", (one.name for one in self.paths), "name"),
            *called("control", "controls", self.controls),
        ]
        base = self.baseline
        used = {"trend": base.trend, "seasonality": base.seasonality != 0,
                "holidays": base.holidays}  # fmt: skip
        check_names(parts, unused=(name for name, there in used.items() if not there))
        return self

    @model_validator(mode="after")
    def _brand_is_of_channels(self) -> Self:
        try:
            self.brand.check_channels({each.name: each.role.has_brand for each in self.channels})
        except ValueError as error:
            raise PlacedError(str(error), ("brand",)) from None
        return self

    @model_validator(mode="after")
    def _plan_names_channels(self) -> Self:
        known = [channel.name for channel in self.channels]
        unknown = [(name, place) for place, name in self.plan.channels_named() if name not in known]
        if unknown:
            listed = ", ".join(f"'{name}' ({place_words(place)})" for name, place in unknown)
            raise PlacedError(
                f"the plan names channels that are not there: {listed}; "
                f"{did_you_mean(unknown[0][0], known)}",
                unknown[0][1],
            )
        unpriced = [c.name for c in self.channels if not (c.spend and c.exposure)]
        for name in sorted(self.plan.prices.keys() & set(unpriced)):
            raise PlacedError(
                f"'plan.prices.{name}' states what a unit of exposure costs, but '{name}' has no "
                "spend with exposure beside it; give effort its cost with 'costs.unit_cost'",
                ("plan", "prices", name),
            )
        return self

    @model_validator(mode="after")
    def _paths_lead_to_the_outcome(self) -> Self:
        try:
            self.routes()
        except ValueError as error:
            raise PlacedError(str(error), ("paths",) if self.paths else ("channels",)) from None
        return self

    @model_validator(mode="after")
    def _one_currency(self) -> Self:
        ours = self.outcome.currency
        for place, currency in self.finance.currencies_named():
            if ours and currency != ours:
                raise PlacedError(
                    f"outcome is in {ours} but finance is in {currency}; give every amount in "
                    f"{ours}, or correct 'outcome.currency'",
                    ("finance", *place),
                )
        return self

    @model_validator(mode="after")
    def _customers_can_be_counted(self) -> Self:
        customers = self.finance.customers
        counted = self.outcome.kind is OutcomeKind.CUSTOMERS
        if customers and customers.order_value is None and not counted:
            raise ValueError(
                f"'finance.customers' needs 'order_value', as the outcome is {self.outcome.kind} "
                "and not customers; give what a customer's first order is worth"
            )
        return self

    @model_validator(mode="after")
    def _the_horizon_holds_the_plan(self) -> Self:
        counted, planned = self.finance.horizon, self.plan.horizon
        if counted and planned and counted < planned:
            raise ValueError(
                f"'finance.horizon' of {counted} periods ends before the spending of the plan "
                f"does ('plan.horizon' is {planned}); give 'finance.horizon' at least {planned} "
                "periods, or shorten 'plan.horizon'"
            )
        first = self.finance.first_cash
        if counted and counted <= first:
            raise ValueError(
                f"'finance.horizon' of {counted} periods ends before any cash comes in, {first} "
                "periods after the outcome ('finance.payment_delay', 'finance.collection'); "
                f"give at least {first + 1} periods, or a shorter delay"
            )
        return self

    def routes(self) -> Routes:
        """Which series move which, in the order in which effects travel."""
        return routes(self.channels, self.paths)

    @property
    def currency(self) -> str:
        return self.outcome.currency or self.finance.currency or ""
