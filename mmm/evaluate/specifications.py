"""Other specifications of the same study, compared by how well they forecast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.config import Study
from mmm.data.panel import Panel
from mmm.evaluate.backtest import MODEL, NO_MEDIA

CLEAR = 2.0
"""Standard errors from which one specification is said to forecast better than another."""


@dataclass(frozen=True, slots=True)
class Specification:
    """One specification over all origins and steps.

    log_density: mean log predictive density a period. difference: that less the study's, with its
    standard error over origins, whose periods overlap, so that it is a lower bound.
    """

    name: str
    log_density: float
    difference: float
    error: float
    mase: float
    crps: float
    coverage_90: float


@dataclass(frozen=True, slots=True)
class Specifications:
    """The study as it is beside others, best first; `refused` says why one could not be fitted."""

    rows: tuple[Specification, ...]
    refused: dict[str, str]
    reading: str
    advice: tuple[str, ...]


def variants(study: Study, panel: Panel) -> dict[str, Study]:
    """Specifications beside the study's own: its trend away (or there), and effects that multiply
    where outcomes allow it (or add up)."""
    trend = study.baseline.trend is False
    found = {
        "with trend" if trend else "no trend": study.model_copy(
            update={"baseline": study.baseline.model_copy(update={"trend": trend})}
        )
    }
    likelihood = "normal" if study.inference.likelihood == "lognormal" else "lognormal"
    if likelihood == "normal" or bool((panel.dataset["outcome"] > 0).all()):
        found[likelihood] = study.model_copy(
            update={"inference": study.inference.model_copy(update={"likelihood": likelihood})}
        )
    return found


def specifications(rows: pd.DataFrame, refused: Mapping[str, str]) -> Specifications:
    """The comparison from rows of `forecast_scores` of the study and of its variants."""
    names = list(dict.fromkeys(rows["forecaster"]))
    by_origin = rows.pivot_table(
        index="origin", columns="forecaster", values="log_density", dropna=False
    )
    found = []
    for name in names:
        some = rows[rows["forecaster"] == name]
        apart = (by_origin[name] - by_origin[MODEL]).to_numpy()
        error = float(np.std(apart, ddof=1) / np.sqrt(len(apart))) if len(apart) > 1 else np.inf
        found.append(
            Specification(
                name,
                float(some["log_density"].mean()),
                float(apart.mean()),
                error,
                float(some["scaled_error"].mean()),
                float(some["crps"].mean()),
                float(some["inside_90"].mean()),
            )
        )
    ordered = sorted(found, key=lambda one: -one.log_density)
    better = [one for one in ordered if one.difference > CLEAR * one.error and one.name != MODEL]
    return Specifications(tuple(ordered), dict(refused), _reading(ordered, better), _advice(better))


def _reading(rows: list[Specification], better: list[Specification]) -> str:
    others = ", ".join(f"'{one.name}'" for one in rows if one.name != MODEL)
    if not better:
        return (
            f"None of the other specifications ({others}) forecasts clearly better than the study "
            "as it is (log predictive density, rolling origins)."
        )
    best = better[0]
    return (
        f"'{best.name}' forecasts better than the study as it is: {best.difference:+.2f} log "
        f"points a period (standard error {best.error:.2f})."
    )


def _advice(better: list[Specification]) -> tuple[str, ...]:
    if not better:
        return ()
    if better[0].name == NO_MEDIA:
        return (
            "Media adds nothing to forecasts of this outcome: have the largest channels tested by "
            "experiment before money is moved.",
        )
    return (
        f"Fit the study as '{better[0].name}' too, and see whether its returns differ before "
        "choosing one.",
    )
