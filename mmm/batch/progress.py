"""What happens in a batch, told as it happens: bars for a person, JSON lines for a machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from mmm.batch.record import ALARM, DONE, FAILED, now

Watch = Callable[[Mapping[str, Any]], None]
SKIPPED = "skipped"


@contextmanager
def telling(*, lines: bool | None = None) -> Generator[Watch]:
    """What to hand to `run_batch` as `watch`: one JSON line an event on standard output with
    `lines`, else a bar on standard error; left out, lines where standard error is no terminal."""
    if lines is None:
        lines = not sys.stderr.isatty()
    if lines:
        yield _line
        return
    with _board() as watch:
        yield watch


def _line(event: Mapping[str, Any]) -> None:
    text = json.dumps({"time": now(), **event}, ensure_ascii=False)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def _board() -> Generator[Watch]:
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    task = bar.add_task("studies", total=None)

    def watch(event: Mapping[str, Any]) -> None:
        kind = event["event"]
        if kind == "planned":
            bar.update(task, total=event["run"] + event["fail"])
            said = f"{event['run']} to run, {event['skip']} unchanged, {event['fail']} unusable"
            bar.console.print(Text(f"{event['batch']}: {said}"))
        elif kind == "cluster" and event["dashboard"]:
            bar.console.print(Text(f"Dashboard: {event['dashboard']}"))
        elif kind == "limit":
            bar.console.print(Text(f"{event['study']}: {event['reason']}", style="yellow"))
        elif kind in (DONE, SKIPPED, FAILED):
            bar.advance(task)
            if kind == FAILED:
                line = f"{event['study']} failed: {event['reason']}"
                bar.console.print(Text(line, style="bold red"))
            elif event.get("decision") == ALARM:
                line = f"{event['study']} alarm: {' '.join(event['because'])}"
                bar.console.print(Text(line, style="bold red"))

    with bar:
        yield watch
