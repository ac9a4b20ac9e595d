"""Everything a fit says, computed once from one set of draws."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import xarray as xr

from mmm.dims import CHANNEL
from mmm.efficiency.breakdown import efficiency_by_geo, efficiency_by_quarter
from mmm.efficiency.curves import curves_table
from mmm.efficiency.roi import accounts, efficiency_table
from mmm.errors import Finding
from mmm.inference.diagnose import Diagnostics, Verdict, diagnose, judge, worst_of
from mmm.inference.fit import Fit
from mmm.invest.assumptions import Assumption, Source
from mmm.invest.case import InvestmentCase, build_case
from mmm.invest.cashflow import CashFlow, cash_flow
from mmm.plan.backwards import funnel_of
from mmm.plan.forecast import forecast, incremental_value
from mmm.plan.scenario import Scenario, as_is
from mmm.results.contributions import Decomposition, decompose
from mmm.results.ledger import ledger_table
from mmm.results.paths import path_findings, paths_table
from mmm.results.respond import Response, response


@dataclass(frozen=True, slots=True)
class Analysis:
    """All results of one fit. Frames have the columns of the artefacts they become."""

    fit: Fit
    findings: tuple[Finding, ...]
    diagnostics: Diagnostics
    verdict: Verdict
    decomposition: Decomposition
    efficiency: pd.DataFrame
    efficiency_geo: pd.DataFrame
    efficiency_quarter: pd.DataFrame
    curves: pd.DataFrame
    ledger: pd.DataFrame
    scenario: Scenario
    forecast: pd.DataFrame
    cash: CashFlow
    case: InvestmentCase
    paths: pd.DataFrame | None = None
    funnel: pd.DataFrame | None = None


def analyse(fit: Fit, findings: tuple[Finding, ...] = ()) -> Analysis:
    """Reads every result from `fit`; `findings` are those of its data and count in the verdict."""
    read = response(fit)
    diagnostics = worst_of(
        {
            name: diagnose(one.fit.posterior, totals(one), one.fit.statistics)
            for name, one in {"": read, **read.paths}.items()
        }
    )
    paths = paths_table(read) if fit.paths else None
    if paths is not None:
        findings = (*findings, *path_findings(paths))
    verdict = judge(diagnostics, findings)
    parts = decompose(read)
    books = accounts(read, parts)
    scenario = as_is(fit)
    cash, case = value_plan(read, scenario, verdict)
    return Analysis(
        fit=fit,
        findings=findings,
        diagnostics=diagnostics,
        verdict=verdict,
        decomposition=parts,
        efficiency=efficiency_table(read, books=books),
        efficiency_geo=efficiency_by_geo(read, books=books),
        efficiency_quarter=efficiency_by_quarter(read, parts),
        curves=curves_table(read),
        ledger=ledger_table(fit),
        scenario=scenario,
        forecast=forecast(read, scenario),
        cash=cash,
        case=case,
        paths=paths,
        funnel=funnel_of(read, scenario),
    )


def totals(read: Response) -> xr.DataArray:
    """Contribution of each regressor in the window by draw, (chain, draw, channel)."""
    every = xr.DataArray(
        read.totals,
        dims=("chain", "draw", CHANNEL),
        coords={CHANNEL: list(read.density.spec.channels)},
    )
    return every.drop_sel({CHANNEL: list(read.fit.study.routes().silent)})


def value_plan(
    read: Response, scenario: Scenario, verdict: Verdict
) -> tuple[CashFlow, InvestmentCase]:
    """Cash flow and case of `scenario` against no marketing, over the finance horizon."""
    study, panel = read.fit.study, read.fit.panel
    finance = study.finance.settled(panel.periods_per_year, study.currency)
    periods = max(finance.horizon or 0, scenario.periods)
    cash = cash_flow(
        incremental_value(read, scenario, periods),
        scenario.cost.sum(axis=1),
        panel.future_dates(periods),
        finance,
        panel.periods_per_year,
    )
    extra = tuple(
        Assumption(f"plan {number}", statement, "", Source.DEFAULT)
        for number, statement in enumerate(scenario.statements, 1)
    )
    case = build_case(
        cash,
        finance,
        fit_verdict=verdict.label.value,
        extra_assumptions=extra,
        currency=study.currency or None,
    )
    return cash, case
