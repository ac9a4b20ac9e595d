"""The investment case: everything finance asks of a cash flow, each figure with its range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mmm.config.finance import Finance
from mmm.invest import value
from mmm.invest.assumptions import Assumption, Source, finance_assumptions
from mmm.invest.cashflow import CONVENTIONS, CashFlow
from mmm.invest.rates import RateStatus, irr, irr_draws
from mmm.invest.value import Floats, Summary, refuse, summarise
from mmm.invest.verdict import Decision, decide, decision_rule

IRR_MIN_SHARE = 0.95
"""Share of draws that must have exactly one internal rate for its quantiles to be shown."""

LEFT_OUT_SHARE = 0.05
"""Share of inflow past the horizon from which the case says so in words."""

HORIZON_YEARS = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0)


@dataclass(frozen=True, slots=True)
class PathSummary:
    """A measure of the expected (mean) cash path, and its quantiles over draws.

    For measures that have no mean over draws, being undefined or infinite in some. NaN: none.
    """

    expected: float
    p05: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class RateSummary:
    """Internal rate of return, a year and a period, or why there is none.

    `status` and `rates` (all, a year) are of the expected path. Quantiles are over draws with
    exactly one rate, and NaN when those are fewer than `IRR_MIN_SHARE` of all.
    """

    status: RateStatus
    rates: tuple[float, ...]
    per_year: PathSummary
    per_period: PathSummary
    share_unique: float
    share_none: float
    share_several: float
    reason: str


@dataclass(frozen=True, slots=True)
class PaybackSummary:
    """Periods until the money is back for good; NaN for never within the horizon.

    `probability` is the share of draws that pay back within it; the others count as never in
    the quantiles.
    """

    periods: PathSummary
    probability: float


@dataclass(frozen=True, slots=True)
class HorizonValue:
    """The case cut after the first `periods` periods, the last of which starts on `date`."""

    periods: int
    date: pd.Timestamp
    npv: Summary
    probability_of_loss: float


@dataclass(frozen=True, slots=True)
class InvestmentCase:
    """What the spending is worth. Money is in `currency`, discounted to the first period.

    `npv_draws` (D,). `npv_per_cost` is NPV over discounted cost. `value_at_risk_95` is the 5 %
    quantile of NPV, `cvar_95` the mean of its worst 5 % and `worst_decile_npv` of its worst
    10 %; all negative when money is lost. `break_even_roi` is the outcome value per unit of
    cost, `break_even_margin` the margin, at which NPV is zero with the timing kept.
    `peak_funding` is the most money out of pocket at any time, undiscounted.
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
    peak_funding: Summary
    npv_by_horizon: tuple[HorizonValue, ...]
    inflow_past_horizon: Summary
    cost_past_horizon: float
    caveats: tuple[str, ...]
    conventions: tuple[str, ...]
    assumptions: tuple[Assumption, ...]


NO_SUMMARY = Summary(np.nan, np.nan, np.nan, np.nan)


def build_case(
    cash: CashFlow,
    finance: Finance,
    *,
    fit_verdict: str,
    extra_assumptions: Sequence[Assumption] = (),
    currency: str | None = None,
) -> InvestmentCase:
    """The case of a cash flow; `fit_verdict` is the fit's own: trusted, caution or rejected.

    `currency` is that of the study where finance states none. Raises `InputError` when
    `finance` is not what `cash` was built with or an assumption is named twice.
    """
    if finance.settled(cash.periods_per_year, cash.finance.currency or "") != cash.finance:
        raise refuse(
            "finance",
            "differs from the finance block the cash flow was built with.",
            "Build the cash flow and the case from the same block.",
        )
    npv = value.npv(cash.net, cash.rate_per_period)
    present_cost = cash.present_cost
    per_cost = npv / present_cost if present_cost > 0 else None
    clears = np.nan if per_cost is None else float(np.mean(per_cost > finance.hurdle))
    decision = decide(clears, hurdle=finance.hurdle, fit_verdict=fit_verdict)
    past_horizon = summarise(cash.inflow_past_horizon)
    return InvestmentCase(
        currency=currency or finance.currency or "",
        start=cash.dates[0],
        end=cash.dates[-1],
        periods=cash.periods,
        periods_per_year=cash.periods_per_year,
        rate_per_period=cash.rate_per_period,
        fit_verdict=fit_verdict,
        decision=decision,
        decision_rule=decision_rule(finance.hurdle),
        cost=float(cash.cost.sum()),
        present_cost=present_cost,
        npv_draws=npv,
        npv=summarise(npv),
        npv_per_cost=NO_SUMMARY if per_cost is None else summarise(per_cost),
        probability_of_loss=value.probability_of_loss(npv),
        value_at_risk_95=value.value_at_risk(npv, 0.95),
        cvar_95=value.conditional_value_at_risk(npv, 0.95),
        worst_decile_npv=value.conditional_value_at_risk(npv, 0.90),
        irr=_rates(cash),
        payback=_payback(cash.net),
        discounted_payback=_payback(cash.net * cash.discount_factor),
        break_even_roi=_break_even_roi(cash),
        break_even_margin=_break_even_margin(cash),
        peak_funding=summarise(value.peak_funding(cash.net)),
        npv_by_horizon=_by_horizon(cash),
        inflow_past_horizon=past_horizon,
        cost_past_horizon=cash.cost_past_horizon,
        caveats=_caveats(cash, past_horizon.mean, fit_verdict),
        conventions=CONVENTIONS,
        assumptions=_assumptions(cash, extra_assumptions),
    )


