"""Draws to mean and 90 % interval, the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

SUFFIXES = ("mean", "p05", "p50", "p95")


def summarise(draws: np.ndarray) -> np.ndarray:
    """Mean, 5 %, 50 % and 95 % quantiles over the first axis: (draws, ...) to (4, ...)."""
    low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95], axis=0)
    return np.stack([draws.mean(axis=0), low, middle, high])


def summaries(draws: Mapping[str, np.ndarray]) -> dict[str, float]:
    """`summary_columns` of each of `draws`, (D,) by prefix, in one pass over all of them."""
    numbers = np.stack(list(draws.values()))
    ends = np.quantile(numbers, [0.05, 0.5, 0.95], axis=1)
    found = np.concatenate([numbers.mean(axis=1)[None], ends]).T.tolist()
    return {
        f"{prefix}_{suffix}": x
        for prefix, row in zip(draws, found, strict=True)
        for suffix, x in zip(SUFFIXES, row, strict=True)
    }


def summary_columns(prefix: str, draws: np.ndarray) -> dict[str, float]:
    """`{prefix_mean, prefix_p05, ...}` of draws (D,)."""
    numbers = summarise(draws)
    return {f"{prefix}_{suffix}": float(x) for suffix, x in zip(SUFFIXES, numbers, strict=True)}
