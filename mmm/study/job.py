"""The job: a study file in, a directory of results out."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm.config import Study
from mmm.config.load import load_study
from mmm.data.load import load_panel
from mmm.data.panel import Panel
from mmm.errors import Finding, StoredFitError
from mmm.study.directory import refuse_occupied, whole_directory

if TYPE_CHECKING:
    from mmm.inference.fit import Fit
    from mmm.study.analysis import Analysis
    from mmm.study.core import CoreAnalysis


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the checks say of a study and its data; no error among the findings."""

    study: Study
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class RunResult:
    """Where a run left its results and how far they may be trusted; `report` is not there where
    none was asked for. `timings` are those of the manifest."""

    directory: Path
    report: Path
    verdict: str
    reasons: tuple[str, ...]
    seconds: float
    analysis: Analysis | CoreAnalysis
    timings: Mapping[str, float]


def check_study(path: Path | str) -> CheckReport:
    """Checks a study file and its data. Raises `InputError` with every finding when one of
    them is an error."""
    study = load_study(path)
    _, findings = load_panel(study, Path(path).parent)
    return CheckReport(study, findings)


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
) -> RunResult:
    """Fits the study at `path` and writes every artefact into `out`, whole or not at all.

    Raises `InputError` on bad input before anything heavy is imported or written. `force`
    replaces the results of an earlier run; `cores` limits how many chains run at once. Without
    `report`, which takes much of the time, the page is left out; `core` leaves out all but the
    fit, its verdict and its returns. `stored` is an earlier fit of this study to these data,
    which is then read instead of sampled; raises `StoredFitError` where it is another.
    """
    started = time.perf_counter()
    path, out = Path(path), Path(out)
    study = load_study(path)
    panel, findings = load_panel(study, path.parent)

    refuse_occupied(out, force=force)
    importing = time.perf_counter()
    from mmm.inference.fit import fit
    from mmm.study.analysis import Analysis, analyse
    from mmm.study.artefacts import REPORT, write_artefacts, write_core
    from mmm.study.core import analyse_core
    from mmm.study.progress import sampling_progress

    imported = time.perf_counter() - importing
    with ExitStack() as stack:
        watch = None
        if progress:
            watch = stack.enter_context(sampling_progress(study.inference.chains))
        fitted = stored or fit(study, panel, cores=cores, progress=watch)
    refuse_other(fitted, study, panel)
    analysis = analyse_core(fitted, findings) if core else analyse(fitted, findings)
    with whole_directory(out, force=force) as directory:
        timings = {"import_s": imported, **fitted.timings}
        manifest = build_manifest(analysis, path, timings, time.perf_counter() - started)
        if isinstance(analysis, Analysis):
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
