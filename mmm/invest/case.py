"""The investment case: everything finance asks of a cash flow, each figure with its range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mmm.cash import value
from mmm.cash.cashflow import CONVENTIONS, CashFlow
from mmm.cash.value import Floats, Summary, refuse, summarise
from mmm.config.finance import CostKind, Finance
from mmm.invest.assumptions import Assumption, Source, finance_assumptions, in_currency
from mmm.invest.bridge import BridgeStep, bridge
from mmm.invest.company import CustomerReading, Reading, company_readings, customer_reading
from mmm.invest.measures import (
    NO_SUMMARY,
    DatedRateSummary,
    HorizonValue,
    PathSummary,
    PaybackSummary,
    RateSummary,
    break_even_margin,
    break_even_roi,
    by_horizon,
    dated_rates,
    internal_rates,
    payback_summary,
    peak_funding,
)
from mmm.invest.sensitivity import PriorSensitivity
from mmm.invest.tornado import Swing
from mmm.invest.valuation import marginal_return, present_value, rule_of
from mmm.invest.verdict import Decision, Grounds, decide, decision_rule, grounds

LEFT_OUT_SHARE = 0.05
"""Share of inflow past the horizon from which the case says so in words."""


@dataclass(frozen=True, slots=True)
class CostSummary:
    """One cost beyond the channels' own, in money: paid within the horizon or owed at its end,
    paid before it (sunk and not counted) and due after it (not counted)."""

    name: str
    kind: CostKind
    paid: float
    sunk: float
    later: float


@dataclass(frozen=True, slots=True)
class InvestmentCase:
    """What the spending is worth. Money is in `currency`, discounted to the first period.

    `npv_draws` (D,). `npv_per_cost` is NPV over discounted cost, `marginal_npv_per_cost` that of
    the last unit of it. `value_at_risk_95` is the 5 % quantile of NPV, `cvar_95` the mean of its
    worst 5 %, `worst_decile_npv` of its worst 10 % and `npv_at_risk_level` its quantile at the
    risk accepted; all negative when money is lost. `break_even_roi` is the outcome value per unit
    of cost, both as counted here, and `break_even_margin` the margin, at which NPV is zero with
    the timing kept.
    `peak_funding` is the most money out of pocket at any time, undiscounted, of the expected cash
    as payback and internal rate are; the mean of each draw's own would be of no path at all.
    `value_of_information` is what knowing the truth before deciding would be worth.
    `xnpv` and `xirr` are by date, actual/365. `bridge` leads from outcome value to NPV.
    """

    currency: str
    start: pd.Timestamp
    end: pd.Timestamp
    periods: int
    periods_per_year: float
    rate_per_period: float
    fit_verdict: str
    decision: Decision
    decision_rule: str
    cost: float
    present_cost: float
    npv_draws: Floats
    npv: Summary
    npv_per_cost: Summary
    probability_of_loss: float
    value_at_risk_95: float
    cvar_95: float
    worst_decile_npv: float
    irr: RateSummary
    payback: PaybackSummary
    discounted_payback: PaybackSummary
    break_even_roi: PathSummary
    break_even_margin: PathSummary
    peak_funding: PathSummary
    npv_by_horizon: tuple[HorizonValue, ...]
    inflow_past_horizon: Summary
    cost_past_horizon: float
    caveats: tuple[str, ...]
    conventions: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    risk_level: float
    npv_at_risk_level: float
    marginal_npv_per_cost: Summary
    marginal_probability_of_loss: float
    value_of_information: float
    prior_led: bool
    xnpv: Summary
    xirr: DatedRateSummary
    bridge: tuple[BridgeStep, ...]
    costs: tuple[CostSummary, ...]
    customers: CustomerReading | None
    company: tuple[Reading, ...]
    tornado: tuple[Swing, ...]
    prior_sensitivity: tuple[PriorSensitivity, ...]


def build_case(
    cash: CashFlow,
    finance: Finance,
    *,
    fit_verdict: str,
    extra_assumptions: Sequence[Assumption] = (),
    currency: str | None = None,
    marginal: CashFlow | None = None,
    later: CashFlow | None = None,
    prior_led: bool = False,
    tornado: tuple[Swing, ...] = (),
    prior_sensitivity: tuple[PriorSensitivity, ...] = (),
) -> InvestmentCase:
    """The case of a cash flow; `fit_verdict` is the fit's own: trusted, caution or rejected.

    `currency` is that of the study where finance states none. `marginal` is the cash flow of
    the last unit of spending, `later` the same spending over a longer horizon. `prior_led`: most
    of the effect rests on priors. Raises `InputError` when `finance` is not what `cash` was built
    with or an assumption is named twice.
    """
    if finance.settled(cash.periods_per_year, cash.finance.currency or "") != cash.finance:
        raise refuse(
            "finance",
            "differs from the finance block the cash flow was built with.",
            "Build the cash flow and the case from the same block.",
        )
    npv = present_value(cash)
    rule = rule_of(finance)
    last = marginal_return(marginal)
    found = grounds(npv, cash.present_cost, rule, marginal=last, prior_led=prior_led)
    past_horizon = summarise(cash.inflow_past_horizon)
    money = currency or finance.currency or ""
    return InvestmentCase(
        currency=money,
        start=cash.dates[0],
        end=cash.dates[-1],
        periods=cash.periods,
        periods_per_year=cash.periods_per_year,
        rate_per_period=cash.rate_per_period,
        fit_verdict=fit_verdict,
        decision=decide(found, rule, fit_verdict=fit_verdict),
        decision_rule=decision_rule(rule),
        cost=float(cash.cost.sum()),
        present_cost=cash.present_cost,
        npv_draws=npv,
        npv=summarise(npv),
        npv_per_cost=summarise(npv / cash.present_cost) if cash.present_cost > 0 else NO_SUMMARY,
        probability_of_loss=value.probability_of_loss(npv),
        value_at_risk_95=value.value_at_risk(npv, 0.95),
        cvar_95=value.conditional_value_at_risk(npv, 0.95),
        worst_decile_npv=value.conditional_value_at_risk(npv, 0.90),
        irr=internal_rates(cash),
        payback=payback_summary(cash.net),
        discounted_payback=payback_summary(cash.net * cash.discount_factor),
        break_even_roi=break_even_roi(cash),
        break_even_margin=break_even_margin(cash),
        peak_funding=peak_funding(cash.net),
        npv_by_horizon=by_horizon(cash, later),
        inflow_past_horizon=past_horizon,
        cost_past_horizon=cash.cost_past_horizon,
        caveats=_caveats(cash, past_horizon.mean, fit_verdict, found),
        conventions=CONVENTIONS,
        assumptions=_named(_assumptions(cash, extra_assumptions), money),
        risk_level=rule.risk_level,
        npv_at_risk_level=value.value_at_risk(npv, rule.sure),
        marginal_npv_per_cost=NO_SUMMARY if last is None else summarise(last),
        marginal_probability_of_loss=np.nan if last is None else float(np.mean(last < 0)),
        value_of_information=found.information,
        prior_led=prior_led,
        xnpv=summarise(cash.net @ cash.dated_factor),
        xirr=dated_rates(cash),
        bridge=bridge(cash, npv),
        costs=tuple(
            CostSummary(line.name, line.kind, float(line.paid.sum()), line.sunk, line.later)
            for line in cash.lines
        ),
        customers=customer_reading(cash),
        company=_named(company_readings(cash, npv), money),
        tornado=_named(tornado, money),
        prior_sensitivity=prior_sensitivity,
    )


def _named[Row: (Assumption, Reading, Swing)](
    rows: Sequence[Row], currency: str
) -> tuple[Row, ...]:
    return tuple(replace(row, unit=in_currency(row.unit, currency)) for row in rows)


def _caveats(cash: CashFlow, left_out: float, fit_verdict: str, found: Grounds) -> tuple[str, ...]:
    stated = cash.finance.model_fields_set
    said = []
    if fit_verdict != "trusted":
        said.append(f"The fit behind these figures is '{fit_verdict}'.")
    if found.prior_led:
        said.append(
            "Most of the effect rests on what was believed beforehand, not on the data: the "
            "probabilities are as good as those beliefs."
        )
    if "margin" not in stated:
        said.append("No margin was stated: all outcome value is counted as profit.")
    if not {"discount_rate", "discount_curve"} & stated:
        said.append("No discount rate was stated: later cash counts in full.")
    counted = float(cash.inflow.mean(axis=0).sum())
    unit = f"{cash.finance.currency} " if cash.finance.currency else ""
    if abs(left_out) > LEFT_OUT_SHARE * abs(counted + left_out):
        said.append(
            f"Expected inflow of {unit}{left_out:,.0f} falls past the horizon and is not counted "
            f"({unit}{counted:,.0f} is)."
        )
    if cash.cost_past_horizon > 0:
        said.append(
            f"Cost of {unit}{cash.cost_past_horizon:,.0f} begins after the horizon and is not "
            "counted."
        )
    said += [
        f"Cost of {unit}{line.sunk:,.0f} for '{line.name}' falls before the case begins: it is "
        "sunk and not counted."
        for line in cash.lines
        if line.sunk > 0
    ]
    return tuple(said)


def _assumptions(cash: CashFlow, extra: Sequence[Assumption]) -> tuple[Assumption, ...]:
    rows = (
        *finance_assumptions(cash.finance, cash.drawn),
        Assumption("periods_per_year", cash.periods_per_year, "periods", Source.DATA),
        *extra,
    )
    names = [row.name for row in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise refuse(
            "extra_assumptions",
            f"names an assumption twice: {', '.join(twice)}.",
            "Give each assumption a name of its own.",
        )
    return rows
