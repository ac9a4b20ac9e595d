"""The study file as one frozen object."""

from __future__ import annotations

import re
from collections import Counter
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from mmm.config.block import Block
from mmm.config.brand import Brand
from mmm.config.channel import Channel
from mmm.config.finance import Finance
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
            raise ValueError("'population' needs 'geo': it is the size of each geo")
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
            raise ValueError("give 'trend' as true, false or a number of knots of at least 2")
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
            raise ValueError(f"share must run from low to high within 0 and 1, got {value}")
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
    def _names_are_unique(self) -> Self:
        names = [channel.name for channel in self.channels]
        names += [touchpoint.name for touchpoint in self.unmeasured]
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            raise ValueError(f"names used twice: {', '.join(twice)}")
        media = [channel.media_column for channel in self.channels]
        shared = sorted(name for name, count in Counter(media).items() if count > 1)
        if shared:
            raise ValueError(f"two channels read the same column: {', '.join(shared)}")
        repeated = sorted(name for name, count in Counter(self.controls).items() if count > 1)
        if repeated:
            raise ValueError(f"controls listed twice: {', '.join(repeated)}")
        stray = sorted(set(self.demand_proxies).difference(self.controls))
        if stray:
            raise ValueError(
                f"demand proxies that are no controls: {', '.join(stray)}; list them in 'controls' "
                "as well"
            )
        if self.outcome.column in {*media, *self.controls}:
            raise ValueError(
                f"the outcome column '{self.outcome.column}' is also a channel or control"
            )
        return self

    @model_validator(mode="after")
    def _brand_is_of_channels(self) -> Self:
        self.brand.check_channels({each.name: each.role.has_brand for each in self.channels})
        return self

    @model_validator(mode="after")
    def _plan_names_channels(self) -> Self:
        known = [channel.name for channel in self.channels]
        unknown = [
            f"'{name}' (plan.{key}): {did_you_mean(name, known)}"
            for key, name in self.plan.channels_named()
            if name not in known
        ]
        if unknown:
            raise ValueError(f"the plan names channels that are not there: {'; '.join(unknown)}")
        unpriced = [c.name for c in self.channels if not (c.spend and c.exposure)]
        for name in sorted(self.plan.prices.keys() & set(unpriced)):
            raise ValueError(
                f"'plan.prices.{name}' states what a unit of exposure costs, but '{name}' has no "
                "spend with exposure beside it; give effort its cost with 'costs.unit_cost'"
            )
        return self

    @model_validator(mode="after")
    def _paths_lead_to_the_outcome(self) -> Self:
        columns = {path.column for path in self.paths}
        if self.outcome.column in columns:
            raise ValueError(
                f"the outcome column '{self.outcome.column}' is also a path; a path leads to the "
                "outcome and cannot be it"
            )
        both = sorted(columns.intersection(self.controls))
        if both:
            raise ValueError(
                f"controls and paths share a column: {', '.join(both)}; a control would take "
                "away what the path brings, so drop it from 'controls'"
            )
        guessed = {one.name for one in self.unmeasured} & {path.name for path in self.paths}
        if guessed:
            raise ValueError(f"names used twice: {', '.join(sorted(guessed))}")
        self.routes()
        return self

    @model_validator(mode="after")
    def _one_currency(self) -> Self:
        ours = self.outcome.currency
        others = sorted(self.finance.stated_currencies - {ours})
        if ours and others:
            raise ValueError(
                f"outcome is in {ours} but finance is in {others[0]}; use one currency"
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
        return self

    def routes(self) -> Routes:
        """Which series move which, in the order in which effects travel."""
        return routes(self.channels, self.paths)

    @property
    def currency(self) -> str:
        return self.outcome.currency or self.finance.currency or ""
