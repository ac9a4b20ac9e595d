"""Where results go: a directory that appears whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from mmm.errors import input_error

MANIFEST, EVALUATION, REPORT = "manifest.json", "evaluation.json", "report.html"


@contextmanager
def whole_directory(target: Path, *, force: bool) -> Generator[Path]:
    """A new directory that becomes `target` when the block ends well, and vanishes otherwise.

    Raises `InputError` when `target` holds something already and `force` is not given.
    """
    refuse_occupied(target, force=force)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield aside
        aside.chmod(0o755)
        old = aside.with_name(aside.name + "-old")
        if target.exists():
            target.rename(old)
        aside.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def refuse_occupied(target: Path, *, force: bool) -> None:
    """Raises `InputError` unless `target` is free, empty or may be replaced."""
    if target.is_file():
        raise input_error("out", str(target), "is a file.", "Name a directory with --out.")
    if target.is_dir() and any(target.iterdir()) and not force:
        raise input_error(
            "out",
            str(target),
            "the directory holds files already.",
            "Name a new one with --out, or replace what is there with --force.",
        )
    if force and target.is_dir() and any(target.iterdir()) and not (target / MANIFEST).is_file():
        raise input_error(
            "out",
            str(target),
            "the directory holds files that are not results of a run.",
            "Name another directory with --out; --force replaces earlier results only.",
        )
