"""Readings of customers and of the whole company, beside the case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mmm.cash.cashflow import CashFlow
from mmm.cash.customers import CustomerBase, expected_stay, lifetime_value
from mmm.cash.value import Floats, Summary, summarise
from mmm.config.finance import Company, Finance
from mmm.invest.measures import NO_PATH, NO_SUMMARY, PathSummary, path_summary

PERIODS = {"year": 1.0, "quarter": 4.0}

SKOK = "David Skok, For Entrepreneurs (2010)"
MAGIC_NUMBER = "Scale Venture Partners, the SaaS magic number (Leckie, 2008)"
CUSTOMER_EQUITY = "Gupta, Lehmann and Stuart, Journal of Marketing Research 41 (2004)"
TOBIN = "Tobin, Journal of Money, Credit and Banking 1 (1969)"
TWO_DIGITS = 0.005


@dataclass(frozen=True, slots=True)
class CustomerReading:
    """What the plan's customers cost and are worth, one customer, today's money.

    `won`: new customers. `cost_per_customer`: all cost the case counts over them. `lifetime_value`:
    contribution before acquisition cost and tax. `value_to_cost`: the one over the other.
    """

    won: Summary
    cost_per_customer: PathSummary
    lifetime_value: Summary
    value_to_cost: Summary


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of the company: its value, what it says in plain words, and its source.

    `p05` and `p95` are NaN where nothing in it is uncertain.
    """

    name: str
    value: float
    p05: float
    p95: float
    unit: str
    words: str
    source: str


def customer_reading(cash: CashFlow) -> CustomerReading | None:
    """The reading of a cash flow with customers; None without."""
    base = cash.customers
    if base is None:
        return None
    won = base.won.sum(axis=1)
    worth = lifetime_value(base, cash.drawn, cash.finance, cash.periods_per_year)
    cost = float(cash.cost.sum())
    positive = won > 0
    price = np.where(positive, cost / np.where(positive, won, 1.0), np.nan)
    expected = cost / won.mean() if won.mean() > 0 else np.nan
    return CustomerReading(
        won=summarise(won),
        cost_per_customer=path_summary(expected, price) if cost > 0 else NO_PATH,
        lifetime_value=summarise(worth),
        value_to_cost=summarise(worth * won / cost) if cost > 0 else NO_SUMMARY,
    )


def company_readings(cash: CashFlow, npv: Floats) -> tuple[Reading, ...]:
    """Every reading that the company's stated figures allow."""
    company = cash.finance.company
    if company is None:
        return ()
    return tuple(_readings(company, cash, npv))


def _readings(company: Company, cash: CashFlow, npv: Floats) -> Iterator[Reading]:
    finance, base = cash.finance, cash.customers
    if company.sales_and_marketing and company.new_customers:
        yield from _acquisition(company.sales_and_marketing / company.new_customers, cash)
    spent = company.previous_sales_and_marketing or company.sales_and_marketing
    if company.revenue is not None and company.previous_revenue is not None and spent:
        yield _efficiency(company, company.revenue - company.previous_revenue, spent)
    if company.customers and base is not None:
        yield _equity(company, cash, base, finance)
    if company.market_value and company.replacement_cost:
        yield _q(company.market_value, company.replacement_cost)
        share = summarise(npv / company.market_value)
        yield Reading(
            "NPV of this plan over market value",
            share.mean,
            share.p05,
            share.p95,
            "of market value",
            _believed(share.mean),
            "",
        )


def _believed(share: float) -> str:
    """What NPV of so much of the market value says."""
    if abs(share) > 1.0:
        return (
            f"The plan's NPV is {abs(share):,.1f} times the company's whole market value: see that "
            "'finance.company.market_value' is in money, not in thousands or millions."
        )
    change = "more" if share >= 0 else "less"
    return (
        f"Were the market to believe this case, the company would be worth {abs(share):.2%} "
        f"{change}."
    )


def _acquisition(cost: float, cash: CashFlow) -> Iterator[Reading]:
    yield Reading(
        "Cost of acquiring a customer, whole company",
        cost,
        np.nan,
        np.nan,
        "money per new customer",
        "All sales and marketing over all new customers, those who would have come anyway "
        "included: compare with this plan's cost for each customer it wins.",
        "",
    )
    if cash.customers is None:
        return
    worth = lifetime_value(cash.customers, cash.drawn, cash.finance, cash.periods_per_year)
    ratio = summarise(worth / cost)
    verdict = (
        "a customer is worth less than winning one costs"
        if ratio.mean < 1
        else "customers earn back what they cost"
        + ("" if ratio.mean >= 3 else ", with less room than the customary 3")
    )
    yield Reading(
        "Lifetime value over cost of acquiring a customer",
        ratio.mean,
        ratio.p05,
        ratio.p95,
        "times",
        f"{verdict[:1].upper()}{verdict[1:]}. Three is a rule of thumb for subscription firms, "
        "not a law.",
        SKOK,
    )


def _efficiency(company: Company, growth: float, spent: float) -> Reading:
    number = growth * PERIODS[company.period] / spent
    said = (
        "Revenue shrank"
        if growth < 0
        else f"Each unit of sales and marketing went with {number:.2f} of new yearly revenue"
    )
    before = "the period before" if company.previous_sales_and_marketing else "the same period"
    return Reading(
        "Sales-and-marketing efficiency",
        number,
        np.nan,
        np.nan,
        "yearly revenue growth per unit spent",
        f"{said}, counting the spending of {before}. All growth is credited to it, whatever "
        "caused it; above 0.75 is customarily called efficient.",
        MAGIC_NUMBER,
    )


def _equity(company: Company, cash: CashFlow, base: CustomerBase, finance: Finance) -> Reading:
    stay = expected_stay(cash.drawn.retention, finance, cash.periods_per_year)
    each = cash.drawn.margin * (1.0 - finance.bad_debt) * base.period_value * stay
    worth = summarise((company.customers or 0.0) * each)
    part = ""
    if company.market_value:
        share = worth.mean / company.market_value
        part = (
            f" It is {f'{share:.0%} of' if share <= 1 else f'{share:,.1f} times'} the market value."
        )
    return Reading(
        "Customer equity",
        worth.mean,
        worth.p05,
        worth.p95,
        "money",
        "What today's customers will still bring in contribution if they stay and buy as stated, "
        f"before tax and without new ones.{part}",
        CUSTOMER_EQUITY,
    )


def _q(market_value: float, replacement_cost: float) -> Reading:
    q = market_value / replacement_cost
    if abs(q - 1.0) < TWO_DIGITS:
        said = "The market pays what replacing the company's assets would cost."
    elif q > 1:
        said = (
            "The market pays more for the company than replacing its assets would cost. The "
            "difference is what the books do not hold, such as brands, customers and know-how, "
            "and what the market hopes for; investing adds value as long as it earns this price."
        )
    else:
        said = (
            "The market pays less for the company than replacing its assets would cost: buying "
            "such assets is cheaper than building them, and new investment has to show that it "
            "earns its cost."
        )
    return Reading("Tobin's q", q, np.nan, np.nan, "times", said, TOBIN)
