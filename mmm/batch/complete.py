"""All artefacts of a run that a batch kept lean, from its stored fit."""

from __future__ import annotations

from pathlib import Path

from mmm.batch.job import INPUTS
from mmm.batch.record import record_from_json
from mmm.batch.runs import RUN_FILE
from mmm.errors import input_error
from mmm.study.job import RunResult, run_study


def complete_run(run: Path | str, out: Path | str) -> RunResult:
    """Writes every artefact of the run in the directory `run` into `out`, sampling nothing.

    Raises `InputError` where `run` is not the directory of a batch run or `out` is occupied,
    `StoredFitError` where its fit is damaged or not that of its inputs.
    """
    from mmm.inference.fit import load_fit

    folder = Path(run)
    try:
        record = record_from_json((folder / RUN_FILE).read_bytes(), str(folder / RUN_FILE))
    except OSError as error:
        raise input_error(
            "complete",
            str(folder),
            f"is not the directory of a run of a batch: no {RUN_FILE} can be read there.",
            "Name a directory below 'runs' of a store.",
        ) from error
    study = folder / INPUTS / record.study_file
    return run_study(study, out, stored=load_fit(folder / "fit.nc"))
