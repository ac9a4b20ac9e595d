"""Progress on a terminal: of sampling by chains, draws and divergences; of many fits by fit."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Chain(Protocol):
    """What nutpie tells about a running chain."""

    finished_draws: int
    total_draws: int
    divergences: int
    tuning: bool


@contextmanager
def sampling_progress(chains: int) -> Generator[Callable[[Sequence[Chain]], None]]:
    """A bar a chain on standard error while the block runs; silent where no one watches."""
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} draws"),
        TextColumn("{task.fields[divergences]} divergent"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bars:
        tasks = [
            bars.add_task(f"chain {number}", total=1, divergences=0)
            for number in range(1, chains + 1)
        ]

        def update(state: Sequence[Chain]) -> None:
            for task, chain in zip(tasks, state, strict=False):
                bars.update(
                    task,
                    completed=chain.finished_draws,
                    total=chain.total_draws,
                    divergences=chain.divergences,
                )

        yield update


@contextmanager
def refit_progress() -> Generator[Callable[[str, int, int], None]]:
    """A bar over all fits of an evaluation while the block runs, told before each what it is for,
    how many are done and how many there are."""
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} fits"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bars:
        task = bars.add_task("reading", total=1)

        def update(purpose: str, done: int, total: int) -> None:
            bars.update(task, description=purpose, completed=done, total=total)

        yield update
        bars.update(task, description="all fits", completed=bars.tasks[0].total)
