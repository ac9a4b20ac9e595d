"""Customers won, how long they stay, and what one of them is worth.

Retention is geometric: of the customers won in a period, the part r^k is still there k periods
later (Berger and Nasr, 1998). With i the discount rate and m what a retained customer earns a
period, what follows the first purchase is worth m r / (1 + i - r) (Gupta, Lehmann and Stuart,
2004, "Valuing customers", Journal of Marketing Research 41).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm.cash.uncertain import Drawn
from mmm.cash.value import Floats, curve_factors, per_period_rate, refuse
from mmm.config.finance import Customers, Finance


@dataclass(frozen=True, slots=True)
class CustomerBase:
    """Customers that the outcome of P periods wins, by draw.

    `won` (D, P) new customers; `later_value` (D, P): outcome value of what those won in earlier
    periods buy; `after` (D,): the same for all time past the last period. `first_value` (D,) and
    `period_value` (D,): outcome value of a customer's first order, and of a retained one a period.
    """

    won: Floats
    later_value: Floats
    after: Floats
    first_value: Floats
    period_value: Floats


def retained(won: Floats, retention: Floats) -> Floats:
    """Of customers `won` (D, P) in earlier periods, those still there, (D, P + 1).

    The last column is of the period after the last: a_t = r (a_{t-1} + n_{t-1}), a_0 = 0.
    """
    there = np.zeros((len(won), won.shape[1] + 1))
    for period in range(won.shape[1]):
        there[:, period + 1] = retention * (there[:, period] + won[:, period])
    return there


def customer_base(
    stated: Customers, drawn: Drawn, value: Floats, units: Floats | None
) -> CustomerBase:
    """The customers behind outcome `value` (D, P) in money.

    `units` (D, P): the outcome where it counts customers; otherwise an order value says how many
    there are. Raises `InputError` where neither does.
    """
    share = drawn.acquisition_share[:, None]
    if units is not None:
        won = share * units
        counted = units.sum(axis=1)
        first = np.divide(
            value.sum(axis=1), counted, out=np.zeros_like(counted), where=counted != 0
        )
    elif stated.order_value is not None:
        won = share * value / stated.order_value
        first = np.full(len(value), stated.order_value)
    else:
        raise refuse(
            "finance.customers",
            "has no 'order_value', and the outcome does not count customers.",
            "Give what a customer's first order is worth.",
        )
    order = first if stated.order_value is None else np.full(len(value), stated.order_value)
    per_period = (
        np.full(len(value), stated.value_per_period)
        if stated.value_per_period is not None
        else order * (stated.orders_per_period or 0.0)
    )
    there = retained(won, drawn.retention)
    return CustomerBase(
        won=won,
        later_value=per_period[:, None] * there[:, :-1],
        after=per_period * there[:, -1] / (1.0 - drawn.retention),
        first_value=first,
        period_value=per_period,
    )


def expected_stay(retention: Floats, finance: Finance, periods_per_year: float) -> Floats:
    """Discounted periods a customer stays after the first purchase, sum_{k>0} r^k d_k, (D,).

    d_k is the discount factor of `finance`. Closed: r / (1 + i - r) at a flat rate i; with a
    curve, the sum to its last term and the closed form of the flat rest.
    """
    if not finance.discount_curve:
        rate = per_period_rate(finance.discount_rate, periods_per_year)
        return retention / (1.0 + rate - retention)
    last_years, last_rate = finance.discount_curve[-1]
    terms = max(1, int(np.ceil(last_years * periods_per_year)))
    steps = np.arange(1, terms + 1)
    factors = curve_factors(finance.discount_curve, steps / periods_per_year)
    near = np.zeros_like(retention)
    power = np.ones_like(retention)
    for factor in factors:
        power = power * retention
        near += power * factor
    keep = retention / (1.0 + per_period_rate(last_rate, periods_per_year))
    return near + power * factors[-1] * keep / (1.0 - keep)


def lifetime_value(
    base: CustomerBase, drawn: Drawn, finance: Finance, periods_per_year: float
) -> Floats:
    """Contribution of one new customer in today's money, first order included, (D,).

    Before what winning the customer cost, and before tax.
    """
    stay = expected_stay(drawn.retention, finance, periods_per_year)
    received = drawn.margin * (1.0 - finance.bad_debt)
    return received * (base.first_value + base.period_value * stay)
