"""Everything a fit says, computed once from one set of draws."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import xarray as xr

from mmm.cash.cashflow import CashFlow
from mmm.data.claims import Claim
from mmm.data.demand import demand_findings
from mmm.data.identify import identifiability
from mmm.data.mediated import mediated_findings
from mmm.dims import CHANNEL
from mmm.efficiency.brand import brand_table, has_brand
from mmm.efficiency.breakdown import efficiency_by_geo, efficiency_by_quarter
from mmm.efficiency.confounding import (
    confounding_findings,
    confounding_table,
    turning_the_case,
)
from mmm.efficiency.curves import curves_table
from mmm.efficiency.plausible import (
    conflict_findings,
    precision_findings,
    range_findings,
    whole_findings,
)
from mmm.efficiency.roi import accounts, efficiency_table
from mmm.errors import Finding
from mmm.evaluate.assumptions import assumption_findings
from mmm.evaluate.suite import Evaluation
from mmm.evaluate.verdict import evaluation_findings
from mmm.inference.diagnose import Diagnostics, Verdict, diagnose, judge, worst_of
from mmm.inference.fit import Fit
from mmm.invest.appraise import appraise
from mmm.invest.case import InvestmentCase
from mmm.invest.measures import fall_to_nothing
from mmm.plan.backwards import funnel_of
from mmm.plan.decision import Decision, decide
from mmm.plan.forecast import forecast
from mmm.plan.record import Record
from mmm.plan.scenario import Scenario
from mmm.results.confounding import brand_findings, brand_overlap
from mmm.results.contributions import Decomposition, decompose
from mmm.results.experiments import experiment_findings, experiments_table
from mmm.results.ledger import ledger_table
from mmm.results.paths import path_findings, paths_table
from mmm.results.reconcile import reconciliation_table
from mmm.results.respond import Response, response
from mmm.results.sensitivity import brand_sensitivity
from mmm.study.answers import whole_ledger
from mmm.transforms.lag_estimates import RecordedLag


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
    confounding: pd.DataFrame
    scenario: Scenario
    decision: Decision
    forecast: pd.DataFrame
    cash: CashFlow
    case: InvestmentCase
    reconciliation: pd.DataFrame | None = None
    brand: pd.DataFrame | None = None
    """None where no channel builds a brand."""
    lags: tuple[RecordedLag, ...] = ()
    paths: pd.DataFrame | None = None
    funnel: pd.DataFrame | None = None
    experiments: pd.DataFrame | None = None
    """None where the study has none."""
    evaluation: Evaluation | None = None


def analyse(
    fit: Fit,
    findings: tuple[Finding, ...] = (),
    claims: tuple[Claim, ...] = (),
    lags: tuple[RecordedLag, ...] = (),
    *,
    scenario: Scenario | None = None,
    record: Record | None = None,
    evaluation: Evaluation | None = None,
) -> Analysis:
    """Reads every result from `fit`; `findings` are those of its data and count in the verdict.

    `claims` of the study are set beside what the fit says; `lags` are what records say of them.
    `scenario` takes the place of today's spending repeated; a plan is optimised where the study
    asks for one. `record` is how forecasts fared, where that was worked out. `evaluation` of the
    same study counts in the verdict.
    """
    read = response(fit)
    parts = decompose(read)
    books = accounts(read, parts)
    efficiency = efficiency_table(read, books=books)
    found = judged(read, efficiency, findings, evaluation)
    decision = decide(read, None, scenario, record)
    scenario = decision.scenario
    cash, case = value_plan(read, scenario, found)
    return Analysis(
        fit=fit,
        findings=found.findings,
        diagnostics=found.diagnostics,
        verdict=found.verdict,
        decomposition=parts,
        efficiency=efficiency,
        efficiency_geo=efficiency_by_geo(read, books=books),
        efficiency_quarter=efficiency_by_quarter(read, parts),
        curves=curves_table(read),
        ledger=whole_ledger(found.ledger, read, books, cash),
        confounding=turning_the_case(found.confounding, fall_to_nothing(cash)),
        scenario=scenario,
        decision=decision,
        forecast=forecast(read, scenario),
        cash=cash,
        case=case,
        reconciliation=reconciliation_table(parts, claims) if claims else None,
        brand=found.brand,
        lags=lags,
        paths=found.paths,
        funnel=funnel_of(read, scenario),
        experiments=found.experiments,
        evaluation=evaluation,
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on a fit, and the tables it was read from; `findings` are those of the data and
    those of the answers."""

    diagnostics: Diagnostics
    findings: tuple[Finding, ...]
    verdict: Verdict
    ledger: pd.DataFrame
    confounding: pd.DataFrame
    brand: pd.DataFrame | None
    paths: pd.DataFrame | None
    experiments: pd.DataFrame | None


def judged(
    read: Response,
    efficiency: pd.DataFrame,
    findings: tuple[Finding, ...],
    evaluation: Evaluation | None = None,
) -> Judged:
    """Judges draws, data, answers and, where there is one, an evaluation by the stated rules."""
    fit = read.fit
    sensitivity = brand_sensitivity(fit, read.density.spec)
    diagnostics, ledger = diagnostics_of(read), ledger_table(fit, sensitivity)
    brand = brand_table(read) if has_brand(read) else None
    paths = paths_table(read) if fit.paths else None
    experiments = experiments_table(read)
    confounding = confounding_table(read, efficiency)
    findings += confounding_findings(confounding)
    findings += experiment_findings(experiments)
    findings += range_findings(efficiency, brand, fit.study.finance)
    findings += whole_findings(efficiency, float(fit.panel.dataset["outcome"].values.sum()))
    findings += conflict_findings(ledger, fit.study.channels)
    if sensitivity is not None:
        findings += brand_findings(brand_overlap(read), sensitivity, ledger)
    findings += () if paths is None else path_findings(paths)
    findings += assumption_findings(read) + precision_findings(efficiency)
    for check in (identifiability, mediated_findings, demand_findings):
        findings += tuple(one for one in check(fit.study, fit.panel) if one not in findings)
    if evaluation is not None:
        said = {(one.check, one.where) for one in findings}
        more = evaluation_findings(evaluation)
        findings += tuple(one for one in more if (one.check, one.where) not in said)
    verdict = judge(diagnostics, findings)
    return Judged(diagnostics, findings, verdict, ledger, confounding, brand, paths, experiments)


def diagnostics_of(read: Response) -> Diagnostics:
    """The worst over the outcome's regression and those of all paths."""
    return worst_of(
        {
            name: diagnose(one.fit.posterior, totals(one), one.fit.statistics)
            for name, one in {"": read, **read.paths}.items()
        }
    )


def totals(read: Response) -> xr.DataArray:
    """Contribution of each regressor in the window by draw, (chain, draw, channel)."""
    every = xr.DataArray(
        read.totals,
        dims=("chain", "draw", CHANNEL),
        coords={CHANNEL: list(read.density.spec.channels)},
    )
    silent = read.fit.study.routes().silent
    return every.drop_sel({CHANNEL: list(silent)}) if silent else every


def value_plan(
    read: Response, scenario: Scenario, found: Judged
) -> tuple[CashFlow, InvestmentCase]:
    """Cash flow and case of `scenario` against no marketing, over the finance horizon."""
    label = found.verdict.label.value
    worth = appraise(read, scenario, fit_verdict=label, ledger=found.ledger)
    return worth.cash, worth.case
