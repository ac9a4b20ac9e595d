"""Artefacts of a run: an analysis as files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmm.cash.cashflow import cashflow_frame
from mmm.config import OutcomeKind, Study
from mmm.evaluate.suite import Evaluation
from mmm.evaluate.verdict import evaluation_findings, part_of
from mmm.inference.diagnose import Verdict
from mmm.inference.fit import save_fit
from mmm.invest.export import case_to_dict
from mmm.invest.workbook import write_workbook
from mmm.plan.decision import plan_json
from mmm.plan.recorded import save_record
from mmm.plan.scenario import plan_table
from mmm.report import ReportInputs, render_report
from mmm.study.analysis import Analysis
from mmm.study.core import checks_rows
from mmm.study.directory import EVALUATION, MANIFEST, REPORT
from mmm.study.files import write_json as _json
from mmm.study.files import write_table as _table
from mmm.study.notes import notes_on
from mmm.transforms.lag_estimates import lag_curves, lags_table

VARYING = ("timings", "peak_rss_mb", "created")
"""Manifest entries that differ between runs of the same study, data and seed."""


def write_artefacts(
    analysis: Analysis, manifest: Mapping[str, Any], directory: Path, *, report: bool = True
) -> None:
    """Writes every artefact of `analysis` into an existing directory; drawing the report takes
    most of the time and can be left out."""
    fit = analysis.fit
    _table(analysis.decomposition.table, directory / "contributions.csv")
    _table(analysis.efficiency, directory / "efficiency.csv")
    _table(analysis.efficiency_geo, directory / "efficiency_geo.csv")
    _table(analysis.efficiency_quarter, directory / "efficiency_quarter.csv")
    if analysis.brand is not None:
        _table(analysis.brand, directory / "brand.csv")
    _table(analysis.curves, directory / "curves.csv")
    if analysis.reconciliation is not None:
        _table(analysis.reconciliation, directory / "reconciliation.csv")
    if analysis.experiments is not None:
        _table(analysis.experiments, directory / "experiments.csv")
    if analysis.lags:
        _table(lags_table(analysis.lags), directory / "lags.csv")
    _table(plan_table(analysis.fit, analysis.scenario), directory / "plan.csv")
    _json(plan_json(fit, analysis.decision), directory / "plan.json")
    _table(analysis.forecast, directory / "forecast.csv")
    _table(analysis.ledger, directory / "ledger.csv")
    _table(analysis.confounding, directory / "confounding.csv")
    for name, frame in {"paths.csv": analysis.paths, "funnel.csv": analysis.funnel}.items():
        if frame is not None:
            _table(frame, directory / name)
    _table(cashflow_frame(analysis.cash), directory / "cashflow.csv")
    _json(checks_rows(analysis), directory / "checks.json")
    _json(asdict(analysis.diagnostics), directory / "diagnostics.json")
    _json(case_to_dict(analysis.case), directory / "case.json")
    write_workbook(directory / "case.xlsx", analysis.cash, analysis.case)
    stored = save_fit(fit, directory / "fit.nc")
    if analysis.decision.record is not None:
        save_record(analysis.decision.record, stored)
    if analysis.evaluation is not None:
        content = evaluation_json(analysis.evaluation, analysis.verdict, manifest)
        _json(content, directory / EVALUATION)
    if report:
        page = render_report(report_inputs(analysis, manifest))
        (directory / REPORT).write_text(page, encoding="utf-8")
    _json(dict(manifest), directory / MANIFEST)


def evaluation_json(
    evaluation: Evaluation, verdict: Verdict, provenance: Mapping[str, Any]
) -> dict[str, Any]:
    """`evaluation.json`: the verdict on the fit with the evaluation counted, the findings that
    the evaluation adds, its parts, and what was read."""
    said = [
        {"part": part_of(one.check), **{key: str(value) for key, value in asdict(one).items()}}
        for one in evaluation_findings(evaluation)
    ]
    return {
        "verdict": verdict.label.value,
        "reasons": list(verdict.reasons),
        "findings": said,
        **evaluation.to_dict(),
        **{key: provenance[key] for key in ("data_sha256", "study_sha256", "created")},
    }


def report_inputs(analysis: Analysis, manifest: Mapping[str, Any]) -> ReportInputs:
    """The page's inputs: the same frames that are written beside it."""
    study = analysis.fit.study
    return ReportInputs(
        study=study.study,
        currency=study.currency,
        outcome_name=study.outcome.column,
        outcome_kind=study.outcome.kind.value,
        verdict=analysis.verdict.label.value,
        reasons=analysis.verdict.reasons,
        findings=analysis.findings,
        diagnostics=asdict(analysis.diagnostics),
        fitted=analysis.decomposition.fitted,
        contributions=analysis.decomposition.table,
        contribution_totals=analysis.decomposition.totals,
        efficiency=analysis.efficiency,
        curves=analysis.curves,
        forecast=analysis.forecast,
        cashflow=cashflow_frame(analysis.cash),
        case=case_to_dict(analysis.case),
        npv_draws=analysis.case.npv_draws,
        ledger=analysis.ledger,
        confounding=analysis.confounding,
        manifest={key: value for key, value in manifest.items() if key not in VARYING},
        notes=notes_on(analysis.fit, analysis.efficiency, analysis.ledger),
        outcome_unit=outcome_unit(study),
        efficiency_geo=analysis.efficiency_geo,
        efficiency_quarter=analysis.efficiency_quarter,
        reconciliation=analysis.reconciliation,
        brand=analysis.brand,
        experiments=analysis.experiments,
        lags=lags_table(analysis.lags) if analysis.lags else None,
        lag_curves=lag_curves(analysis.lags) if analysis.lags else None,
        paths=analysis.paths,
        funnel=analysis.funnel,
        plan=plan_json(analysis.fit, analysis.decision),
        evaluation=None
        if analysis.evaluation is None
        else evaluation_json(analysis.evaluation, analysis.verdict, manifest),
        time_varying=tuple(channel.name for channel in study.channels if channel.time_varying),
    )


def outcome_unit(study: Study) -> str:
    """The currency where a unit of outcome is a unit of money, else empty."""
    money = study.outcome.kind in (OutcomeKind.REVENUE, OutcomeKind.PIPELINE)
    return study.currency if money and study.outcome.value_per_unit == 1.0 else ""
