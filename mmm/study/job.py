"""The job: a study file in, a directory of results out."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm.config import Study
from mmm.config.load import load_study
from mmm.data.claims import Claim, load_claims
from mmm.data.demand import demand_findings
from mmm.data.identify import identifiability
from mmm.data.load import load_panel
from mmm.data.mediated import mediated_findings
from mmm.data.panel import Panel
from mmm.errors import Finding, InputError, StoredFitError
from mmm.study.directory import REPORT, refuse_occupied, whole_directory

if TYPE_CHECKING:
    from mmm.data.panel import Panel
    from mmm.inference.fit import Fit
    from mmm.study.analysis import Analysis
    from mmm.study.core import CoreAnalysis
    from mmm.transforms.lag_estimates import RecordedLag


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the checks say of a study and its data; no error among the findings."""

    study: Study
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class RunResult:
    """Where a run left its results and how far they may be trusted; `report` is not there where
    none was asked for. `analysis` and `timings`, those of the manifest, are of a whole run.
    `notes` say where the plan valued leaves the data, and what was not used."""

    directory: Path
    report: Path
    verdict: str
    reasons: tuple[str, ...]
    seconds: float
    analysis: Analysis | CoreAnalysis | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def check_study(path: Path | str) -> CheckReport:
    """Checks a study file and its data, and says what the data can tell apart. What is planned is
    checked as far as it can be before a fit: that its files can be read and its limits be met.
    Raises `InputError` with every finding when one of them is an error."""
    study = load_study(path)
    base = Path(path).parent
    panel, findings = load_panel(study, base)
    _, on_claims = load_claims(study, panel, base)
    _, _, on_lags = with_lags(study, panel, base)
    known = (*identifiability(study, panel), *mediated_findings(study, panel))
    found = (*findings, *on_claims, *on_lags, *known, *demand_findings(study, panel))
    return CheckReport(study, (*found, *_checked_plan(study, panel, base, found)))


def _checked_plan(
    study: Study, panel: Panel, base: Path, found: tuple[Finding, ...]
) -> tuple[Finding, ...]:
    """What is to be known of the study's plan before anything is fitted. Raises `InputError`, with
    what was `found` before, where nothing can be planned so."""
    plan = study.plan
    if plan == type(plan)():
        return ()
    from mmm.plan.scenarios import planned_scenario
    from mmm.plan.support import unfitted_findings

    try:
        return unfitted_findings(study, panel, planned_scenario(study, panel, base))
    except InputError as refusal:
        raise InputError((*found, *refusal.findings)) from None


@dataclass(frozen=True, slots=True)
class StudyInputs:
    """What a study file and the files it names hold, checked, and what the checks say of it."""

    study: Study
    panel: Panel
    findings: tuple[Finding, ...]
    claims: tuple[Claim, ...]
    lags: tuple[RecordedLag, ...]


def read_inputs(path: Path) -> StudyInputs:
    """Reads the study at `path`. Raises `InputError` with every finding where one is an error."""
    study = load_study(path)
    panel, findings = load_panel(study, path.parent)
    claims, on_claims = load_claims(study, panel, path.parent)
    study, lags, on_lags = with_lags(study, panel, path.parent)
    return StudyInputs(study, panel, (*findings, *on_claims, *on_lags), claims, lags)


