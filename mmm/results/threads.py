"""Work on every processor: the kernels release the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

MOST_WORKERS = 8
"""Threads at most, so that memory does not grow with the machine."""


LIMIT = "MMM_THREADS"
"""Environment variable that limits the threads, where something else uses the other cores."""


def cores() -> int:
    """Processors this process may use: all it was given, or `MMM_THREADS` of them."""
    limit = os.environ.get(LIMIT, "")
    if limit.isdigit() and int(limit):
        return int(limit)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def each_in_threads[S, T](
    compute: Callable[[S], T], items: Sequence[S], *, alone: bool = False
) -> list[T]:
    """`compute` of every item, in their order; what comes out does not depend on the threads.

    `alone` keeps to one thread: a PyTensor function must not be called from two at a time.
    """
    workers = 1 if alone else min(len(items), cores(), MOST_WORKERS)
    if workers < 2:
        return [compute(item) for item in items]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(compute, items))
