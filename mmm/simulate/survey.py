"""Brand trackers: noisy readings of the true brand stock, with gaps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmm.config import Survey
from mmm.errors import InputError, input_error

LEAST_SHARE, MOST_SHARE = 0.01, 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveySpec:
    """One indicator of a tracker. Raises `InputError` on impossible values.

    Its truth is `base + loading * S`, S being all channels' brand outcome of a geo and period
    as a part of the geo's baseline level. `standard_error` of a reading, or `sample_size`, how
    many people were asked, of whom the indicator is the part that says yes: one of the two.
    `every`: periods from one reading to the next. `missing`: part of the readings that is not
    there.
    """

    name: str
    base: float
    loading: float
    standard_error: float | None = None
    sample_size: int | None = None
    every: int = 1
    missing: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.base, self.loading, self.missing, self.standard_error or 0.0)
        checks = {
            "numbers must be finite": all(map(math.isfinite, numbers)),
            "give 'standard_error' or 'sample_size', above 0, and not both": (
                (self.standard_error is None) != (self.sample_size is None)
                and (self.standard_error or self.sample_size or 0) > 0
            ),
            "every must be at least 1 and missing from 0 to below 1": (
                self.every >= 1 and 0 <= self.missing < 1
            ),
        }
        findings = [
            finding
            for message, holds in checks.items()
            if not holds
            for finding in input_error(
                "simulate", f"survey '{self.name}'", f"{message}.", "Change it."
            ).findings
        ]
        if findings:
            raise InputError(findings)

    @property
    def error_column(self) -> str:
        """The column beside the readings: their standard errors, or how many were asked."""
        return f"{self.name}_{'se' if self.sample_size is None else 'n'}"

    def study_block(self) -> Survey:
        """What a study says of it."""
        key = "standard_error" if self.sample_size is None else "sample_size"
        return Survey.model_validate({"column": self.name, key: self.error_column})


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """What one indicator of a tracker shows, (T, G); NaN where nobody asked.

    `error`: standard error or sample size of each reading. `truth`: the indicator itself.
    """

    spec: SurveySpec
    value: np.ndarray
    error: np.ndarray
    truth: np.ndarray


def take_readings(spec: SurveySpec, stock: np.ndarray, rng: np.random.Generator) -> Readings:
    """Readings of `stock` (T, G), brand outcome as a part of the geo's baseline level.

    Values are rounded as they are written: six decimals, a proportion to whole people.
    """
    truth = spec.base + spec.loading * stock
    asked = (np.arange(len(stock)) % spec.every == spec.every - 1)[:, None] & (
        rng.uniform(size=stock.shape) >= spec.missing
    )
    if spec.standard_error is not None:
        drawn = np.round(truth + spec.standard_error * rng.standard_normal(truth.shape), 6)
        error = np.full(stock.shape, spec.standard_error)
    else:
        people = np.maximum(rng.poisson(spec.sample_size or 0, size=stock.shape), 1)
        drawn = rng.binomial(people, np.clip(truth, LEAST_SHARE, MOST_SHARE)) / people
        error = people.astype(float)
    return Readings(
        spec=spec,
        value=np.where(asked, drawn, np.nan),
        error=np.where(asked, error, np.nan),
        truth=truth,
    )


def survey_columns(readings: tuple[Readings, ...]) -> dict[str, np.ndarray]:
    """The columns a tracker adds to the data, each of T * G rows, geos within dates."""
    columns = {}
    for one in readings:
        columns[one.spec.name] = one.value.ravel()
        columns[one.spec.error_column] = one.error.ravel()
    return columns


def survey_truth(readings: tuple[Readings, ...]) -> list[dict[str, Any]]:
    """What is true of each indicator, JSON-able."""
    return [
        {
            "column": one.spec.name,
            "error_column": one.spec.error_column,
            "error": "standard_error" if one.spec.sample_size is None else "sample_size",
            "base": one.spec.base,
            "loading": one.spec.loading,
            "readings": int(np.isfinite(one.value).sum()),
        }
        for one in readings
    ]
