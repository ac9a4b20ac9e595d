"""Jobs spread over Dask workers, each result given back as it comes."""

from __future__ import annotations

import gc
import logging
import os
import queue
import socket
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import dask
from dask.distributed import Client, Future, LocalCluster, Security, get_worker
from distributed.scheduler import KilledWorker

from mmm.batch.job import Job, JobResult, run_job
from mmm.batch.limits import limits
from mmm.batch.record import FAILED
from mmm.errors import InputError, input_error
from mmm.results.threads import LIMIT, cores

TOPIC = "mmm-batch"
AHEAD = 2
"""Jobs sent out a worker: one it works at, one it has next."""
DASHBOARD = 8787
CONNECT_S = 30.0
PINNED = {
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
    ),
    # arrays of a few MB come and go: glibc would fetch their pages from the system each time
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**27),
    "MALLOC_ARENA_MAX": "1",  # jobs run in a thread, whose memory would be given back and fetched
}

UNWATCHED = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "2s",
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.work-stealing": False,
}
"""What Dask looks at many times a second, which took 3 % of two cores. No worker has a queue that
another could take from, and none holds results."""

Watch = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Encryption:
    """TLS towards a scheduler: the authority's certificate, ours, and its key."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Ended:
    """A job and how it ended; `recorded` says whether the store knows already."""

    job: Job
    result: JobResult
    recorded: bool


@contextmanager
def open_client(
    *,
    scheduler: str | None = None,
    encryption: Encryption | None = None,
    workers: int | None = None,
    retries: int = 1,
) -> Generator[Client]:
    """A client of the scheduler at `scheduler`, or of a cluster of this machine: `workers`
    processes (one a core), each of one thread, which end with the block.

    Raises `InputError` where the scheduler does not answer.
    """
    if scheduler is not None:
        with _existing(scheduler, encryption) as client:
            yield client
        return
    settings = {
        "distributed.scheduler.allowed-failures": retries,
        "distributed.scheduler.worker-saturation": 1.0,  # a lost worker takes one study with it
        "distributed.nanny.pre-spawn-environ": PINNED,
        **UNWATCHED,
        "distributed.comm.timeouts.connect": "60s",
        "distributed.admin.log-format": "%(message)s",
    }
    with (
        _environment_kept(),
        dask.config.set(settings),
        LocalCluster(
            n_workers=workers or cores(),
            threads_per_worker=1,
            processes=True,
            memory_limit=0,
            host="127.0.0.1",
            dashboard_address=_dashboard(),
            silence_logs=logging.CRITICAL,
            local_directory=None,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@contextmanager
def _environment_kept() -> Generator[None]:
    """Puts the environment back at the end: Dask sets what it pins in this process too."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _existing(scheduler: str, encryption: Encryption | None) -> Generator[Client]:
    security = None
    if encryption:
        security = Security(
            tls_ca_file=str(encryption.authority),
            tls_client_cert=str(encryption.certificate),
            tls_client_key=str(encryption.key),
            require_encryption=True,
        )
    try:
        client = Client(scheduler, security=security, set_as_default=False, timeout=CONNECT_S)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        raise _no_scheduler(scheduler, error) from error
    with client:
        yield client


def _no_scheduler(scheduler: str, error: Exception) -> InputError:
    return input_error(
        "scheduler",
        scheduler,
        f"does not answer ({type(error).__name__}).",
        "Check the address, as tcp://host:8786 or tls://host:8786, and the TLS files.",
    )


def _dashboard() -> str:
    """The usual port of the dashboard where it is free, else any."""
    with socket.socket() as trial:
        taken = trial.connect_ex(("127.0.0.1", DASHBOARD)) == 0
    return f"127.0.0.1:{0 if taken else DASHBOARD}"


@cache
def warm_up(*, core: bool) -> None:
    """Imports what a fit needs and loads its compiled code, once a worker, so that it counts
    towards no study's time; none of it is garbage to look through at every collection. `core`
    leaves out what only the other artefacts need."""
    import_module("dask.array")  # xarray asks for it with the first array
    for name in ("core", "progress", *(["artefacts"] * (not core))):
        import_module(f"mmm.study.{name}")
    for name in ("compare", "promote"):
        import_module(f"mmm.batch.{name}")
    kernel = import_module("mmm.model.kernel")
    kernel.prepare("normal")
    gc.collect()
    gc.freeze()


def work(job: Job) -> JobResult:
    """What a worker does with a job: says that it has begun, and ends itself past a limit."""
    worker = get_worker()
    os.environ[LIMIT] = "1"
    warm_up(core=job.core)

    def tell(event: str, **content: Any) -> None:
        worker.log_event(TOPIC, {"event": event, "study": job.study, "run": job.run, **content})

    tell("started", worker=worker.address, process=os.getpid())
    with limits(job.time_limit, job.memory_limit, lambda why: tell("limit", reason=why)):
        return run_job(job)


def spread(client: Client, jobs: Iterable[Job], *, retries: int, watch: Watch) -> Iterator[Ended]:
    """Runs `jobs` on the client's workers and yields each as it ends, in no order.

    Jobs are taken as workers become free, so that their payloads are never all in memory. A job
    whose machine failed is tried `retries` times more; one past a limit is not.
    """
    happened: queue.Queue[tuple[str, Any]] = queue.Queue()
    client.subscribe_topic(TOPIC, lambda event: happened.put(("event", event[1])))
    waiting, token = iter(jobs), uuid.uuid4().hex
    running: dict[str, tuple[Job, Future]] = {}
    limited: dict[str, str] = {}
    try:
        while True:
            while len(running) < AHEAD * max(1, _threads(client)):
                job = next(waiting, None)
                if job is None:
                    break
                name = f"{job.study}/{job.run}"
                key = f"mmm-{name}-{token}"  # a scheduler may serve several stores
                future = client.submit(work, job, key=key, retries=retries, pure=False)
                running[name] = (job, future)
                future.add_done_callback(lambda _, name=name: happened.put(("ended", name)))
            if not running:
                return
            kind, content = happened.get()
            if kind == "event":
                watch(content)
                name = f"{content['study']}/{content['run']}"
                if content["event"] == "limit" and name in running:
                    limited[name] = content["reason"]
                    running[name][1].cancel(force=True)
            elif content in running:
                job, future = running.pop(content)
                yield _ended(job, future, limited.pop(content, ""))
    finally:
        for _, future in running.values():
            future.cancel(force=True)
        client.unsubscribe_topic(TOPIC)


def _threads(client: Client) -> int:
    return sum(client.nthreads().values())


def _ended(job: Job, future: Future, limit: str) -> Ended:
    if future.status == "finished":
        return Ended(job, future.result(), True)
    if limit:
        reason = limit
    elif future.status == "error":
        reason = _words(future.exception())
    else:
        reason = "was cancelled from elsewhere"
    return Ended(job, JobResult(job.study, job.run, FAILED, reason), False)


def _words(error: BaseException | None) -> str:
    if isinstance(error, KilledWorker):
        return "its worker was lost at every attempt: killed, or out of memory or disk"
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
