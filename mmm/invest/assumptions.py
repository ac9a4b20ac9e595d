"""What a case rests on: each assumption with its value, its unit and where it came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from mmm.cash.uncertain import Drawn
from mmm.config.finance import Company, CostLine, Customers, Finance

UNITS = {
    "currency": "",
    "margin": "share of outcome value",
    "discount_rate": "per year",
    "tax_rate": "share of profit",
    "payment_delay": "periods",
    "bad_debt": "share of inflow",
    "cost_delay": "periods",
    "horizon": "periods",
    "hurdle": "NPV per unit of cost",
    "risk_level": "chance of missing the hurdle",
    "test_cost": "money",
    "repeat_value": "share of outcome value",
}
ALWAYS = (
    "currency",
    "margin",
    "discount_rate",
    "tax_rate",
    "payment_delay",
    "horizon",
    "hurdle",
    "risk_level",
    "repeat_value",
)
"""Settings that every case lists; the others where they are stated."""

CUSTOMER_UNITS = {
    "acquisition_share": "share of outcome",
    "order_value": "money",
    "orders_per_period": "orders per customer and period",
    "value_per_period": "money per customer and period",
}


class Source(StrEnum):
    """Who or what an assumption comes from."""

    DATA = "data"
    EXPERIMENT = "experiment"
    PRIOR = "prior"
    FINANCE = "finance"
    GUESS = "guess"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Assumption:
    """One assumption. `value` is a number, or text such as a currency code.

    `low` and `high`: the range it may have where one is stated or known, else None.
    """

    name: str
    value: float | int | str
    unit: str
    source: Source
    low: float | None = None
    high: float | None = None


def in_currency(unit: str, currency: str) -> str:
    """A `unit` of money by the name of its currency, where that is known."""
    rest = unit.removeprefix("money")
    return f"{currency}{rest}" if currency and rest != unit else unit


def finance_assumptions(finance: Finance, drawn: Drawn | None = None) -> tuple[Assumption, ...]:
    """One assumption a finance setting, in the block's order.

    The source is `finance` where the study states the setting, `default` where it was left. An
    uncertain one has its mean over `drawn`, the middle of its interval without.
    """
    return tuple(_rows(finance, drawn))


def _rows(finance: Finance, drawn: Drawn | None) -> Iterator[Assumption]:
    stated = finance.model_fields_set
    for name, value in finance:
        given = name in stated
        source = Source.FINANCE if given else Source.DEFAULT
        if isinstance(value, Customers):
            yield from _customers(value, finance, drawn)
        elif isinstance(value, Company):
            yield from _company(value)
        elif name == "costs":
            yield from (_cost(line) for line in finance.costs)
        elif name == "discount_curve" and finance.discount_curve:
            points = ", ".join(f"{rate:.4g} at {years:g}" for years, rate in value)
            yield Assumption(name, points, "per year, at years", source)
        elif name == "collection" and given:
            parts = ", ".join(f"{part:.4g}" for part in value)
            yield Assumption(name, parts, "shares of inflow by period", source)
        elif name == "allow_negative_margin" and value:
            yield Assumption(name, "true", "", source)
        elif name in UNITS and (name in ALWAYS or given):
            if name == "discount_rate" and finance.discount_curve:
                continue
            mean = float(drawn.margin.mean()) if drawn and name == "margin" else None
            yield _ranged(name, value, UNITS[name], source, finance, mean)


def _ranged(
    name: str, value: object, unit: str, source: Source, finance: Finance, mean: float | None
) -> Assumption:
    low, high = finance.ranges.get(name, (None, None))
    if isinstance(value, tuple):
        low, high = value
        value = (low + high) / 2 if mean is None else mean
    number = value if isinstance(value, int | float | str) else "not stated"
    return Assumption(name, number, unit, source, low, high)


def _customers(customers: Customers, finance: Finance, drawn: Drawn | None) -> Iterator[Assumption]:
    kept = float(drawn.retention.mean()) if drawn else None
    share = float(drawn.acquisition_share.mean()) if drawn else None
    unit = "share of customers a period"
    yield _ranged("retention", customers.kept, unit, Source.FINANCE, finance, kept)
    for name, unit in CUSTOMER_UNITS.items():
        if (value := getattr(customers, name)) is not None:
            given = name in customers.model_fields_set
            source = Source.FINANCE if given else Source.DEFAULT
            mean = share if name == "acquisition_share" else None
            yield _ranged(name, value, unit, source, finance, mean)


def _cost(line: CostLine) -> Assumption:
    paid = "paid at its start" if line.paid_at_start else "paid evenly"
    spread = f"{line.kind}, {paid}, over {line.periods} period{'s' * (line.periods != 1)}"
    start = f", from {line.start:%Y-%m-%d}" if line.start else ""
    return Assumption(f"cost: {line.name}", line.amount, f"money ({spread}{start})", Source.FINANCE)


def _company(company: Company) -> Iterator[Assumption]:
    for name, value in company:
        if isinstance(value, int | float):
            unit = "customers" if name.endswith("customers") else "money"
            yield Assumption(f"company: {name}", value, unit, Source.FINANCE)
