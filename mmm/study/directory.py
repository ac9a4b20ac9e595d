"""Where results go: a directory that appears whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from mmm.errors import InputError, input_error

MANIFEST, EVALUATION, REPORT = "manifest.json", "evaluation.json", "report.html"


@contextmanager
def whole_directory(target: Path, *, force: bool) -> Generator[Path]:
    """A new directory that becomes `target` when the block ends well, and vanishes otherwise.

    Raises `InputError` when `target` holds something already and `force` is not given.
    """
    refuse_occupied(target, force=force)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise _cannot_be_made(target, error) from error
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
    """Raises `InputError` unless `target` can be made, and is free, empty or may be replaced."""
    refuse_unwritable(target)
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


def refuse_unwritable(target: Path) -> None:
    """Raises `InputError` where no directory can be made beside `target`, or on the way there.

    It is tried where the first directory of the way would be, and taken away again.
    """
    try:
        above = target.absolute().parent
        while not above.exists():
            above = above.parent
        if not above.is_dir():
            raise input_error(
                "out",
                str(target),
                f"cannot be made, because '{above}' is a file.",
                "Name a directory with --out.",
            )
        Path(tempfile.mkdtemp(prefix=".mmm-", dir=above)).rmdir()
    except OSError as error:
        raise _cannot_be_made(target, error) from error


def _cannot_be_made(target: Path, error: OSError) -> InputError:
    return input_error(
        "out",
        str(target),
        f"the directory cannot be made there ({error.strerror}).",
        "Name one with --out in a place that can be written to.",
    )
