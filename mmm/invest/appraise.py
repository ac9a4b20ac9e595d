"""The appraisal of a plan: from a fit's draws to cash and case."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mmm.cash.cashflow import CashFlow
from mmm.config import OutcomeKind
from mmm.config.finance import Finance
from mmm.data.costs import variable_cost_rate
from mmm.errors import input_error
from mmm.inference.fit import Fit
from mmm.invest.case import InvestmentCase, build_case
from mmm.invest.learned import (
    believed_part,
    learned_assumptions,
    plan_assumptions,
    quantities,
)
from mmm.invest.measures import LATEST_YEARS
from mmm.invest.sensitivity import prior_sensitivity
from mmm.invest.tornado import tornado
from mmm.invest.valuation import PlanWorth, Spending, marginal_return, present_value, rule_of
from mmm.plan.forecast import incremental_value
from mmm.plan.profit import counted
from mmm.plan.scenario import Scenario, as_is
from mmm.plan.support import scenario_findings
from mmm.results.ledger import ledger_table
from mmm.results.powerscale import log_priors
from mmm.results.respond import Response, response

STEP = 1e-3
"""Change of spending from which the return of its last unit is read."""

PRIOR_LED = 0.5
"""Part of the expected effect that may rest on priors before the case is said to."""


@dataclass(frozen=True, slots=True)
class Appraisal:
    """Cash flow and case of a plan."""

    worth: PlanWorth
    cash: CashFlow
    case: InvestmentCase


def appraise(
    read: Response,
    scenario: Scenario,
    *,
    fit_verdict: str,
    finance: Finance | None = None,
    ledger: pd.DataFrame | None = None,
) -> Appraisal:
    """Cash flow and case of `scenario` against no marketing, over the finance horizon.

    `finance` takes the place of the study's own block; `ledger` is the fit's, where it has been
    read already. Raises `InputError` where its horizon ends before the spending does or before
    any cash comes in, or it is in another currency than the outcome.
    """
    study, panel = read.fit.study, read.fit.panel
    block = finance or study.finance
    currency = block.currency or study.currency
    settled = block.settled(panel.periods_per_year, currency)
    _refuse_mixed(settled, study.outcome.currency)
    _refuse_short(settled, scenario)
    _refuse_late(settled)
    worth = plan_worth(read, scenario, settled)
    cash, last = worth.cash(settled), worth.last_cash(settled)
    ledger = ledger_table(read.fit) if ledger is None else ledger
    prior_led = believed_part(read, ledger) > PRIOR_LED
    rule, marginal = rule_of(settled), marginal_return(last)
    case = build_case(
        cash,
        settled,
        fit_verdict=fit_verdict,
        extra_assumptions=(*plan_assumptions(scenario), *learned_assumptions(ledger)),
        currency=currency or None,
        marginal=last,
        later=worth.later_cash(settled),
        prior_led=prior_led,
        tornado=tornado(
            worth, settled, quantities(read, ledger), fit_verdict=fit_verdict, prior_led=prior_led
        ),
        prior_sensitivity=prior_sensitivity(
            log_priors(read.fit, read.numbers),
            present_value(cash),
            cash.present_cost,
            rule,
            marginal=marginal,
            fit_verdict=fit_verdict,
            prior_led=prior_led,
        ),
    )
    said = tuple(f"{one.where}: {one.message}" for one in scenario_findings(read.fit, scenario))
    return Appraisal(worth, cash, replace(case, caveats=(*case.caveats, *said)))


def investment_case(
    fit: Fit,
    *,
    fit_verdict: str,
    finance: Finance | None = None,
    scenario: Scenario | None = None,
) -> InvestmentCase:
    """The case of a fit, with another finance block or another plan than the study's.

    `fit_verdict` is the fit's own: trusted, caution or rejected. Raises `InputError` as
    `appraise` does.
    """
    plan = scenario or as_is(fit)
    return appraise(response(fit), plan, fit_verdict=fit_verdict, finance=finance).case


def plan_worth(read: Response, scenario: Scenario, finance: Finance) -> PlanWorth:
    """What `scenario` causes and costs, and a small change of all of it, over the horizon of
    `finance` or five years, whichever is longer."""
    panel = read.fit.panel
    longest = round(LATEST_YEARS * panel.periods_per_year)
    periods = max(finance.horizon or 0, scenario.periods, longest)
    more = replace(
        scenario, media=scenario.media * (1.0 + STEP), spend=scenario.spend * (1.0 + STEP)
    )
    value = incremental_value(read, scenario, periods)
    units = None
    change = (incremental_value(read, more, periods) - value) / STEP
    changed_units = None
    if finance.customers and read.fit.study.outcome.kind is OutcomeKind.CUSTOMERS:
        units = counted(read, scenario, periods, value)
        changed_units = (counted(read, more, periods, value + STEP * change) - units) / STEP
    variable = variable_cost(read.fit, scenario)
    return PlanWorth(
        whole=Spending(value, scenario.cost.sum(axis=1), units),
        last=Spending(change, variable, changed_units),
        dates=panel.future_dates(periods),
        periods_per_year=panel.periods_per_year,
        seed=read.fit.study.inference.seed,
    )


def variable_cost(fit: Fit, scenario: Scenario) -> np.ndarray:
    """The part of the plan's cost that grows with its spending, by period (H,)."""
    total = np.zeros(scenario.periods)
    for index, channel in enumerate(fit.study.channels):
        base = scenario.media if channel.spend is None else scenario.spend
        total += variable_cost_rate(channel) * base[:, :, index].sum(axis=1)
    return total


def _refuse_mixed(finance: Finance, ours: str | None) -> None:
    others = sorted(finance.stated_currencies - {ours})
    if ours and others:
        raise input_error(
            "finance",
            "finance.currency",
            f"the outcome is in {ours} but finance is in {others[0]}.",
            "Use one currency; amounts are never converted.",
        )


def _refuse_short(finance: Finance, scenario: Scenario) -> None:
    if finance.horizon and finance.horizon < scenario.periods:
        raise input_error(
            "finance",
            "finance.horizon",
            f"{finance.horizon} periods end before the spending does ({scenario.periods}).",
            f"Give at least {scenario.periods} periods.",
        )


def _refuse_late(finance: Finance) -> None:
    first = finance.first_cash
    if finance.horizon and finance.horizon <= first:
        raise input_error(
            "finance",
            "finance.collection" if first > finance.payment_delay else "finance.payment_delay",
            f"cash comes in {first} periods after the outcome at the earliest, so none of it falls "
            f"within the horizon of {finance.horizon} periods.",
            f"Give a 'finance.horizon' of at least {first + 1} periods, or a shorter delay.",
        )
