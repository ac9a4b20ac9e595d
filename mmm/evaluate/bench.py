"""Refits, counted and watched."""

from __future__ import annotations

import time
from collections.abc import Callable

from mmm.config import Study
from mmm.data.panel import Panel
from mmm.inference.fit import Fit, fit

Watch = Callable[[str, int, int], None]
"""Told before each fit: what for, how many are done, of how many."""


class Bench:
    """Fits one after the other: the chains of each already use the processors, and nothing is
    compiled after the first."""

    def __init__(self, total: int, watch: Watch | None = None) -> None:
        self.total, self.watch = total, watch
        self.done, self.seconds = 0, 0.0

    def fit(self, purpose: str, study: Study, panel: Panel) -> Fit:
        """Fits `study` to `panel`; raises what `fit` raises."""
        if self.watch is not None:
            self.watch(purpose, self.done, self.total)
        started = time.perf_counter()
        found = fit(study, panel)
        self.seconds += time.perf_counter() - started
        self.done += 1
        return found
