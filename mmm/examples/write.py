"""Puts an example on disk as a study directory, ready to run."""

from __future__ import annotations

import os
from pathlib import Path

from mmm.config.load import study_to_yaml
from mmm.errors import did_you_mean, input_error
from mmm.examples.pinkham import HEADING, pinkham_study
from mmm.simulate import csv_text, simulate_world, write_directory, write_world

B2B_SEED = 1
EXAMPLES = ("pinkham", "b2b")


def example_names() -> tuple[str, ...]:
    """Names `write_example` knows."""
    return EXAMPLES


def write_example(name: str, directory: str | os.PathLike[str]) -> Path:
    """Writes the example's `data.csv` and `study.yaml` (`b2b`: `truth.json` too).

    Returns the directory's resolved path. Raises `InputError` on an unknown name, or
    where `directory` cannot be made or is there with something in it.
    """
    if name == "pinkham":
        study, frame = pinkham_study()
        heading = "".join(f"# {line}\n" for line in HEADING.splitlines())
        files = {"data.csv": csv_text(frame), "study.yaml": heading + study_to_yaml(study)}
        return write_directory(files, directory)
    if name == "b2b":
        return write_world(simulate_world("b2b", seed=B2B_SEED), directory)
    raise input_error(
        "example", "example", f"there is no example '{name}';", did_you_mean(name, EXAMPLES)
    )
