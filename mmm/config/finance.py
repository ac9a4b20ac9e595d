"""The finance block: what turns outcome into cash, and cash into value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from itertools import pairwise
from math import log1p
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from mmm.config.block import Block, Interval
from mmm.dims import DAYS_PER_WEEK, DAYS_PER_YEAR
from mmm.errors import did_you_mean

DEFAULT_HORIZON_WEEKS = 156.0
HIGHEST_RATE = 1.0
HIGHEST_HURDLE = 3.0
"""Net present value per unit of cost: nobody asks for more than 300 %, and 15 is meant as 0.15."""
ADDS_UP = 1e-6

CUSTOMER_RANGES = (
    "acquisition_share",
    "retention",
    "order_value",
    "orders_per_period",
    "value_per_period",
)
RANGES = (
    "margin",
    "discount_rate",
    "tax_rate",
    "payment_delay",
    "bad_debt",
    "cost_delay",
    "horizon",
    "repeat_value",
    *CUSTOMER_RANGES,
)
"""What `finance.ranges` may give a low and a high value for."""

Rate = Annotated[float, Field(ge=0, le=HIGHEST_RATE)]
Amount = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Delay = Annotated[int, Field(ge=0, le=520)]


def _proportion(value: float | tuple[float, float]) -> float | tuple[float, float]:
    if isinstance(value, tuple):
        if not 0 < value[0] < value[1] < 1:
            raise ValueError(
                f"[{value[0]:g}, {value[1]:g}] is no interval of a part of a whole; "
                "give two numbers between 0 and 1, such as [0.9, 0.95]"
            )
    elif not 0 < value <= 1:
        raise ValueError(f"{value:g} is not a part of a whole; give a number above 0, at most 1")
    return value


Proportion = Annotated[float | Interval, AfterValidator(_proportion)]
"""A part of a whole: one number, or the 90 % interval of an uncertain one."""


class CostKind(StrEnum):
    PRODUCTION = "production"
    PEOPLE = "people"
    OTHER = "other"


class CostLine(Block):
    """A cost beyond the channels' own: a film, a team, a tool.

    `amount` is the whole of it. `start` is a date, or left out the first period of the case;
    `periods` is over how many it is used. `paid`: `at_start` or `evenly` over its periods; left
    out, production is paid at its start and all else evenly. For tax it is always written off
    evenly over its periods.
    """

    name: Annotated[str, Field(min_length=1, max_length=80)]
    amount: Positive
    kind: CostKind = CostKind.OTHER
    start: date | None = None
    periods: Annotated[int, Field(ge=1, le=2000)] = 1
    paid: Literal["at_start", "evenly"] | None = None
    currency: str | None = None

    @property
    def paid_at_start(self) -> bool:
        return self.paid == "at_start" or (self.paid is None and self.kind is CostKind.PRODUCTION)


class Customers(Block):
    """What customers won by marketing go on buying: geometric retention, in dated cash.

    `acquisition_share`: the part of the outcome that comes from customers new to the company.
    `retention`: the part of them that is still there one period later (or `churn`, 1 less it).
    `value_per_period`: outcome value of a retained customer a period, or `orders_per_period`
    times `order_value`. `order_value`: of a first order too; it says how many customers an
    outcome in money is, and is not needed where the outcome counts customers.
    """

    acquisition_share: Proportion = 1.0
    retention: Proportion | None = None
    churn: Annotated[float, Field(ge=0, lt=1)] | None = None
    value_per_period: Positive | None = None
    orders_per_period: Positive | None = None
    order_value: Positive | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.retention is None) == (self.churn is None):
            raise ValueError("'retention' or 'churn' is needed; give one, not both")
        if (self.value_per_period is None) == (self.orders_per_period is None):
            raise ValueError(
                "'value_per_period' or 'orders_per_period' is needed; give one, not both"
            )
        ends = self.kept if isinstance(self.kept, tuple) else (self.kept,)
        if max(ends) >= 1:
            raise ValueError(
                "a retention of 1 means that nobody ever leaves; give a part below 1 a period"
            )
        return self

    @property
    def kept(self) -> float | tuple[float, float]:
        """Retention a period, however it was stated."""
        if self.retention is not None:
            return self.retention
        return 1.0 - (self.churn or 0.0)


class Company(Block):
    """Figures of the whole company, each optional, from its accounts.

    `revenue`, `sales_and_marketing` and `new_customers` are of one `period`;
    `previous_revenue` and `previous_sales_and_marketing` of the one before. `customers` is how
    many there are now. `market_value` and `replacement_cost` are of all assets: equity and debt
    as the market values them, and what the assets would cost to replace.
    """

    currency: str | None = None
    period: Literal["year", "quarter"] = "year"
    revenue: Amount | None = None
    previous_revenue: Amount | None = None
    sales_and_marketing: Positive | None = None
    previous_sales_and_marketing: Positive | None = None
    new_customers: Positive | None = None
    customers: Positive | None = None
    market_value: Positive | None = None
    replacement_cost: Positive | None = None

    @model_validator(mode="after")
    def _q_needs_both(self) -> Self:
        if (self.market_value is None) != (self.replacement_cost is None):
            raise ValueError(
                "Tobin's q is market value over replacement cost; give "
                "'market_value' and 'replacement_cost', or neither"
            )
        return self


class Finance(Block):
    """Assumptions finance owns. Rates are yearly, delays and horizon are in periods.

    `margin`: contribution margin on outcome value, a number or a 90 % interval. `discount_rate`:
    cost of capital a year, or `discount_curve`: [years, rate] pairs, straight between them.
    `tax_rate`: on profit. `payment_delay`: periods from outcome to cash, and `collection`: the
    parts of it received then and in the periods after; `bad_debt` is never received.
    `cost_delay`: periods from spending to paying. `horizon`: periods of cash counted from the
    start of spending, three years when left out. `hurdle`: the NPV per unit of cost the
    investment must clear, `risk_level`: the chance of missing it that finance accepts.
    `repeat_value`: later value per unit of outcome value, before margin (0.2 is 20 % more from
    repeat purchase). `ranges`: low and high value of an assumption, for the tornado.
    """

    currency: str | None = None
    allow_negative_margin: bool = False
    margin: float | Interval = 1.0
    discount_rate: Rate = 0.0
    discount_curve: tuple[tuple[Amount, Rate], ...] = ()
    tax_rate: Annotated[float, Field(ge=0, lt=1)] = 0.0
    payment_delay: Delay = 0
    collection: Annotated[tuple[Amount, ...], Field(min_length=1, max_length=520)] = (1.0,)
    bad_debt: Annotated[float, Field(ge=0, lt=1)] = 0.0
    cost_delay: Delay = 0
    horizon: Annotated[int, Field(ge=1, le=2000)] | None = None
    hurdle: Annotated[float, Field(ge=-1, le=HIGHEST_HURDLE)] = 0.0
    risk_level: Annotated[float, Field(gt=0, lt=0.5)] = 0.2
    test_cost: Amount = 0.0
    repeat_value: Annotated[float, Field(ge=0, le=100)] = 0.0
    customers: Customers | None = None
    costs: tuple[CostLine, ...] = ()
    company: Company | None = None
    ranges: Mapping[str, Interval] = {}

    @field_validator("margin")
    @classmethod
    def _margin_earns(
        cls, value: float | tuple[float, float], info: ValidationInfo
    ) -> float | tuple[float, float]:
        ends = value if isinstance(value, tuple) else (value,)
        if max(ends) > 1 or (len(ends) > 1 and max(ends) == 1):
            raise ValueError(
                f"a margin of {max(ends):g} leaves nothing for what is sold to cost; "
                "give a part of outcome value (0.4 is 40 %)"
                if max(ends) == 1
                else f"a margin of {max(ends):g} is more than all outcome value; "
                "give a part of outcome value (0.4 is 40 %)"
            )
        if min(ends) <= 0 and not info.data.get("allow_negative_margin"):
            raise ValueError(
                f"a margin of {min(ends):g} is not above 0, so every sale would lose money; "
                "correct it, or say 'allow_negative_margin: true' if that is meant"
            )
        return value

    @field_validator("discount_curve")
    @classmethod
    def _later_money_is_worth_less(
        cls, value: tuple[tuple[float, float], ...]
    ) -> tuple[tuple[float, float], ...]:
        if any(first[0] >= second[0] for first, second in pairwise(value)):
            raise ValueError(
                "the years of the curve do not rise; "
                "give [years, rate] pairs with the shortest term first"
            )
        growth = [years * log1p(rate) for years, rate in value]
        if any(first > second for first, second in pairwise(growth)):
            raise ValueError(
                "the rates fall so steeply that later money would be worth more than earlier; "
                "correct the curve"
            )
        return value

    @field_validator("collection")
    @classmethod
    def _all_is_collected(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if abs(sum(value) - 1.0) > ADDS_UP:
            raise ValueError(
                f"the parts add up to {sum(value):g}, not 1; correct them, and say what is never "
                "paid as 'bad_debt'"
            )
        return value

    @field_validator("costs")
    @classmethod
    def _costs_have_names(cls, value: tuple[CostLine, ...]) -> tuple[CostLine, ...]:
        names = [line.name for line in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"costs named twice: {', '.join(twice)}; give each its own name")
        return value

    @model_validator(mode="after")
    def _repeat_purchase_counts_once(self) -> Self:
        if self.repeat_value and self.customers:
            raise ValueError(
                "'repeat_value' and 'customers' both count what customers buy later; keep one"
            )
        return self

    @model_validator(mode="after")
    def _one_discounting(self) -> Self:
        if self.discount_curve and self.discount_rate:
            raise ValueError(
                "'discount_rate' and 'discount_curve' are both given; keep one of them"
            )
        return self

    @model_validator(mode="after")
    def _one_currency(self) -> Self:
        stated = {self.currency, *(line.currency for line in self.costs)}
        if self.company:
            stated.add(self.company.currency)
        if len(stated - {None}) > 1:
            names = ", ".join(sorted(name for name in stated if name))
            raise ValueError(
                f"the finance block mixes currencies ({names}); convert all amounts to one"
            )
        return self

    @model_validator(mode="after")
    def _ranges_can_be_met(self) -> Self:
        for name, ends in self.ranges.items():
            if name not in RANGES:
                raise ValueError(f"ranges: '{name}' has no range; {did_you_mean(name, RANGES)}")
            if name in CUSTOMER_RANGES and self.customers is None:
                raise ValueError(
                    f"ranges: '{name}' belongs to 'customers', which are not stated; "
                    "state them or drop the range"
                )
            for end in ends:
                self._can_be(name, end)
        return self

    def _can_be(self, name: str, value: float) -> None:
        try:
            self.replaced(name, value)
        except ValidationError as refused:
            why = refused.errors()[0]["msg"].removeprefix("Value error, ").partition("; ")[0]
            raise ValueError(
                f"ranges: '{name}' cannot be {value:g} ({why}); give values the key itself may have"
            ) from None

    def replaced(self, name: str, value: float) -> Finance:
        """The same with one assumption of `RANGES` at another value, and without ranges.

        Raises `pydantic.ValidationError` where it cannot have that value.
        """
        content: dict[str, Any] = self.model_dump(exclude_unset=True, exclude={"ranges"})
        fixed = round(value) if name in ("payment_delay", "cost_delay", "horizon") else value
        if name in CUSTOMER_RANGES:
            if name == "retention":
                content["customers"].pop("churn", None)
            content["customers"][name] = fixed
        else:
            content[name] = fixed
        if name == "discount_rate":
            content.pop("discount_curve", None)
        return Finance.model_validate(content)

    @property
    def first_cash(self) -> int:
        """Periods from outcome to the first of its cash."""
        return self.payment_delay + next(n for n, part in enumerate(self.collection) if part)

    @property
    def expected_margin(self) -> float:
        """The margin, the middle of its interval where it is uncertain."""
        return sum(self.margin) / 2 if isinstance(self.margin, tuple) else self.margin

    def rate_at(self, years: float) -> float:
        """The yearly discount rate of cash so far ahead: the one rate, or the curve's."""
        if not self.discount_curve:
            return self.discount_rate
        first, *_, last = self.discount_curve * 2
        if not first[0] < years < last[0]:
            return first[1] if years <= first[0] else last[1]
        return next(
            low + (high - low) * (years - before) / (after - before)
            for (before, low), (after, high) in pairwise(self.discount_curve)
            if years <= after
        )

    def stating(self, names: Iterable[str]) -> Finance:
        """The same, of which only `names` were stated: the rest are defaults."""
        return Finance.model_construct(set(names), **dict(self))

    @property
    def stated_currencies(self) -> frozenset[str]:
        """Every currency the block names."""
        return frozenset(name for _, name in self.currencies_named())

    def currencies_named(self) -> tuple[tuple[tuple[str | int, ...], str], ...]:
        """Every currency stated, after its place in the block."""
        named: list[tuple[tuple[str | int, ...], str | None]] = [(("currency",), self.currency)]
        if self.company:
            named.append((("company", "currency"), self.company.currency))
        for index, line in enumerate(self.costs):
            named.append((("costs", index, "currency"), line.currency))
        return tuple((place, name) for place, name in named if name)

    def settled(self, periods_per_year: float, currency: str = "") -> Finance:
        """The same with horizon and currency settled; a default stays a default."""
        weeks = DAYS_PER_YEAR / DAYS_PER_WEEK / periods_per_year
        horizon = self.horizon or max(1, round(DEFAULT_HORIZON_WEEKS / weeks))
        values = dict(self) | {"horizon": horizon, "currency": self.currency or currency or None}
        return Finance.model_construct(self.model_fields_set, **values)
