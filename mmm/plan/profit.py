"""Profit of a plan by draw, from the same dated cash as a case: NPV before tax and before costs
that are the same for every plan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mmm.cash.cashflow import cash_flow
from mmm.cash.worth import UnitWorth, channels_alone, profit_before_tax, unit_worth
from mmm.config import OutcomeKind
from mmm.errors import Finding, Severity
from mmm.inference.fit import Fit
from mmm.plan.forecast import incremental_value
from mmm.plan.scenario import Scenario
from mmm.results.respond import Response


def profit_span(fit: Fit, horizon: int) -> int:
    """Periods from the plan's first over which its outcome counts."""
    finance = fit.study.finance.settled(fit.panel.periods_per_year)
    return max(finance.horizon or 0, horizon)


def counts_customers(fit: Fit) -> bool:
    """Whether customers who stay are counted from the outcome itself."""
    study = fit.study
    return study.finance.customers is not None and study.outcome.kind is OutcomeKind.CUSTOMERS


def plan_worth_of_units(fit: Fit, scenario: Scenario, draws: int = 1) -> UnitWorth:
    """What units sold and spent are expected to be worth over the span of `scenario`, and in
    each of `draws` where finance is uncertain. Where customers are counted and their price moves,
    what they buy later is that of the mean price."""
    span = profit_span(fit, scenario.periods)
    price = float(scenario.value_per_unit.mean()) if counts_customers(fit) else None
    return unit_worth(
        fit.study.finance,
        fit.panel.future_dates(span),
        fit.panel.periods_per_year,
        price=price,
        draws=draws,
        seed=fit.study.inference.seed,
    )


def counted(read: Response, scenario: Scenario, periods: int, value: np.ndarray) -> np.ndarray:
    """Outcome of `scenario` in its own units, (D, periods), whose `value` is known."""
    price = scenario.value_per_unit
    if np.ptp(price) == 0:
        return value / price.flat[0]
    one = replace(scenario, value_per_unit=np.ones_like(price))
    return incremental_value(read, one, periods)


def profit_of(read: Response, scenario: Scenario, value: np.ndarray) -> np.ndarray:
    """Profit (D,) of `scenario`, whose `value` (D, S) of outcome caused is known. Assumptions that
    finance states as intervals are drawn, as in a case."""
    fit, span = read.fit, value.shape[1]
    units = counted(read, scenario, span, value) if counts_customers(fit) else None
    flow = cash_flow(
        value,
        scenario.cost.sum(axis=1),
        fit.panel.future_dates(span),
        channels_alone(fit.study.finance, span),
        fit.panel.periods_per_year,
        units=units,
        seed=fit.study.inference.seed,
    )
    return profit_before_tax(flow)


def profit_findings(fit: Fit) -> tuple[Finding, ...]:
    """Where a plan's profit is not the case's net present value."""
    finance, found = fit.study.finance, []
    if finance.costs:
        names = ", ".join(line.name for line in finance.costs)
        total = sum(line.amount for line in finance.costs)
        found.append(
            Finding(
                "plan_costs",
                Severity.INFO,
                "finance.costs",
                f"{names} ({total:,.0f} in all) cost the same whichever plan is chosen: they are "
                "in the case and not in the profit of a plan.",
                "Take them from a plan's profit to compare it with spending nothing at all.",
            )
        )
    return tuple(found)
