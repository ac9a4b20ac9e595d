"""What a finished fit is worth: effective draws, convergence, error and coverage.

Every library's draws go through the same functions here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats import ess, rhat


def score(folder: Path, situation: str, truth: dict[str, float]) -> tuple[dict, pd.DataFrame]:
    """The measured fields of one row of `results.csv`, and its rows of `totals.csv`."""
    written = json.loads((folder / f"{situation}.json").read_text(encoding="utf-8"))
    totals = np.load(folder / f"{situation}-totals.npy")
    parameters = np.load(folder / f"{situation}-parameters.npy")
    if list(written["channels"]) != list(truth):
        raise ValueError(f"{folder}: channels {written['channels']}, expected {list(truth)}")
    draws = xr.Dataset({"total": (("chain", "draw", "channel"), totals)})
    bulk = ess(draws, method="bulk")["total"].values
    convergence = rhat(draws)["total"].values
    table = by_channel(totals, truth)
    table["ess_bulk"], table["rhat"] = bulk, convergence
    total_s = written["build_s"] + written["compile_s"] + written["sample_s"]
    moving = parameters[:, :, np.ptp(parameters, axis=(0, 1)) > 0]
    row: dict[str, Any] = {
        key: written[key] for key in ("import_s", "build_s", "compile_s", "sample_s", "totals_s")
    }
    row |= {
        "total_s": total_s,
        "ess_bulk_min": bulk.min(),
        "ess_per_s": bulk.min() / total_s,
        "rhat_totals_max": convergence.max(),
        "rhat_parameters_max": worst_rhat(moving),
        "parameters": moving.shape[2],
        "divergences": written["divergences"],
        "peak_rss_mb": written["peak_rss_mb"],
        "error_median": table["error"].median(),
        "covered": int(table["covered"].sum()),
        "warm_up": written["warm_up"],
        "settings": written["settings"],
        "versions": written["versions"],
    }
    return row, table


def by_channel(totals: np.ndarray, truth: dict[str, float]) -> pd.DataFrame:
    """Mean, 90 % interval and error of each channel's total (chain, draw, channel)."""
    flat = totals.reshape(-1, totals.shape[2])
    low, high = np.quantile(flat, [0.05, 0.95], axis=0)
    true = np.array(list(truth.values()))
    mean = flat.mean(axis=0)
    return pd.DataFrame(
        {
            "channel": list(truth),
            "truth": true,
            "mean": mean,
            "p05": low,
            "p95": high,
            "covered": (low <= true) & (true <= high),
            "error": np.abs(mean / true - 1.0),
        }
    )


def worst_rhat(parameters: np.ndarray) -> float:
    """The largest R-hat over parameters (chain, draw, parameter); a stuck chain is infinite."""
    values = rhat(xr.Dataset({"p": (("chain", "draw", "parameter"), parameters)}))["p"].values
    return float(np.where(np.isfinite(values), values, np.inf).max())