def _path_summary(expected: float, draws: ArrayLike) -> PathSummary:
    """Quantiles that are values of draws, never interpolated; NaN draws rank above all others."""
    ranked = np.asarray(draws, np.float64)
    ranked = np.where(np.isnan(ranked), np.inf, ranked)
    quantiles = np.quantile(ranked, [0.05, 0.5, 0.95], method="inverted_cdf")
    p05, p50, p95 = (float(q) if isfinite(q) else np.nan for q in quantiles)
    return PathSummary(float(expected) if isfinite(expected) else np.nan, p05, p50, p95)


def _rates(cash: CashFlow) -> RateSummary:
    mean_path = cash.net.mean(axis=0)
    found = irr(mean_path)
    draws = irr_draws(cash.net)
    shares = [float(np.mean(mask)) for mask in (draws.count == 1, draws.count == 0)]
    unique = draws.rate[draws.count == 1]
    shown = unique if shares[0] >= IRR_MIN_SHARE else np.array([np.nan])
    expected = found.rates[0] if found.status is RateStatus.UNIQUE else np.nan
    yearly = value.yearly_rate(expected, cash.periods_per_year)
    return RateSummary(
        status=found.status,
        rates=tuple(value.yearly_rate(found.rates, cash.periods_per_year).tolist()),
        per_year=_path_summary(float(yearly), value.yearly_rate(shown, cash.periods_per_year)),
        per_period=_path_summary(expected, shown),
        share_unique=shares[0],
        share_none=shares[1],
        share_several=float(np.mean(draws.count > 1)),
        reason=_rate_reason(found.status, mean_path, shares[0]),
    )


def _rate_reason(status: RateStatus, mean_path: Floats, share_unique: float) -> str:
    if status is RateStatus.SEVERAL:
        return "The expected cash changes sign more than once, and several rates make NPV zero."
    if status is RateStatus.NONE:
        if (np.cumsum(mean_path) >= 0).all():
            return "Expected cash is never out of pocket, so there is no sum to earn a rate on."
        return "No rate makes the NPV of the expected cash zero."
    if share_unique < IRR_MIN_SHARE:
        return f"Only {share_unique:.0%} of draws have exactly one rate, so no quantiles are given."
    return ""


def _payback(flows: Floats) -> PaybackSummary:
    draws = value.payback(flows)
    expected = float(value.payback(flows.mean(axis=0)))
    return PaybackSummary(_path_summary(expected, draws), float(np.mean(np.isfinite(draws))))


def _break_even_roi(cash: CashFlow) -> PathSummary:
    total_cost = float(cash.cost.sum()) + cash.cost_past_horizon
    if total_cost <= 0:
        return PathSummary(np.nan, np.nan, np.nan, np.nan)
    roi = cash.outcome_value / total_cost
    inflow = cash.present_inflow
    return _path_summary(
        float(value.break_even_roi(roi.mean(), inflow.mean(), cash.present_cost)),
        value.break_even_roi(roi, inflow, cash.present_cost),
    )


def _break_even_margin(cash: CashFlow) -> PathSummary:
    margin, inflow = cash.finance.margin, cash.present_inflow
    return _path_summary(
        float(value.break_even_margin(margin, inflow.mean(), cash.present_cost)),
        value.break_even_margin(margin, inflow, cash.present_cost),
    )


def _by_horizon(cash: CashFlow) -> tuple[HorizonValue, ...]:
    cumulative = np.cumsum(cash.net * cash.discount_factor, axis=1)
    lengths = {round(years * cash.periods_per_year) for years in HORIZON_YEARS}
    cuts = sorted({length for length in lengths if 1 <= length < cash.periods} | {cash.periods})
    return tuple(
        HorizonValue(
            cut,
            cash.dates[cut - 1],
            summarise(cumulative[:, cut - 1]),
            value.probability_of_loss(cumulative[:, cut - 1]),
        )
        for cut in cuts
    )


def _caveats(cash: CashFlow, left_out: float, fit_verdict: str) -> tuple[str, ...]:
    stated = cash.finance.model_fields_set
    found = []
    if fit_verdict != "trusted":
        found.append(f"The fit behind these figures is '{fit_verdict}'.")
    if "margin" not in stated:
        found.append("No margin was stated: all outcome value is counted as profit.")
    if "discount_rate" not in stated:
        found.append("No discount rate was stated: later cash counts in full.")
    counted = float(cash.inflow.mean(axis=0).sum())
    if abs(left_out) > LEFT_OUT_SHARE * abs(counted + left_out):
        found.append(
            f"Expected inflow of {left_out:,.0f} falls past the horizon and is not counted "
            f"({counted:,.0f} is)."
        )
    if cash.cost_past_horizon > 0:
        found.append(
            f"Cost of {cash.cost_past_horizon:,.0f} falls past the horizon and is not counted."
        )
    return tuple(found)


def _assumptions(cash: CashFlow, extra: Sequence[Assumption]) -> tuple[Assumption, ...]:
    rows = (
        *finance_assumptions(cash.finance),
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


def case_to_dict(case: InvestmentCase) -> dict[str, object]:
    """The case as plain JSON types in a fixed order: draws left out, NaN and infinity as null."""
    plain = {name: item for name, item in asdict(case).items() if name != "npv_draws"}
    decision = plain.pop("decision")
    head = {
        "verdict": decision["verdict"],
        "verdict_probability": decision["probability"],
        "verdict_sentence": decision["sentence"],
    }
    return {name: _plain(item) for name, item in {**head, **plain}.items()}


def _plain(item: object) -> object:
    if isinstance(item, dict):
        return {str(name): _plain(inner) for name, inner in item.items()}
    if isinstance(item, list | tuple):
        return [_plain(inner) for inner in item]
    if isinstance(item, pd.Timestamp):
        return item.date().isoformat()
    if isinstance(item, str):
        return str(item)
    if isinstance(item, float):
        return float(item) if isfinite(item) else None
    return item
