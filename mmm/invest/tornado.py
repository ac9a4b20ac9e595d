"""The tornado: how far each assumption alone moves the value and the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmm.cash.cashflow import CashFlow
from mmm.cash.value import Floats
from mmm.config.finance import CUSTOMER_RANGES, RANGES, Finance
from mmm.invest.assumptions import Source
from mmm.invest.valuation import PlanWorth, marginal_return, present_value, rule_of
from mmm.invest.verdict import Rule, Verdict, decide, grounds

RELATIVE = {
    "margin": 0.1,
    "horizon": 0.5,
    "repeat_value": 0.5,
    "order_value": 0.2,
    "orders_per_period": 0.2,
    "value_per_period": 0.2,
    "acquisition_share": 0.1,
}
"""Default swing either way, as a part of the value."""

ABSOLUTE = {"discount_rate": 0.03, "tax_rate": 0.05, "bad_debt": 0.02}
"""Default swing either way, as an amount."""

DELAY_YEARS = 1.0 / 12.0
"""Default swing of delays, to one side where they are nothing."""

CHURN = 0.2
"""Default swing of retention: as a part of the churn it leaves."""

COST = 0.1
"""Swing of all costs, as a part of them."""

DECILE = 0.1


@dataclass(frozen=True, slots=True)
class Swing:
    """One assumption at its low and its high value, all else as it is.

    `source` of the assumption; `basis` says where low and high come from: `stated` ranges, a
    `default` swing, or the `posterior`, whose ends are the means of the draws with the lowest and
    the highest tenth of the quantity.
    """

    name: str
    source: Source
    basis: str
    unit: str
    low: float
    high: float
    npv_low: float
    npv_high: float
    probability_low: float
    probability_high: float
    verdict_low: Verdict
    verdict_high: Verdict

    @property
    def span(self) -> float:
        return abs(self.npv_high - self.npv_low)


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something the posterior knows, by draw (D,), and what it comes from."""

    name: str
    draws: Floats
    unit: str
    source: Source


@dataclass(frozen=True, slots=True)
class _Side:
    """Value and verdict with one assumption moved."""

    npv: float
    probability: float
    verdict: Verdict


def tornado(
    worth: PlanWorth,
    finance: Finance,
    quantities: tuple[Quantity, ...],
    *,
    fit_verdict: str,
    prior_led: bool = False,
) -> tuple[Swing, ...]:
    """Every assumption of `finance` and every posterior quantity, widest swing first."""
    found = [*_finance_swings(worth, finance, fit_verdict, prior_led)]
    cash, last = worth.cash(finance), marginal_return(worth.last_cash(finance))
    rule = rule_of(finance)
    for one in quantities:
        low, high = np.quantile(one.draws, [DECILE, 1.0 - DECILE])
        ends = [one.draws <= low, one.draws >= high]
        if not low < high:
            continue
        sides = [_side(cash, last, rule, fit_verdict, prior_led, chosen) for chosen in ends]
        values = [float(one.draws[chosen].mean()) for chosen in ends]
        found.append(_swing(one.name, one.source, "posterior", one.unit, values, sides))
    return tuple(sorted(found, key=lambda swing: -swing.span))


def _finance_swings(
    worth: PlanWorth, finance: Finance, fit_verdict: str, prior_led: bool
) -> Iterator[Swing]:
    rule = rule_of(finance)
    for name in RANGES:
        spans = len(worth.whole.cost), len(worth.dates)
        ends = ends_of(finance, name, worth.periods_per_year, spans)
        if ends is None:
            continue
        basis, values = ends
        sides = []
        for end in values:
            moved = finance.replaced(name, end).settled(worth.periods_per_year)
            last = marginal_return(worth.last_cash(moved))
            sides.append(_side(worth.cash(moved), last, rule, fit_verdict, prior_led))
        yield _swing(name, source_of(finance, name), basis, UNITS[name], values, sides)
    yield from _cost_swing(worth, finance, fit_verdict, prior_led)


UNITS: Mapping[str, str] = {
    "margin": "share of outcome value",
    "discount_rate": "per year",
    "tax_rate": "share of profit",
    "payment_delay": "periods",
    "bad_debt": "share of inflow",
    "cost_delay": "periods",
    "horizon": "periods",
    "repeat_value": "share of outcome value",
    "acquisition_share": "share of outcome",
    "retention": "share of customers a period",
    "order_value": "money",
    "orders_per_period": "orders per customer and period",
    "value_per_period": "money per customer and period",
}


