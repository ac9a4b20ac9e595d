"""A study evaluated: fitted many times over, and what that says written down."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm.errors import input_error
from mmm.study.directory import EVALUATION, MANIFEST, REPORT, refuse_unwritable, whole_directory
from mmm.study.job import StudyInputs, file_sha256, read_inputs, refuse_other
from mmm.study.refits import evaluated, refuse_short

if TYPE_CHECKING:
    from mmm.evaluate.suite import Evaluation
    from mmm.inference.diagnose import Verdict
    from mmm.inference.fit import Fit

FIT = "fit.nc"


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """Where an evaluation was left, the evaluation, and the verdict on the fit with the evaluation
    counted; `report` is the page of the run it lies in, None where it lies alone."""

    file: Path
    evaluation: Evaluation
    verdict: Verdict
    report: Path | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """The verdict and its reasons, each part's reading, what to do, cost, and the files."""
        found = [f"Verdict: {self.verdict.label.value}"]
        found += [f"  - {one}" for one in self.verdict.reasons]
        found += [f"{name}: {text}" for name, text in self.evaluation.readings().items()]
        found += [f"  - {one}" for one in self.evaluation.advice()]
        cost = self.evaluation.cost
        found.append(
            f"{cost.fits} fits in {cost.total_s:.0f} seconds; refits with {cost.chains} chains of "
            f"{cost.draws} draws, reseedings as the study has it."
        )
        found.append(f"Evaluation: {self.file}")
        return tuple(found) if self.report is None else (*found, f"Report: {self.report}")


def run_evaluation(
    path: Path | str,
    out: Path | str,
    *,
    quick: bool = False,
    force: bool = False,
    progress: bool = False,
) -> EvaluationResult:
    """Evaluates the study at `path` and writes evaluation.json into the directory `out`, whole or
    not at all.

    Where `out` holds a run of this study and data, its fit is the one evaluated, and verdict,
    checks, case and report are written again with the evaluation counted; other files stay.
    `quick`: fewer refits with fewer draws. Raises `InputError` on bad input, where `out` holds a
    run of another study or other data, or where there is an evaluation and `force` does not
    replace it; nothing is written then.
    """
    path, out = Path(path), Path(out)
    inputs = read_inputs(path)
    read = {
        "data_sha256": file_sha256(path.parent / (inputs.study.data.file or "")),
        "study_sha256": file_sha256(path),
    }
    _refuse(out, force=force)
    run = _run_in(out, inputs, read)
    refuse_short(inputs.study, inputs.panel)
    if run is None:
        return _evaluated_alone(inputs, out, read, quick=quick, progress=progress)
    from mmm.plan.recorded import load_record
    from mmm.plan.scenarios import planned_scenario
    from mmm.study.analysis import analyse
    from mmm.study.artefacts import write_artefacts

    manifest, fitted = run
    scenario = planned_scenario(inputs.study, inputs.panel, path.parent)
    found = evaluated(fitted, quick=quick, progress=progress)
    analysis = analyse(
        fitted, inputs.findings, inputs.claims, inputs.lags,
        scenario=scenario, record=load_record(out / FIT), evaluation=found,
    )  # fmt: skip
    verdict = analysis.verdict
    judged = {"verdict": verdict.label.value, "reasons": list(verdict.reasons)}
    with whole_directory(out, force=True) as directory:
        shutil.copytree(out, directory, dirs_exist_ok=True)
        write_artefacts(analysis, {**manifest, **judged}, directory)
    return EvaluationResult(out / EVALUATION, found, verdict, out / REPORT)


def _evaluated_alone(
    inputs: StudyInputs, out: Path, read: Mapping[str, str], *, quick: bool, progress: bool
) -> EvaluationResult:
    from mmm.efficiency.roi import efficiency_table
    from mmm.inference.fit import fit
    from mmm.results.respond import response
    from mmm.study.analysis import judged
    from mmm.study.artefacts import evaluation_json
    from mmm.study.files import write_json
    from mmm.study.progress import sampling_progress

    started = time.perf_counter()
    with ExitStack() as stack:
        chains = inputs.study.inference.chains
        watch = stack.enter_context(sampling_progress(chains)) if progress else None
        fitted = fit(inputs.study, inputs.panel, progress=watch)
    first = time.perf_counter() - started
    found = evaluated(fitted, quick=quick, progress=progress)
    cost = found.cost
    cost = replace(cost, fits=cost.fits + 1, fit_s=cost.fit_s + first, total_s=cost.total_s + first)
    found = replace(found, cost=cost)
    answer = response(fitted)
    verdict = judged(answer, efficiency_table(answer), inputs.findings, found).verdict
    provenance = {**read, "created": datetime.now(UTC).isoformat(timespec="seconds")}
    content = evaluation_json(found, verdict, provenance)
    out.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".evaluation-", dir=out)
    os.close(descriptor)
    try:
        write_json(content, Path(name))
        os.chmod(name, 0o644)
        os.replace(name, out / EVALUATION)
    finally:
        Path(name).unlink(missing_ok=True)
    return EvaluationResult(out / EVALUATION, found, verdict)


def _run_in(
    out: Path, inputs: StudyInputs, read: Mapping[str, str]
) -> tuple[dict[str, Any], Fit] | None:
    """Manifest and fit of the run in `out`; None where there is none. Raises `InputError` unless
    it is of the same files, `StoredFitError` where its fit is not of the same study and data."""
    if not ((out / MANIFEST).is_file() and (out / FIT).is_file()):
        return None
    from mmm.inference.fit import load_fit

    try:
        manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    except json.JSONDecodeError as problem:
        raise input_error(
            "out", str(out / MANIFEST), f"is not JSON ({problem}).",
            "Run the study again, or name another directory with --out.",
        ) from None  # fmt: skip
    for key, what in (("data_sha256", "other data"), ("study_sha256", "another study file")):
        if manifest.get(key) != read[key]:
            raise input_error(
                "out", str(out), f"holds a run of {what} ({key} differs).",
                "Run the study again with 'mmm run', or name another directory with --out.",
            )  # fmt: skip
    fitted = load_fit(out / FIT)
    refuse_other(fitted, inputs.study, inputs.panel)
    return manifest, fitted


def _refuse(out: Path, *, force: bool) -> None:
    refuse_unwritable(out)
    if out.is_file():
        raise input_error("out", str(out), "is a file.", "Name a directory with --out.")
    if (out / EVALUATION).exists() and not force:
        raise input_error(
            "out", str(out / EVALUATION), "there is an evaluation already.",
            "Name another directory with --out, or replace it with --force.",
        )  # fmt: skip
