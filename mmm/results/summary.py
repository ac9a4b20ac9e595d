"""Draws to mean and 90 % interval, the same everywhere."""

from __future__ import annotations

import numpy as np

SUFFIXES = ("mean", "p05", "p50", "p95")


def summarise(draws: np.ndarray) -> np.ndarray:
    """Mean, 5 %, 50 % and 95 % quantiles over the first axis: (draws, ...) to (4, ...)."""
    low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95], axis=0)
    return np.stack([draws.mean(axis=0), low, middle, high])


def summary_columns(prefix: str, draws: np.ndarray) -> dict[str, float]:
    """`{prefix_mean, prefix_p05, ...}` of draws (D,)."""
    numbers = summarise(draws)
    return {f"{prefix}_{suffix}": float(x) for suffix, x in zip(SUFFIXES, numbers, strict=True)}
