"""One study in one worker: fitted, compared with what is deployed, and put in the store."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import mmm
from mmm.batch.learn import Z90, LearnedPrior
from mmm.batch.payload import Payload
from mmm.batch.record import (
    DONE,
    FAILED,
    ChannelReturn,
    Record,
    now,
)
from mmm.batch.runs import (
    begin_run,
    has_run,
    publish_run,
    read_record,
    record_failure,
    run_folder,
)
from mmm.batch.store import Store, open_store
from mmm.config.batch import Promote
from mmm.errors import InputError, MMMError
from mmm.study.job import run_study

if TYPE_CHECKING:
    from mmm.inference.fit import Fit
    from mmm.study.analysis import Analysis
    from mmm.study.core import CoreAnalysis

SKIPPED = "skipped"
INPUTS = "inputs"
COMPARISON = "comparison.json"
ENDS = ("p05", "p50", "p95")
RETURNED = (
    "channel",
    "spend",
    "roi_mean",
    *(f"roi_{end}" for end in ENDS),
    *(f"roi_window_{end}" for end in ENDS),
)
"""Columns of `efficiency.csv` that a record takes."""


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a worker is told. `deployed` names the run to compare with, if there is one;
    `learned` are priors from other studies that stand in the payload's study file."""

    study: str
    run: str
    place: str
    data_sha256: str
    study_sha256: str
    payload: Payload
    store: str
    batch: str
    rules: Promote
    deployed: str = ""
    learned: tuple[LearnedPrior, ...] = ()
    report: bool = True
    core: bool = False
    time_limit: float | None = None
    memory_limit: int | None = None


@dataclass(frozen=True, slots=True)
class JobResult:
    """How a job ended: done, skipped (another was first) or failed with its reason."""

    study: str
    run: str
    status: str
    reason: str = ""
    verdict: str = ""
    decision: str = ""
    because: tuple[str, ...] = ()
    seconds: float = 0.0
    sampling: float = 0.0


def run_job(job: Job) -> JobResult:
    """Fits the study of `job` and publishes the run.

    What is wrong with the study or its data becomes a failed run; what is wrong with the
    machine (disk, memory, network) is raised, so that it can be tried again.
    """
    started = time.perf_counter()
    store = open_store(job.store)
    if has_run(store, job.study, job.run):
        return JobResult(job.study, job.run, SKIPPED, "done already")
    begin_run(store, job.study, job.run)
    try:
        with store.aside() as folder:
            record = fit_into(job, store, folder / "run")
            published = publish_run(store, record, folder / "run")
    except MMMError as refusal:
        record = failed_record(job, reason_of(refusal))
        record_failure(store, record)
        return JobResult(job.study, job.run, FAILED, record.reason)
    return JobResult(
        job.study,
        job.run,
        DONE if published else SKIPPED,
        "" if published else "done meanwhile",
        record.verdict,
        record.decision,
        record.because,
        time.perf_counter() - started,
        record.timings.get("sample_s", 0.0),
    )


def failed_record(job: Job, reason: str) -> Record:
    return Record(
        study=job.study,
        run=job.run,
        created=now(),
        status=FAILED,
        reason=reason,
        data_sha256=job.data_sha256,
        study_sha256=job.study_sha256,
        version=mmm.__version__,
        batch=job.batch,
        study_file=job.place,
    )


def reason_of(refusal: MMMError) -> str:
    """The first finding of a refusal and how many more there are, on one line."""
    if not isinstance(refusal, InputError):
        return " ".join(str(refusal).split())
    more = len(refusal.findings) - 1
    first = " ".join(str(refusal.findings[0]).split())
    return f"{first} (and {more} more)" if more else first


def fit_into(job: Job, store: Store, folder: Path) -> Record:
    """Writes the inputs and every artefact of a run into `folder`; its record."""
    inputs = folder.with_name(INPUTS)
    for name, content in job.payload.files.items():
        path = inputs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    study = inputs / job.payload.study_file
    result = run_study(study, folder, cores=1, report=job.report, core=job.core)
    inputs.rename(folder / INPUTS)
    assert result.analysis is not None  # run_study hands it on
    record = compared(job, store, result.analysis, folder)
    return replace(record, timings=dict(result.timings))


def compared(job: Job, store: Store, analysis: Analysis | CoreAnalysis, folder: Path) -> Record:
    """The record of the new fit, with the decision on it; writes the comparison."""
    from mmm.batch.compare import compare_fits
    from mmm.batch.promote import decide

    comparison, changed = None, False
    if job.deployed:
        comparison = compare_fits(stored_fit(store, job.study, job.deployed, folder), analysis.fit)
        deployed = read_record(store, job.study, job.deployed)
        changed = deployed.study_sha256 != job.study_sha256
        content = {"against": job.deployed, "study_changed": changed, **asdict(comparison)}
        text = json.dumps(_finite(content), indent=2, ensure_ascii=False, allow_nan=False)
        (folder / COMPARISON).write_text(text + "\n", encoding="utf-8")
    verdict = analysis.verdict.label.value
    decision = decide(verdict, comparison, job.rules, study_changed=changed)
    learned = {prior.channel: prior for prior in job.learned}
    panel = analysis.fit.panel
    spend = float(panel.dataset["spend"].sum())
    return Record(
        study=job.study,
        run=job.run,
        created=now(),
        status=DONE,
        data_sha256=job.data_sha256,
        study_sha256=job.study_sha256,
        version=mmm.__version__,
        batch=job.batch,
        verdict=verdict,
        verdict_reasons=analysis.verdict.reasons,
        decision=decision.action,
        because=decision.because,
        against=job.deployed,
        start=str(panel.dates[0].date()),
        end=str(panel.dates[-1].date()),
        currency=analysis.fit.study.currency,
        spend_per_year=spend / len(panel.dates) * panel.periods_per_year,
        channels=tuple(
            _return(row, learned.get(row["channel"]))
            for row in analysis.efficiency[list(RETURNED)].to_dict("records")
        ),
        report=job.report and not job.core,
        study_file=job.payload.study_file,
    )


def stored_fit(store: Store, study: str, run: str, folder: Path) -> Fit:
    """The fit of a run in the store; fetched into `folder` where the store is elsewhere."""
    from mmm.inference.fit import load_fit

    name = f"{run_folder(study, run)}/fit.nc"
    if store.local:
        return load_fit(store.local / name)
    target = folder.with_name("deployed.nc")
    target.write_bytes(store.read(name))
    return load_fit(target)


def _return(row: Mapping[Any, Any], learned: LearnedPrior | None) -> ChannelReturn:
    """A row of `efficiency.csv`; the spread of log returns from their 90 % interval."""

    def known(name: str) -> float | None:
        value = float(row[name])
        return value if np.isfinite(value) else None

    low, middle, high = (known(f"roi_window_{end}") for end in ENDS)
    log_mean = log_sd = None
    if low is not None and middle is not None and high is not None and low > 0:
        log_mean, log_sd = math.log(middle), math.log(high / low) / (2 * Z90)
    return ChannelReturn(
        channel=str(row["channel"]),
        spend=float(row["spend"]),
        roi_mean=known("roi_mean"),
        roi_p05=known("roi_p05"),
        roi_p50=known("roi_p50"),
        roi_p95=known("roi_p95"),
        log_mean=log_mean,
        log_sd=log_sd,
        learned_mean=learned.mean if learned else None,
        learned_sd=learned.sd if learned else None,
    )


def _finite(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    if isinstance(content, float) and not np.isfinite(content):
        return None
    return content