def run_study(
    path: Path | str,
    out: Path | str,
    *,
    force: bool = False,
    progress: bool = False,
    cores: int | None = None,
    report: bool = True,
    core: bool = False,
    stored: Fit | None = None,
    evaluate: bool = False,
) -> RunResult:
    """Fits the study at `path` and writes every artefact into `out`, whole or not at all.

    Raises `InputError` on bad input before anything heavy is imported or written. `force`
    replaces the results of an earlier run; `cores` limits how many chains run at once. Without
    `report`, which takes much of the time, the page is left out; `core` leaves out all but the
    fit, its verdict and its returns. With `evaluate` the study is also evaluated, and the verdict
    counts that; `core` leaves it out. `stored` is an earlier fit of this study to these data,
    which is then read instead of sampled; raises `StoredFitError` where it is another.
    """
    started = time.perf_counter()
    path, out = Path(path), Path(out)
    inputs = read_inputs(path)
    study, panel, findings = inputs.study, inputs.panel, inputs.findings
    refuse_occupied(out, force=force)
    importing = time.perf_counter()
    from mmm.inference.fit import fit
    from mmm.plan.record import forecast_record
    from mmm.plan.scenarios import planned_scenario
    from mmm.study.analysis import Analysis, analyse
    from mmm.study.core import analyse_core, write_core
    from mmm.study.progress import sampling_progress
    from mmm.study.refits import evaluated, refuse_short

    if not core:
        import_module("mmm.study.artefacts")  # charts take a second to load
    imported = time.perf_counter() - importing
    scenario = planned_scenario(study, panel, path.parent)
    if evaluate:
        refuse_short(study, panel)
    with ExitStack() as stack:
        watch = None
        if progress:
            watch = stack.enter_context(sampling_progress(study.inference.chains))
        fitted = stored or fit(study, panel, cores=cores, progress=watch)
    refuse_other(fitted, study, panel)
    if core:
        analysis = analyse_core(fitted, findings)
    else:
        record = forecast_record(study, panel) if study.plan.record else None
        found = evaluated(fitted, progress=progress) if evaluate else None
        analysis = analyse(
            fitted, findings, inputs.claims, inputs.lags,
            scenario=scenario, record=record, evaluation=found,
        )  # fmt: skip
    with whole_directory(out, force=force) as directory:
        timings = {"import_s": imported, **fitted.timings}
        manifest = build_manifest(analysis, path, timings, time.perf_counter() - started)
        if isinstance(analysis, Analysis):
            from mmm.study.artefacts import write_artefacts

            write_artefacts(analysis, manifest, directory, report=report)
        else:
            write_core(analysis, manifest, directory)
    return RunResult(
        directory=out,
        report=out / REPORT,
        verdict=analysis.verdict.label.value,
        reasons=analysis.verdict.reasons,
        seconds=time.perf_counter() - started,
        analysis=analysis,
        timings=manifest["timings"],
    )


def with_lags(
    study: Study, panel: Panel, base: Path
) -> tuple[Study, tuple[RecordedLag, ...], tuple[Finding, ...]]:
    """The study with lags estimated from the records it names, those lags, and findings."""
    if not any(one.lag and one.lag.records for one in (*study.channels, *study.paths)):
        return study, (), ()
    from mmm.transforms.lag_estimates import estimate_lags

    found = estimate_lags(study, panel, base)
    return found.study, found.lags, found.findings


def refuse_other(fitted: Fit, study: Study, panel: Panel) -> None:
    """Raises `StoredFitError` unless the fit is of this study and these data."""
    from mmm.inference.fit import data_sha256

    if fitted.panel is not panel and data_sha256(fitted.panel) != data_sha256(panel):
        raise StoredFitError(f"study '{study.study}': the stored fit is of other data; fit again.")
    if fitted.study != study:
        raise StoredFitError(f"study '{study.study}': the stored fit is of another study.")


def build_manifest(
    analysis: Analysis | CoreAnalysis, path: Path, timings: dict[str, float], total: float
) -> dict[str, Any]:
    """`manifest.json`: what was run on what, with what, at what cost, and how far to trust it."""
    from mmm.inference.fit import peak_memory_mb

    study = analysis.fit.study
    return {
        "study": study.study,
        "versions": dict(analysis.fit.versions),
        "data_sha256": file_sha256(path.parent / (study.data.file or "")),
        "study_sha256": file_sha256(path),
        "seed": study.inference.seed,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "timings": {**timings, "total_s": total},
        "peak_rss_mb": peak_memory_mb(),
        "verdict": analysis.verdict.label.value,
        "reasons": list(analysis.verdict.reasons),
    }


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
