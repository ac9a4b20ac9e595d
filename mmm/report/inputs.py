"""What a report is drawn from: the frames and mappings that are written as artefacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from mmm.errors import Finding

MARKETING: Final = frozenset({"tactical", "brand", "mediated"})
"""Kinds of contribution that channels cause."""

VERDICTS: Final = ("trusted", "caution", "rejected")
TOTAL: Final = "total"

_SUMMARY = ("mean", "p05", "p50", "p95")
_EFFICIENCY = ("contribution", "tactical", "brand", "roi", "roi_window", "mroi", "cost_per_outcome")
_BRAND = (
    *("caused", "brand_window", "brand_after", "tail", "earned_brand", "multiplier"),
    *("roi_tactical", "roi_brand", "half_life"),
)
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "fitted": ("date", "geo", "observed", *_SUMMARY),
    "contributions": ("date", "geo", "component", "kind", *_SUMMARY),
    "contribution_totals": ("component", "kind", *_SUMMARY),
    "efficiency": (
        "channel",
        "role",
        "spend",
        "loaded_cost",
        *(f"{name}_{suffix}" for name in _EFFICIENCY for suffix in _SUMMARY),
        "evidence",
        "contraction",
    ),
    "curves": ("channel", "multiplier", "spend", *_SUMMARY, "supported"),
    "forecast": ("date", "geo", "component", "kind", *_SUMMARY),
    "cashflow": (
        "period",
        "date",
        "cost",
        *(f"{name}_{suffix}" for name in ("inflow", "net", "cumulative") for suffix in _SUMMARY),
        "discount_factor",
    ),
    "ledger": ("quantity", "channel", "tier", "contraction"),
}
_OPTIONAL: Final[Mapping[str, tuple[str, ...]]] = {
    "efficiency_geo": ("geo", "channel", "loaded_cost", *(f"roi_{end}" for end in _SUMMARY)),
    "reconciliation": (
        "kind",
        "channel",
        "source",
        "claimed",
        "probability_exceeds",
        "claimed_of_actual",
        *(f"model_{end}" for end in _SUMMARY),
    ),
    "lags": (
        "owner",
        "group",
        "family",
        "used",
        "opened",
        "won",
        "lost",
        "open",
        "rate",
        "median",
        "longest",
        "never",
        "observed_median",
        "distance",
    ),
    "lag_curves": ("owner", "family", "days", "observed", "low", "high", "fitted", "other"),
    "paths": (
        "path",
        "driver",
        *(f"{name}_{end}" for name in ("units", "share") for end in _SUMMARY),
    ),
    "funnel": ("quantity", "stage", "to", "channel", *_SUMMARY),
    "experiments": (
        *("experiment", "channel", "geos", "start", "end", "use", "spend_change"),
        *("lift", "standard_error", "error", "predicted_p05", "predicted_p95"),
        *("z", "covered", "weight"),
        *(f"model_{end}" for end in _SUMMARY),
    ),
    "confounding": (
        *("channel", "part", "benchmark", "times", "evidence", "roi_mean", "weight"),
        *("rv_half", "rv_zero", "case_fall", "rv_case", "left", "roi_left", "times_to_halve"),
    ),
    "efficiency_quarter": ("start", "channel", *(f"roi_{end}" for end in _SUMMARY)),
    "brand": (
        "geo",
        "channel",
        "role",
        "loaded_cost",
        "cost_brand_low",
        "cost_brand_high",
        *(f"{name}_{suffix}" for name in _BRAND for suffix in _SUMMARY),
    ),
}


@dataclass(frozen=True, slots=True)
class ReportInputs:
    """Everything the page shows; nothing is recomputed from draws here.

    Amounts of outcome are in its own unit; spend, cost and cash in `currency`.
    `outcome_unit` is put before amounts of outcome: the currency code when a unit of outcome
    is a unit of money, empty otherwise. `efficiency` has one row a channel and a last row
    `total`. `forecast` holds the predictive total as component `outcome`, kind `total`.
    `case` is `case.json`. `npv_draws` (draws,) is in `currency`. `time_varying` names channels
    whose effectiveness moves, which `efficiency_quarter` is shown for. `brand` is
    `brand.csv`, None where no channel builds a brand. `paths` and `funnel` are there for studies
    with paths. `plan` is `plan.json`, `evaluation` is `evaluation.json`.

    Raises `ValueError` for an unknown verdict or a frame without its columns.
    """

    study: str
    currency: str
    outcome_name: str
    outcome_kind: str
    verdict: str
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...]
    diagnostics: Mapping[str, float | str]
    fitted: pd.DataFrame
    contributions: pd.DataFrame
    contribution_totals: pd.DataFrame
    efficiency: pd.DataFrame
    curves: pd.DataFrame
    forecast: pd.DataFrame
    cashflow: pd.DataFrame
    case: Mapping[str, Any]
    npv_draws: np.ndarray
    ledger: pd.DataFrame
    manifest: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    outcome_unit: str = ""
    efficiency_geo: pd.DataFrame | None = None
    efficiency_quarter: pd.DataFrame | None = None
    reconciliation: pd.DataFrame | None = None
    lags: pd.DataFrame | None = None
    lag_curves: pd.DataFrame | None = None
    time_varying: tuple[str, ...] = ()
    brand: pd.DataFrame | None = None
    paths: pd.DataFrame | None = None
    funnel: pd.DataFrame | None = None
    plan: Mapping[str, Any] | None = None
    experiments: pd.DataFrame | None = None
    confounding: pd.DataFrame | None = None
    evaluation: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict '{self.verdict}' is none of {', '.join(VERDICTS)}")
        given = {name: ends for name, ends in _OPTIONAL.items() if getattr(self, name) is not None}
        for name, columns in {**_COLUMNS, **given}.items():
            missing = [column for column in columns if column not in getattr(self, name).columns]
            if missing:
                raise ValueError(f"report input '{name}' lacks columns: {', '.join(missing)}")
        if self.efficiency.empty or self.efficiency["channel"].iloc[-1] != TOTAL:
            raise ValueError("report input 'efficiency' must end with the row 'total'")

    @property
    def channels(self) -> pd.DataFrame:
        """The rows of `efficiency` that are channels."""
        return self.efficiency.iloc[:-1]

    @property
    def total(self) -> pd.Series:
        """The row of `efficiency` for all channels together."""
        return self.efficiency.iloc[-1]
