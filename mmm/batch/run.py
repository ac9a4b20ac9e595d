"""A whole batch: planned, run, recorded, summed up."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import mmm
from mmm.batch.index import read_index, read_records, rebuild_index, record_path
from mmm.batch.job import Job, JobResult, failed_record, reason_of
from mmm.batch.learn import LearnedPrior, Portfolio, with_priors
from mmm.batch.plan import Action, PlannedRun, plan_batch
from mmm.batch.record import ALARM, DONE, FAILED, HOLD, PROMOTE, Record, now
from mmm.batch.runs import let_go, record_failure
from mmm.batch.sources import Entry, Source, open_source
from mmm.batch.store import Store, open_store
from mmm.batch.track import TrackingError, check_tracking, track
from mmm.config.batch import Batch
from mmm.config.load import load_batch
from mmm.errors import InputError

if TYPE_CHECKING:
    from mmm.batch.spread import Encryption, Ended, Watch

SUMMARY = "summary.json"


@dataclass(frozen=True, slots=True)
class Failure:
    """A study that could not be run, and why."""

    study: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a new fit of a study: promote, hold or alarm."""

    study: str
    run: str
    decision: str
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """`summary.json`: what a batch did. planned = done + skipped + failed; promoted, held and
    alarms count new fits; `lost_workers` how often a worker was lost; `let_go` runs removed;
    `tracked` runs that MLflow was told of."""

    batch: str
    created: str
    planned: int
    done: int
    skipped: int
    failed: int
    promoted: int
    held: int
    alarms: int
    lost_workers: int = 0
    let_go: int = 0
    tracked: int = 0
    seconds: float = 0.0
    sampling_s: float = 0.0
    problems: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    decisions: tuple[Decided, ...] = ()

    @property
    def well(self) -> bool:
        """No study failed, no alarm was raised, everything could be written."""
        return not (self.failed or self.alarms or self.problems)


def plan_only(path: Path | str, out: Path | str, *, force: bool = False) -> list[PlannedRun]:
    """What `run_batch` would do and why; nothing is written. Raises `InputError` as it does."""
    path = Path(path)
    batch, store = load_batch(path), open_store(out)
    with open_source(batch, path.parent) as source:
        return plan_batch(source.entries(), read_index(store), store, force=force)


def run_batch(
    path: Path | str,
    out: Path | str,
    *,
    force: bool = False,
    scheduler: str | None = None,
    encryption: Encryption | None = None,
    workers: int | None = None,
    watch: Watch | None = None,
) -> BatchSummary:
    """Runs the batch file at `path` into the store at `out`.

    A study that fails does not stop the others. `watch` is told what happens, one mapping an
    event. Raises `InputError` where the batch as a whole is wrong; then nothing was run.
    """
    started = time.perf_counter()
    path = Path(path)
    tell = watch or (lambda _event: None)
    batch, store = load_batch(path), open_store(out)
    if batch.mlflow:
        check_tracking()
    with ExitStack() as stack:
        source = stack.enter_context(open_source(batch, path.parent))
        entries = list(source.entries())  # refuses what is wrong before anything is written
        store.clear_aside()
        index = rebuild_index(store)
        plan = plan_batch(entries, index, store, force=force)
        counted = {action.value: sum(one.action is action for one in plan) for action in Action}
        tell({"event": "planned", "batch": batch.batch, **counted})
        tally = _Tally(store, batch, tell)
        for one in plan:
            if one.action is Action.FAIL:
                tally.refused(one)
        wanted = [one for one in plan if one.action is Action.RUN]
        if wanted:
            deployed = _deployed(index)
            portfolio = _portfolio(store, deployed) if batch.learn else None
            jobs = _jobs(wanted, batch, source, store, deployed, portfolio, tally)
            _run(jobs, tally, batch, scheduler, encryption, workers)
    return _finish(batch, store, plan, tally, time.perf_counter() - started)


def _run(
    jobs: Iterator[Job],
    tally: _Tally,
    batch: Batch,
    scheduler: str | None,
    encryption: Encryption | None,
    workers: int | None,
) -> None:
    from mmm.batch.spread import open_client, spread

    opened = open_client(
        scheduler=scheduler, encryption=encryption, workers=workers, retries=batch.retries
    )
    with opened as client:
        tally.tell({"event": "cluster", "dashboard": client.dashboard_link})
        for ended in spread(client, jobs, retries=batch.retries, watch=tally.hear):
            tally.ended(ended)


