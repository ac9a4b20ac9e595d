"""How sure a tracker's readings are: standard errors as stated, or from how many were asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mmm.config import Survey


def survey_errors(
    surveys: Sequence[Survey], grid: Callable[[str], np.ndarray], shape: tuple[int, int]
) -> np.ndarray:
    """Standard errors of readings (T, G, S); NaN where none is stated. `grid` gives a column
    (T, G).

    With n people asked and a share p of them, sqrt(q (1 - q) / n) with q = (np + 1/2) / (n + 1),
    which is above zero where all or none agree (Agresti and Coull, 1998, after Jeffreys).
    """
    errors = np.full((*shape, len(surveys)), np.nan)
    for index, survey in enumerate(surveys):
        if survey.standard_error is not None:
            errors[:, :, index] = _column(survey.standard_error, grid)
        elif survey.sample_size is not None:
            asked = _column(survey.sample_size, grid)
            share = (asked * grid(survey.column) + 0.5) / (asked + 1.0)
            errors[:, :, index] = np.sqrt(share * (1.0 - share) / asked)
    return errors


def _column(stated: str | float, grid: Callable[[str], np.ndarray]) -> np.ndarray | float:
    return grid(stated) if isinstance(stated, str) else stated
