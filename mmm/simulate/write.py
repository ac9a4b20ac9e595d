"""A world on disk: a study directory that is written whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from mmm.config.load import study_to_yaml
from mmm.errors import InputError, input_error
from mmm.simulate.world import World


def write_world(world: World, directory: str | os.PathLike[str]) -> Path:
    """Writes `data.csv`, `study.yaml` and `truth.json`; the directory's resolved path.

    Raises `InputError` where `directory` cannot be made or is there with something in it;
    then nothing is left behind.
    """
    files = {
        "data.csv": csv_text(world.frame),
        "study.yaml": study_to_yaml(world.study),
        "truth.json": json.dumps(world.truth, indent=2, allow_nan=False) + "\n",
    }
    return write_directory(files, directory)


def csv_text(frame: pd.DataFrame) -> str:
    """The frame as CSV text, ISO dates and the shortest digits that read back the same."""
    return frame.to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n")


def write_directory(files: Mapping[str, str], directory: str | os.PathLike[str]) -> Path:
    """Makes `directory`, parents too, with `files` in it, by one rename at the end.

    An empty directory may be there already. Raises `InputError` where something else is,
    or where the file system refuses; then nothing is left behind.
    """
    target = Path(directory).expanduser().resolve()
    _check_target(target)
    anchor = target.parent
    while not anchor.exists():
        anchor = anchor.parent
    top = anchor / target.relative_to(anchor).parts[0]
    staging = anchor / f".{top.name}.{uuid.uuid4().hex}"
    try:
        folder = staging / target.relative_to(top)
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        os.replace(staging, top)
    except OSError as error:
        raise _refused(target, f"cannot be written ({error.strerror}).") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def _check_target(target: Path) -> None:
    if target == Path.cwd() or target == target.parent:
        raise _refused(target, "is the current directory or the root.")
    if target.exists() and not target.is_dir():
        raise _refused(target, "is a file.")
    if target.exists() and any(target.iterdir()):
        raise _refused(target, "is there already and not empty.")


def _refused(target: Path, message: str) -> InputError:
    return input_error("output", str(target), message, "Name a new directory.")
