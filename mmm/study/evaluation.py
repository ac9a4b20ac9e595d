"""A study evaluated: fitted many times over, and what that says written down."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mmm.config.load import load_study
from mmm.data.load import load_panel
from mmm.errors import input_error
from mmm.study.job import file_sha256, with_lags

if TYPE_CHECKING:
    from mmm.evaluate.suite import Evaluation

EVALUATION = "evaluation.json"


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """Where an evaluation was left, and the evaluation."""

    file: Path
    evaluation: Evaluation

    @property
    def lines(self) -> tuple[str, ...]:
        """What it says: each part's reading, what to do, what it cost."""
        found = [f"{name}: {text}" for name, text in self.evaluation.readings().items()]
        found += [f"  - {one}" for one in self.evaluation.advice()]
        cost = self.evaluation.cost
        found.append(
            f"{cost.fits} fits in {cost.total_s:.0f} seconds; refits with {cost.chains} chains of "
            f"{cost.draws} draws, reseedings as the study has it."
        )
        return tuple(found)


def run_evaluation(
    path: Path | str,
    out: Path | str,
    *,
    quick: bool = False,
    force: bool = False,
    progress: bool = False,
) -> EvaluationResult:
    """Evaluates the study at `path` and writes evaluation.json into the directory `out`, whole or
    not at all. Files that are there already stay, so that it may be that of a run.

    `quick`: fewer refits with fewer draws. Raises `InputError` on bad input, or where there is
    an evaluation and `force` does not replace it; nothing is written then.
    """
    path, out = Path(path), Path(out)
    study = load_study(path)
    panel, _ = load_panel(study, path.parent)
    study, _, _ = with_lags(study, panel, path.parent)
    target = out / EVALUATION
    _refuse(out, target, force=force)
    from mmm.evaluate.settings import QUICK
    from mmm.evaluate.suite import evaluate_study
    from mmm.study.files import write_json
    from mmm.study.progress import refit_progress

    with ExitStack() as stack:
        watch = stack.enter_context(refit_progress()) if progress else None
        found = evaluate_study(study, panel, QUICK if quick else None, watch=watch)
    provenance = {
        "data_sha256": file_sha256(path.parent / (study.data.file or "")),
        "study_sha256": file_sha256(path),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    out.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".evaluation-", dir=out)
    os.close(descriptor)
    try:
        write_json(found.to_dict() | provenance, Path(name))
        os.chmod(name, 0o644)
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)
    return EvaluationResult(target, found)


def _refuse(out: Path, target: Path, *, force: bool) -> None:
    if out.is_file():
        raise input_error("out", str(out), "is a file.", "Name a directory with --out.")
    if target.exists() and not force:
        raise input_error(
            "out", str(target), "there is an evaluation already.",
            "Name another directory with --out, or replace it with --force.",
        )  # fmt: skip
