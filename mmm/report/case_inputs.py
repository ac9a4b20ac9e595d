"""What the pages of the case are drawn from; less than a whole report needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd


class CaseView(Protocol):
    """What the sections of the case read: `ReportInputs`, or `CaseInputs` alone."""

    @property
    def currency(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def fitted(self) -> pd.DataFrame: ...
    @property
    def cashflow(self) -> pd.DataFrame: ...
    @property
    def case(self) -> Mapping[str, Any]: ...
    @property
    def npv_draws(self) -> np.ndarray: ...


@dataclass(frozen=True, slots=True)
class CaseInputs:
    """A case and nothing else. `case` is `case.json`, `cashflow` is `cashflow.csv`, `npv_draws`
    (draws,) is in `currency`; `verdict` and `reasons` are the fit's."""

    study: str
    currency: str
    verdict: str
    reasons: tuple[str, ...]
    case: Mapping[str, Any]
    cashflow: pd.DataFrame
    npv_draws: np.ndarray

    @property
    def fitted(self) -> pd.DataFrame:
        """The dates, which say how long a period is."""
        return self.cashflow
