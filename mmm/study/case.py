"""The case of a saved fit: cash, value and a verdict in seconds, without fitting again."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mmm.cash.cashflow import cashflow_frame
from mmm.config import PlanSettings
from mmm.config.load import load_study
from mmm.errors import input_error
from mmm.inference.diagnose import Verdict, judge
from mmm.inference.fit import Fit, data_sha256, load_fit, peak_memory_mb
from mmm.invest.appraise import Appraisal, appraise
from mmm.invest.export import case_to_dict
from mmm.invest.workbook import write_workbook
from mmm.plan.optimise import chosen_scenario
from mmm.plan.scenarios import given_scenario
from mmm.plan.support import scenario_findings
from mmm.report import CaseInputs, render_case
from mmm.results.respond import Response, response
from mmm.study.analysis import diagnostics_of
from mmm.study.directory import MANIFEST, refuse_occupied, whole_directory
from mmm.study.files import write_json, write_table
from mmm.study.job import RunResult, file_sha256

PAGE = "case.html"
WORSE = ("trusted", "caution", "rejected")


def run_case(
    path: Path | str,
    out: Path | str,
    *,
    finance: Path | str | None = None,
    scenario: Path | None = None,
    force: bool = False,
) -> RunResult:
    """Writes the investment case of the fit saved at `path` into `out`, whole or not at all.

    It is that of the plan the fit's study asks for, or of the dated spend in the file `scenario`,
    whatever the study asks for.
    `finance` is a study file whose finance block takes the place of the fit's own. The verdict
    on the fit is that of its draws, or that of the run it lies in where this is worse. Raises
    `InputError` on bad input and `StoredFitError` where there is no fit to read.
    """
    started = time.perf_counter()
    path, out = Path(path), Path(out)
    refuse_occupied(out, force=force)
    other = None if finance is None else load_study(finance)
    fit = load_fit(path)
    read = response(fit)
    label, reasons = fit_verdict(read, path)
    given = given_scenario(fit, scenario)
    plan = chosen_scenario(read, given) if scenario is None or given is None else given
    found = appraise(read, plan, fit_verdict=label, finance=other.finance if other else None)
    notes = tuple(f"{one.where}: {one.message}" for one in scenario_findings(fit, plan))
    said = _carried_instead(fit)
    if other is not None:
        said = (*said, *_plan_beside(fit, other.plan, Path(finance or "").name))
    found = replace(found, case=replace(found.case, caveats=(*found.case.caveats, *said)))
    notes = (*notes, *said)
    with whole_directory(out, force=force) as directory:
        manifest = _manifest(fit, path, finance, label, reasons, time.perf_counter() - started)
        _write(found, fit, manifest, directory)
    seconds = time.perf_counter() - started
    return RunResult(out, out / PAGE, label, reasons, seconds, notes=notes)


def _carried_instead(fit: Fit) -> tuple[str, ...]:
    """That controls ahead are carried forward where the study has a file of them."""
    if fit.study.plan.controls is None:
        return ()
    return (
        "plan.controls: controls ahead are carried forward, as a saved fit does not hold "
        f"'{fit.study.plan.controls}'; the case of 'mmm run' has them.",
    )


def _plan_beside(fit: Fit, theirs: PlanSettings, name: str) -> tuple[str, ...]:
    """Keys of the plan block beside a finance block taken from another study file, where they
    differ from the fit's own and so are not used."""
    ours = fit.study.plan
    stated = [key for key in PlanSettings.model_fields if key in theirs.model_fields_set]
    apart = [key for key in stated if getattr(theirs, key) != getattr(ours, key)]
    if not apart:
        return ()
    keys = ", ".join(f"'plan.{key}'" for key in apart)
    return (
        f"{name}: only its finance block is used, not {keys}, which the fit's study has otherwise "
        "or not at all: for another plan give its dated spend with --scenario.",
    )


def fit_verdict(read: Response, path: Path) -> tuple[str, tuple[str, ...]]:
    """The verdict on a saved fit and its reasons: of its draws, and of the checks of its data
    where the manifest of its run lies beside it."""
    fit = read.fit
    verdict = judge(diagnostics_of(read), ())
    beside = path.parent / MANIFEST
    if beside.is_file():
        return worse_of(verdict, _read_manifest(beside), fit.study.study)
    return verdict.label.value, verdict.reasons


def worse_of(
    verdict: Verdict, manifest: Mapping[str, Any], study: str
) -> tuple[str, tuple[str, ...]]:
    """The worse of `verdict` and of a run's `manifest`, where that is of the same study; as bad,
    the run's, which knows the data's checks too."""
    theirs = manifest.get("verdict")
    if manifest.get("study") != study or theirs not in WORSE:
        return verdict.label.value, verdict.reasons
    if WORSE.index(theirs) < WORSE.index(verdict.label.value):
        return verdict.label.value, verdict.reasons
    return theirs, tuple(str(reason) for reason in manifest.get("reasons", ()))


def _read_manifest(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as problem:
        raise input_error(
            "manifest",
            str(path),
            f"is not JSON ({problem}).",
            "Run the study again, or move the fit to a directory of its own.",
        ) from None
    return content if isinstance(content, dict) else {}


def _manifest(
    fit: Fit,
    path: Path,
    finance: Path | str | None,
    verdict: str,
    reasons: tuple[str, ...],
    seconds: float,
) -> dict[str, Any]:
    return {
        "study": fit.study.study,
        "versions": dict(fit.versions),
        "fit_sha256": file_sha256(path),
        "panel_sha256": data_sha256(fit.panel),
        "finance_sha256": None if finance is None else file_sha256(Path(finance)),
        "seed": fit.study.inference.seed,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "timings": {"total_s": seconds},
        "peak_rss_mb": peak_memory_mb(),
        "verdict": verdict,
        "reasons": list(reasons),
    }


def _write(found: Appraisal, fit: Fit, manifest: Mapping[str, Any], directory: Path) -> None:
    table, case = cashflow_frame(found.cash), case_to_dict(found.case)
    write_table(table, directory / "cashflow.csv")
    write_json(case, directory / "case.json")
    write_workbook(directory / "case.xlsx", found.cash, found.case)
    page = render_case(
        CaseInputs(
            study=fit.study.study,
            currency=found.case.currency,
            verdict=str(manifest["verdict"]),
            reasons=tuple(manifest["reasons"]),
            case=case,
            cashflow=table,
            npv_draws=found.case.npv_draws,
        )
    )
    (directory / PAGE).write_text(page, encoding="utf-8")
    write_json(dict(manifest), directory / MANIFEST)
