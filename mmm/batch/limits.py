"""Time and memory of one study in a worker, watched from a thread beside the fit."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import psutil

INTERVAL = 0.1
GRACE = 3.0
"""Seconds between saying that a limit is passed and ending the process."""


@contextmanager
def limits(
    time_limit: float | None, memory_limit: int | None, passed: Callable[[str], None]
) -> Generator[None]:
    """While the block runs: calls `passed` with the reason once a limit is passed, then ends
    this process, since a running fit cannot be stopped from within.

    `time_limit` in seconds from now, `memory_limit` in bytes of the whole process.
    """
    if time_limit is None and memory_limit is None:
        yield
        return
    over = threading.Event()
    watch = threading.Thread(
        target=_watch, args=(time_limit, memory_limit, passed, over), daemon=True
    )
    watch.start()
    try:
        yield
    finally:
        over.set()


def _watch(
    time_limit: float | None,
    memory_limit: int | None,
    passed: Callable[[str], None],
    over: threading.Event,
) -> None:
    started, process = time.monotonic(), psutil.Process()
    while not over.wait(INTERVAL):
        reason = ""
        if time_limit is not None and time.monotonic() - started > time_limit:
            reason = f"took longer than the time limit of {time_limit:g} s"
        elif memory_limit is not None:
            used = process.memory_info().rss
            if used > memory_limit:
                reason = (
                    f"needed {used / 1e6:.0f} MB, more than the memory limit of "
                    f"{memory_limit / 1e6:.0f} MB"
                )
        if reason:
            passed(reason)
            if not over.wait(GRACE):
                os._exit(1)
            return
