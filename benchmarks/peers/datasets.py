"""The data every library fits: simulated worlds of known truth in a neutral layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from mmm.simulate import large_spec, simulate, write_world

SIZES = {
    "1x104x4": (1, 104, 4),
    "2x131x6": (2, 131, 6),
    "8x156x8": (8, 156, 8),
    "50x208x30": (50, 208, 30),
}
"""Geos, weeks and channels of each size."""
REFIT_NOISE = 0.01
"""Relative standard deviation of what a refit's outcome differs by."""


def make_dataset(size: str, seed: int, root: Path) -> Path:
    """The folder of one world, written anew: the same seed gives the same files.

    `study.yaml` and `data.csv` as `mmm.write_world` leaves them, `refit.csv` the same rows with
    the outcome perturbed, `columns.json` what the columns are called and each channel's true
    contribution in the window, all geos together.
    """
    folder = root / f"{size}-seed{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    geos, weeks, channels = SIZES[size]
    spec = large_spec(geos, weeks, channels, seed)
    world = simulate(spec, seed)
    write_world(world, folder)
    study = world.study
    outcome = study.outcome.column
    rng = np.random.default_rng(np.random.SeedSequence([seed, weeks]))
    changed = world.frame.copy()
    factor = 1.0 + REFIT_NOISE * rng.normal(size=len(changed))
    changed[outcome] = (changed[outcome] * factor).round(2)
    changed.to_csv(folder / "refit.csv", index=False, date_format="%Y-%m-%d")
    columns = {
        "date": study.data.date,
        "geo": study.data.geo,
        "population": study.data.population,
        "outcome": outcome,
        "controls": list(study.controls),
        "channels": [channel.name for channel in study.channels],
        "spend": [channel.spend for channel in study.channels],
        "truth": {name: row["contribution"] for name, row in world.truth["channels"].items()},
    }
    (folder / "columns.json").write_text(json.dumps(columns, indent=2) + "\n", encoding="utf-8")
    return folder