def source_of(finance: Finance, name: str) -> Source:
    """Whether finance stated the assumption `name`."""
    if name in CUSTOMER_RANGES:
        return Source.FINANCE
    stated = name in finance.model_fields_set or (
        name == "discount_rate" and bool(finance.discount_curve)
    )
    return Source.FINANCE if stated else Source.DEFAULT


def ends_of(
    finance: Finance, name: str, periods_per_year: float, spans: tuple[int, int]
) -> tuple[str, tuple[float, float]] | None:
    """Where the low and high value of an assumption come from, and the two; None where the
    assumption is not in use. `spans`: periods of spending, and periods known in all, between
    which the horizon stays."""
    customers = finance.customers
    if name in CUSTOMER_RANGES:
        value = None if customers is None else _customer_value(finance, name)
    else:
        value = getattr(finance, name)
    if value is None:
        return None
    if name in finance.ranges:
        return "stated", _within(name, finance.ranges[name], spans)
    if name == "discount_rate" and finance.discount_curve:
        return None
    if isinstance(value, tuple):
        return "stated", value
    if not value and name in ("repeat_value", "bad_debt", "cost_delay", "tax_rate"):
        return None
    if name in ABSOLUTE:
        step = ABSOLUTE[name]
        return "default", (max(0.0, value - step), min(0.99, value + step))
    if name in ("payment_delay", "cost_delay"):
        step = max(1, round(DELAY_YEARS * periods_per_year))
        return "default", (float(max(0, value - step)), float(value + step))
    if name == "retention":
        return "default", (1 - (1 - value) * (1 + CHURN), 1 - (1 - value) * (1 - CHURN))
    low, high = sorted((value * (1 - RELATIVE[name]), value * (1 + RELATIVE[name])))
    if name in ("margin", "acquisition_share"):
        high = min(high, 1.0)
    return "default", _within(name, (low, high), spans)


def _customer_value(finance: Finance, name: str) -> float | tuple[float, float] | None:
    customers = finance.customers
    if customers is None:
        return None
    return customers.kept if name == "retention" else getattr(customers, name)


def _within(name: str, ends: tuple[float, float], spans: tuple[int, int]) -> tuple[float, float]:
    """Ends of the horizon, no shorter than the spending and no longer than what is known."""
    if name != "horizon":
        return ends
    low, high = (min(max(round(end), spans[0]), spans[1]) for end in ends)
    return float(low), float(high)


def _cost_swing(
    worth: PlanWorth, finance: Finance, fit_verdict: str, prior_led: bool
) -> Iterator[Swing]:
    cash, last = worth.cash(finance), worth.last_cash(finance)
    total = float(cash.cost.sum())
    if total <= 0:
        return
    rule = rule_of(finance)
    npv, ends, sides = present_value(cash), (1.0 - COST, 1.0 + COST), []
    for factor in ends:
        moved = npv - (factor - 1.0) * _after_tax_cost(cash)
        change = None
        if last is not None and last.present_cost > 0:
            less = (factor - 1.0) * _after_tax_cost(last)
            change = (present_value(last) - less) / (factor * last.present_cost)
        found = grounds(
            moved, factor * cash.present_cost, rule, marginal=change, prior_led=prior_led
        )
        decided = decide(found, rule, fit_verdict=fit_verdict)
        sides.append(_Side(float(moved.mean()), found.probability, decided.verdict))
    values = [factor * total for factor in ends]
    yield _swing("cost", Source.DATA, "default", "money", values, sides)


def _after_tax_cost(cash: CashFlow) -> float:
    return (1.0 - cash.finance.tax_rate) * cash.burden


def _side(
    cash: CashFlow,
    last: Floats | None,
    rule: Rule,
    fit_verdict: str,
    prior_led: bool,
    chosen: NDArray[np.bool_] | None = None,
) -> _Side:
    """Value and verdict over the `chosen` draws, all where left out."""
    npv = present_value(cash)
    if chosen is not None:
        npv, last = npv[chosen], None if last is None else last[chosen]
    found = grounds(npv, cash.present_cost, rule, marginal=last, prior_led=prior_led)
    decided = decide(found, rule, fit_verdict=fit_verdict)
    return _Side(float(npv.mean()), found.probability, decided.verdict)


def _swing(
    name: str,
    source: Source,
    basis: str,
    unit: str,
    values: list[float] | tuple[float, float],
    sides: list[_Side],
) -> Swing:
    low, high = sides
    return Swing(
        name=name,
        source=source,
        basis=basis,
        unit=unit,
        low=float(values[0]),
        high=float(values[1]),
        npv_low=low.npv,
        npv_high=high.npv,
        probability_low=low.probability,
        probability_high=high.probability,
        verdict_low=low.verdict,
        verdict_high=high.verdict,
    )
