"""Runs in a store: published, failed, deployed, looked up, and let go."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from pathlib import Path

from mmm.batch.names import safe_part
from mmm.batch.record import (
    DONE,
    FAILED,
    PROMOTE,
    Record,
    now,
    record_from_json,
    record_to_json,
)
from mmm.batch.store import Store
from mmm.config.batch import Retention
from mmm.errors import input_error

RUN_FILE = "run.json"
_FAILED = f".{FAILED}.json"


def run_folder(study: str, run: str) -> str:
    return f"runs/{safe_part(study)}/{safe_part(run)}"


def record_name(study: str, run: str, status: str = DONE) -> str:
    ending = _FAILED if status == FAILED else ".json"
    return f"records/{safe_part(study)}/{safe_part(run)}{ending}"


def has_run(store: Store, study: str, run: str) -> bool:
    """Whether the run is complete. One whose files are all there but whose record was never
    written, since its writer was killed in between, is made visible now."""
    if store.exists(record_name(study, run)):
        return True
    copy = f"{run_folder(study, run)}/{RUN_FILE}"
    if not store.exists(copy):
        return False
    _make_visible(store, record_from_json(store.read(copy), copy))
    return True


def _make_visible(store: Store, record: Record) -> None:
    """The last steps of a run whose files are in place; doing them twice changes nothing."""
    if record.decision == PROMOTE:
        _note_promotion(store, record.study, record.run, record.created, record.because)
    store.write(record_name(record.study, record.run), record_to_json(record))
    store.remove(record_name(record.study, record.run, FAILED))
    store.remove(f"started/{record.study}/{record.run}.json")


def begin_run(store: Store, study: str, run: str) -> None:
    """Leaves the mark that tells an interrupted run from a new one."""
    store.write(f"started/{safe_part(study)}/{safe_part(run)}.json", b"{}")


def was_begun(store: Store, study: str, run: str) -> bool:
    return store.exists(f"started/{safe_part(study)}/{safe_part(run)}.json")


def publish_run(store: Store, record: Record, folder: Path) -> bool:
    """Makes `folder` (from `Store.aside`) the run of `record`, visible once all of it is there,
    and the deployed one of its study where that was decided.

    False where another writer was first; then that one's stays and this one goes.
    """
    (folder / RUN_FILE).write_bytes(record_to_json(record))
    if not store.move_in(folder, run_folder(record.study, record.run), RUN_FILE):
        has_run(store, record.study, record.run)
        return False
    _make_visible(store, record)
    return True


def record_failure(store: Store, record: Record) -> None:
    """Keeps why a run failed; the next batch tries it again."""
    store.write(record_name(record.study, record.run, FAILED), record_to_json(record))
    store.remove(f"started/{record.study}/{record.run}.json")


def read_record(store: Store, study: str, run: str) -> Record:
    """Raises `InputError` where the store has no such run."""
    name = record_name(study, run)
    try:
        return record_from_json(store.read(name), name)
    except FileNotFoundError:
        raise input_error(
            "store",
            f"{study}/{run}",
            "the store has no such run.",
            "See its index for those it has.",
        ) from None


def promote_run(store: Store, study: str, run: str, because: Iterable[str]) -> None:
    """Makes a complete run the deployed one of its study. Raises `InputError` where it is not
    there."""
    read_record(store, study, run)
    _note_promotion(store, study, run, now(), because)


def _note_promotion(
    store: Store, study: str, run: str, created: str, because: Iterable[str]
) -> None:
    content = {"study": study, "run": run, "created": created, "because": list(because)}
    mark = datetime.fromisoformat(created).strftime("%Y%m%dT%H%M%S%f")
    store.write(f"promotions/{study}/{mark}.{run}.json", json.dumps(content, indent=1).encode())


def deployed_runs(store: Store, visible: Collection[tuple[str, str]]) -> dict[str, str]:
    """Study -> its deployed run: the last one promoted of those in `visible`."""
    latest: dict[str, str] = {}
    for name in store.names("promotions"):
        study, _, event = name.rpartition("/")
        if event > latest.get(study, "") and (study, _run_of(event)) in visible:
            latest[study] = event
    return {study: _run_of(event) for study, event in latest.items()}


def deployed_run(store: Store, study: str) -> str | None:
    """The deployed run of one study."""
    for event in sorted(store.names(f"promotions/{safe_part(study)}"), reverse=True):
        if store.exists(record_name(study, _run_of(event))):
            return _run_of(event)
    return None


def _run_of(event: str) -> str:
    return event.split(".", 1)[1].removesuffix(".json")


def let_go(store: Store, records: Iterable[Record], rules: Retention) -> list[tuple[str, str]]:
    """Removes runs past their time, (study, run) each. The deployed run and the latest of each
    study stay whatever the rules say."""
    if rules.runs is None and rules.days is None:
        return []
    records = list(records)
    deployed = deployed_runs(store, {(record.study, record.run) for record in records})
    oldest = None
    if rules.days is not None:
        oldest = datetime.fromisoformat(now()) - timedelta(days=rules.days)
    by_study: dict[str, list[Record]] = {}
    for record in records:
        if record.status == DONE:
            by_study.setdefault(record.study, []).append(record)
    gone = []
    for study, runs in by_study.items():
        runs.sort(key=lambda record: record.created, reverse=True)
        for place, record in enumerate(runs[1:], 1):
            many = rules.runs is not None and place >= rules.runs
            old = oldest is not None and datetime.fromisoformat(record.created) < oldest
            if (many or old) and deployed.get(study) != record.run:
                store.remove(record_name(study, record.run))  # invisible first
                store.remove(run_folder(study, record.run))
                store.remove(f"tracked/{study}/{record.run}.json")
                gone.append((study, record.run))
    return gone
