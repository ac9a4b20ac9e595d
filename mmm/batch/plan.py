"""What a batch would do and why, before it does anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

import mmm
from mmm.batch.record import DONE, FAILED, run_id
from mmm.batch.runs import has_run, was_begun
from mmm.batch.sources import Entry
from mmm.batch.store import Store


class Action(StrEnum):
    RUN = "run"
    SKIP = "skip"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One study, what is to be done with it, and why. `run` names the result in the store."""

    entry: Entry
    run: str
    action: Action
    reason: str

    @property
    def study(self) -> str:
        return self.entry.name


def plan_batch(
    entries: Iterable[Entry], index: pd.DataFrame, store: Store, *, force: bool = False
) -> list[PlannedRun]:
    """Every study in its order. A run is named by the digests of data and study and by the
    library's version, so the store knows whether it has it; with `force` it is done again
    under a further name."""
    known = _by_study(index)
    return [_plan(entry, known.get(entry.name, []), store, force) for entry in entries]


@dataclass(frozen=True, slots=True)
class _Known:
    run: str
    created: str
    status: str
    reason: str
    data_sha256: str
    study_sha256: str


def _by_study(index: pd.DataFrame) -> dict[str, list[_Known]]:
    """Rows of each study, oldest first."""
    names = ("run", "created", "status", "reason", "data_sha256", "study_sha256")
    found: dict[str, list[_Known]] = {}
    columns = [index[name].tolist() for name in ("study", *names)]
    for study, *rest in zip(*columns, strict=True):
        found.setdefault(study, []).append(_Known(*rest))
    return found


def _plan(entry: Entry, known: list[_Known], store: Store, force: bool) -> PlannedRun:
    run = run_id(entry.data_sha256, entry.study_sha256, mmm.__version__)
    if entry.problem:
        return PlannedRun(entry, run, Action.FAIL, entry.problem)
    same = [row for row in known if row.run.partition("-")[0] == run]
    done = [row for row in same if row.status == DONE]
    if done and not force:
        day = done[-1].created[:10]
        return PlannedRun(entry, run, Action.SKIP, f"unchanged since the run of {day}")
    if not force and has_run(store, entry.name, run):
        return PlannedRun(entry, run, Action.SKIP, "done already")
    if force:
        return PlannedRun(entry, _next_name(store, entry.name, run), Action.RUN, "forced")
    return PlannedRun(entry, run, Action.RUN, _why(entry, run, known, store))


def _why(entry: Entry, run: str, known: list[_Known], store: Store) -> str:
    failed = [row for row in known if row.run == run and row.status == FAILED]
    if was_begun(store, entry.name, run):
        return "interrupted before"
    if failed:
        return f"failed before: {failed[-1].reason}"
    done = [row for row in known if row.status == DONE]
    if not done:
        return "new"
    last = done[-1]
    changed = [
        word
        for word, differs in (
            ("data", last.data_sha256 != entry.data_sha256),
            ("study", last.study_sha256 != entry.study_sha256),
        )
        if differs
    ]
    return f"{' and '.join(changed)} changed" if changed else "library changed"


def _next_name(store: Store, study: str, run: str) -> str:
    """The first of RUN, RUN-2, RUN-3, ... that the store does not have."""
    name, number = run, 1
    while has_run(store, study, name):
        number += 1
        name = f"{run}-{number}"
    return name
