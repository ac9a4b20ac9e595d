"""Complete runs told to MLflow: parameters, metrics and the artefacts people look at.

The address of the tracking store, and credentials, come from MLflow's own environment variables.
A run is told once: `tracked/STUDY/RUN.json` in our store says that it was, and one of which MLflow
had heard half when its teller was killed is told anew.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm.batch.index import read_records
from mmm.batch.record import Record
from mmm.batch.runs import run_folder
from mmm.batch.store import Store
from mmm.errors import MMMError, input_error

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

ADDRESS = "MLFLOW_TRACKING_URI"
TAG = "mmm.run"
TRACKED = "tracked"
ARTEFACTS = (
    "run.json", "manifest.json", "diagnostics.json", "checks.json", "efficiency.csv",
    "comparison.json", "report.html",
)  # fmt: skip
_SAID = ("study", "batch", "verdict", "decision")
_PARAMETERS = ("data_sha256", "study_sha256", "version", "start", "end", "currency")
_MEASURED = ("rhat_max", "ess_bulk_min", "ess_tail_min", "divergences", "ebfmi_min")
_RETURNS = ("roi_mean", "roi_p05", "roi_p50", "roi_p95", "spend")
_UNUSUAL = re.compile(r"[^\w.\- ]")


class TrackingError(MMMError):
    """MLflow could not be told; what it lacks is told at the end of the next batch."""


def check_tracking() -> None:
    """Raises `InputError` where MLflow is not installed or its address is not set."""
    if find_spec("mlflow") is None:
        raise input_error(
            "mlflow",
            "this installation",
            "lacks MLflow, which the batch file asks for.",
            "Install it with: pip install 'mmm[mlflow]'",
        )
    if not os.environ.get(ADDRESS):
        raise input_error(
            "mlflow",
            ADDRESS,
            "the environment variable is not set.",
            "Set it to the address of the tracking store, as https://host or sqlite:///runs.db.",
        )


def track(store: Store, runs: Iterable[tuple[str, str]], experiment: str) -> int:
    """Tells the experiment those of the complete `runs`, (study, run) each, of which it has not
    heard; how many. Raises `TrackingError` where it cannot be told."""
    known = set(store.names(TRACKED))
    wanted = [name for one in runs if (name := "/".join(one) + ".json") not in known]
    if not wanted:
        return 0
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient
    from sqlalchemy.exc import SQLAlchemyError

    told = 0
    try:
        client = MlflowClient()
        place = _experiment(client, experiment)
        for record in read_records(store, wanted):
            _tell(client, place, store, record)
            store.write(f"{TRACKED}/{record.study}/{record.run}.json", b"{}")
            told += 1
    except (MlflowException, SQLAlchemyError, OSError) as error:
        # its words may hold the address, and that a password
        raise TrackingError(
            f"MLflow was told of {told} of {len(wanted)} runs ({type(error).__name__}). Check that "
            f"the store named in {ADDRESS} answers; the next batch tells it the rest."
        ) from error
    return told


def _experiment(client: MlflowClient, name: str) -> str:
    """Its number in the tracking store, made where there is none."""
    found = client.get_experiment_by_name(name)
    return client.create_experiment(name) if found is None else found.experiment_id


def _tell(client: MlflowClient, experiment: str, store: Store, record: Record) -> None:
    from mlflow.entities import Metric, Param

    name = f"{record.study}/{record.run}"
    for heard in client.search_runs([experiment], f"tags.`{TAG}` = '{name}'"):
        if heard.info.status == "FINISHED":
            return
        client.delete_run(heard.info.run_id)
    when = round(1000 * datetime.fromisoformat(record.created).timestamp())
    tags = {TAG: name} | {f"mmm.{key}": getattr(record, key) for key in _SAID}
    with tempfile.TemporaryDirectory(prefix="mmm-mlflow-") as folder:
        artefacts = dict(_artefacts(store, record))
        for part, content in artefacts.items():
            (Path(folder) / part).write_bytes(content)
        run = client.create_run(experiment, when, tags, record.study).info.run_id
        parameters = {key: getattr(record, key) for key in _PARAMETERS}
        parameters["seed"] = str(json.loads(artefacts["manifest.json"])["seed"])
        client.log_batch(
            run,
            [Metric(key, value, when, 0) for key, value in _metrics(record, artefacts)],
            [Param(key, value) for key, value in parameters.items()],
        )
        client.log_artifacts(run, folder)
        client.set_terminated(run)


def _artefacts(store: Store, record: Record) -> Iterator[tuple[str, bytes]]:
    """Those that the run has; a lean run has no report."""
    for name in ARTEFACTS:
        try:
            yield name, store.read(f"{run_folder(record.study, record.run)}/{name}")
        except FileNotFoundError:
            continue


def _metrics(record: Record, artefacts: dict[str, bytes]) -> Iterator[tuple[str, float]]:
    """Convergence, seconds, spend and returns; what is not known is left out."""
    measured: dict[str, Any] = json.loads(artefacts["diagnostics.json"])
    found = {name: measured[name] for name in _MEASURED}
    found |= {**record.timings, "spend_per_year": record.spend_per_year}
    for one in record.channels:
        place = _UNUSUAL.sub("_", one.channel)
        found |= {f"{name}/{place}": getattr(one, name) for name in _RETURNS}
    yield from ((name, float(value)) for name, value in found.items() if value is not None)