class _Tally:
    """What has happened so far; each ending is told and kept."""

    def __init__(self, store: Store, batch: Batch, tell: Watch) -> None:
        self.store, self.batch, self.tell = store, batch, tell
        self.done = self.skipped = 0
        self.sampling = 0.0
        self.failures: list[Failure] = []
        self.decisions: list[Decided] = []
        self.problems: list[str] = []
        self.begun: dict[str, int] = {}

    @property
    def lost_workers(self) -> int:
        """How often a study was begun again after it was begun."""
        return sum(times - 1 for times in self.begun.values())

    def hear(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "started":
            name = f"{event['study']}/{event['run']}"
            self.begun[name] = self.begun.get(name, 0) + 1
        self.tell(event)

    def refused(self, one: PlannedRun, reason: str | None = None) -> None:
        """A study that no worker was given."""
        reason = reason or one.reason
        entry = one.entry
        self._failed(
            Record(
                study=one.study,
                run=one.run,
                created=now(),
                status=FAILED,
                reason=reason,
                data_sha256=entry.data_sha256,
                study_sha256=entry.study_sha256,
                version=mmm.__version__,
                batch=self.batch.batch,
                study_file=entry.place,
            ),
            recorded=False,
        )

    def ended(self, ended: Ended) -> None:
        result = ended.result
        if result.status == FAILED:
            self._failed(failed_record(ended.job, result.reason), recorded=ended.recorded)
            return
        self.sampling += result.sampling
        if result.status == DONE:
            self.done += 1
            decided = Decided(result.study, result.run, result.decision, result.because)
            self.decisions.append(decided)
        else:
            self.skipped += 1
        self.tell({"event": result.status, **_said(result)})

    def _failed(self, record: Record, *, recorded: bool) -> None:
        if not recorded:
            try:
                record_failure(self.store, record)
            except OSError as error:
                self.problems.append(f"The failure of {record.study} cannot be kept: {error}.")
        self.failures.append(Failure(record.study, record.reason))
        self.tell({"event": FAILED, "study": record.study, "reason": record.reason})


def _said(result: JobResult) -> dict[str, Any]:
    said = {
        "study": result.study,
        "run": result.run,
        "reason": result.reason,
        "verdict": result.verdict,
        "decision": result.decision,
        "because": list(result.because),
        "seconds": round(result.seconds, 2),
    }
    return {key: value for key, value in said.items() if value not in ("", [], 0.0)}


def _deployed(index: pd.DataFrame) -> dict[str, str]:
    rows = index[index["promoted"]]
    return dict(zip(rows["study"], rows["run"], strict=True))


def _portfolio(store: Store, deployed: Mapping[str, str]) -> Portfolio:
    names = [record_path(study, run, DONE) for study, run in deployed.items()]
    return Portfolio(read_records(store, names))


def _jobs(
    wanted: Iterable[PlannedRun],
    batch: Batch,
    source: Source,
    store: Store,
    deployed: Mapping[str, str],
    portfolio: Portfolio | None,
    tally: _Tally,
) -> Iterator[Job]:
    """One job a run, its payload read only now; what cannot be read any more is refused."""
    for one in wanted:
        entry: Entry = one.entry
        learned: tuple[LearnedPrior, ...] = ()
        try:
            payload = source.payload(entry)
            if portfolio is not None:
                known = portfolio.priors_for(one.study)
                payload, learned = with_priors(payload, known, batch.batch)
        except InputError as refusal:
            tally.refused(one, reason_of(refusal))
            continue
        except OSError as error:
            tally.refused(one, f"{entry.place}: {error.strerror}.")
            continue
        yield Job(
            study=one.study,
            run=one.run,
            place=entry.place,
            data_sha256=entry.data_sha256,
            study_sha256=entry.study_sha256,
            payload=payload,
            store=store.address if "://" in store.address else str(Path(store.root)),
            batch=batch.batch,
            rules=batch.promote,
            deployed=deployed.get(one.study, ""),
            learned=learned,
            report=batch.report,
            core=batch.artefacts == "core",
            time_limit=batch.time_limit,
            memory_limit=batch.memory_limit,
        )


def _finish(
    batch: Batch, store: Store, plan: list[PlannedRun], tally: _Tally, seconds: float
) -> BatchSummary:
    """Writes what is derived from the runs. Where that fails, the summary says so: the next
    batch writes it anew."""
    gone: list[tuple[str, str]] = []
    tracked = 0
    try:
        index = rebuild_index(store)
        if batch.retention.runs is not None or batch.retention.days is not None:
            rows = index.loc[index["status"] == DONE, ["study", "run", "status"]]
            names = [record_path(*row) for row in rows.itertuples(index=False)]
            gone = let_go(store, read_records(store, names), batch.retention)
            index = rebuild_index(store)
        from mmm.batch.page import write_portfolio  # charts take a second to load

        write_portfolio(store, index, batch.batch, now())
        if batch.mlflow:
            ours = index[(index["status"] == DONE) & (index["batch"] == batch.batch)]
            runs = zip(ours["study"], ours["run"], strict=True)
            tracked = track(store, runs, batch.mlflow)
    except TrackingError as error:
        tally.problems.append(str(error))
    except OSError as error:
        tally.problems.append(f"The index or the portfolio page cannot be written: {error}.")
    skipped = sum(one.action is Action.SKIP for one in plan)
    actions = [decided.decision for decided in tally.decisions]
    summary = BatchSummary(
        batch=batch.batch,
        created=now(),
        planned=len(plan),
        done=tally.done,
        skipped=skipped + tally.skipped,
        failed=len(tally.failures),
        promoted=actions.count(PROMOTE),
        held=actions.count(HOLD),
        alarms=actions.count(ALARM),
        lost_workers=tally.lost_workers,
        let_go=len(gone),
        tracked=tracked,
        seconds=seconds,
        sampling_s=tally.sampling,
        problems=tuple(tally.problems),
        failures=tuple(tally.failures),
        decisions=tuple(tally.decisions),
    )
    try:
        write_summary(store, summary)
    except OSError as error:
        summary = replace(
            summary, problems=(*summary.problems, f"The summary cannot be written: {error}.")
        )
    tally.tell({"event": "summary", **asdict(summary)})
    return summary


def write_summary(store: Store, summary: BatchSummary) -> None:
    """The latest summary, and one that stays."""
    text = (json.dumps(asdict(summary), indent=2, ensure_ascii=False) + "\n").encode()
    mark = datetime.fromisoformat(summary.created).strftime("%Y%m%dT%H%M%S%f")
    store.write(f"batches/{mark}.{summary.batch}.json", text)
    store.write(SUMMARY, text)
