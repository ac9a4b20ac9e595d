"""A run done again from what it kept: equal, or what differs."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmm.batch.runs import run_folder
from mmm.batch.store import open_store
from mmm.errors import input_error
from mmm.study.directory import MANIFEST

FIT = "fit.nc"
BEYOND = 5.0
"""Standard errors of simulation from which two posterior means differ."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not as it was: `kind` is version, data or number; `beyond` says that a number
    differs by more than simulation error, so that the result is another."""

    kind: str
    what: str
    before: str
    now: str
    beyond: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.what}: {self.before} then, {self.now} now"


@dataclass(frozen=True, slots=True)
class Reproduction:
    """How a second fit compares with the stored one. `identical`: every draw is the same."""

    study: str
    identical: bool
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        """No number differs beyond simulation error and no data has changed."""
        return not any(one.beyond or one.kind == "data" for one in self.differences)


def reproduce(run: Path | str) -> Reproduction:
    """Fits again from the study and the data that a run's `fit.nc` keeps, with the same seed.

    `run` is the directory of a run, or STORE#STUDY/RUN for one in a store that is no folder.
    The inputs that a batch run keeps are held to the digests of its manifest. Raises
    `InputError` where it is no run, `StoredFitError` where its fit is damaged.
    """
    import tempfile

    with tempfile.TemporaryDirectory(prefix="mmm-reproduce-") as folder:
        return _reproduce(_at_hand(str(run), Path(folder)))


def _reproduce(folder: Path) -> Reproduction:
    from mmm.inference.fit import fit, load_fit

    manifest = _manifest(folder)
    stored = load_fit(folder / FIT)
    again = fit(stored.study, stored.panel)
    differences = [
        Difference("version", name, stored.versions.get(name, "none"), version)
        for name, version in again.versions.items()
        if stored.versions.get(name) != version
    ]
    differences += _input_differences(folder, manifest)
    before, now = stored.posterior, again.posterior
    names = [str(name) for name in before.data_vars]
    if list(now.data_vars) != list(before.data_vars) or now.sizes != before.sizes:
        shapes = (str(dict(before.sizes)), str(dict(now.sizes)))
        differences.append(Difference("number", "parameters", *shapes, beyond=True))
        return Reproduction(stored.study.study, False, tuple(differences))
    identical = all(np.array_equal(before[name].values, now[name].values) for name in names)
    if not identical:
        for name in names:
            differences += _number_differences(name, before[name].values, now[name].values)
    return Reproduction(stored.study.study, identical, tuple(differences))


def _number_differences(name: str, before: np.ndarray, now: np.ndarray) -> list[Difference]:
    """Posterior means that differ, by (chain, draw, ...) draws; `beyond` where by more than
    `BEYOND` standard errors of both (Vehtari et al., 2021)."""
    from arviz_stats.base import array_stats

    found = []
    size = int(np.prod(before.shape[2:], dtype=int))
    pairs = (before.reshape(*before.shape[:2], size), now.reshape(*now.shape[:2], size))
    for place in range(size):
        first, second = (draws[:, :, place] for draws in pairs)
        means = float(first.mean()), float(second.mean())
        if means[0] == means[1]:
            continue
        errors = [
            float(array_stats.mcse(one, method="mean", chain_axis=0, draw_axis=1))
            for one in (first, second)
        ]
        beyond = abs(means[0] - means[1]) > BEYOND * math.hypot(*errors)
        label = f"{name}[{place}]" if size > 1 else name
        shown = (f"{means[0]:.6g}", f"{means[1]:.6g}")
        found.append(Difference("number", label, *shown, beyond=beyond))
    return found


def _input_differences(folder: Path, manifest: Mapping[str, object]) -> list[Difference]:
    """Whether the inputs kept beside a batch run are those of its manifest."""
    inputs = folder / "inputs"
    if not inputs.is_dir():
        return []
    digests = {_digest(path) for path in inputs.rglob("*") if path.is_file()}
    found = []
    for key in ("data_sha256", "study_sha256"):
        stated = str(manifest.get(key, ""))
        if stated not in digests:
            found.append(Difference("data", key, stated[:16], "no kept file has it"))
    return found


def _manifest(folder: Path) -> dict[str, object]:
    try:
        return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise input_error(
            "reproduce",
            str(folder),
            f"is not the directory of a run: no {MANIFEST} can be read there "
            f"({type(error).__name__}).",
            "Name a directory that 'mmm run' or 'mmm batch' wrote.",
        ) from error


def _at_hand(run: str, scratch: Path) -> Path:
    """The directory of the run on this machine, fetched from its store where needed."""
    if "#" not in run:
        return Path(run)
    address, _, name = run.partition("#")
    study, _, number = name.partition("/")
    store = open_store(address, must_exist=True)
    folder = run_folder(study, number)
    for path in _needed(store.names(folder)):
        target = scratch / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(store.read(f"{folder}/{path}"))
    return scratch


def _needed(names: Iterable[str]) -> list[str]:
    return [name for name in names if name in (FIT, MANIFEST) or name.startswith("inputs/")]


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
