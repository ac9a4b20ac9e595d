"""The forecast's honest record: how forecasts made at earlier dates fared, against a naive one.

Rolling origin (Tashman, 2000, "Out-of-sample tests of forecasting accuracy", International Journal
of Forecasting 16): the study is fitted to the data up to each origin and asked for the periods
after it, spending and controls as they then were. It costs a fit for every origin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.config import Study
from mmm.data.panel import Panel
from mmm.errors import input_error
from mmm.inference.fit import Fit, fit
from mmm.plan.scenario import QUARTER_WEEKS
from mmm.results.ahead import continued, trend_walk
from mmm.results.contributions import outcome_components
from mmm.results.held import held_paths
from mmm.results.noise import noisy_total
from mmm.results.respond import Response, response

ORIGINS = 3
LEVELS = (0.5, 0.8, 0.9)
NOISE = 12
"""The stream of noise of forecasts that are scored."""
FEWEST_PERIODS = 26
"""Periods that the earliest origin must leave to fit on."""


@dataclass(frozen=True, slots=True)
class Record:
    """How forecasts fared. `table` has one row an origin and horizon group and a last one `all`:
    origin, periods, mase, mase_naive, crps, crps_naive and coverage_50, coverage_80, coverage_90,
    of the outcome of all geos together, period by period."""

    table: pd.DataFrame
    origins: int

    def to_dict(self) -> dict[str, object]:
        """As `plan.json` has it."""
        return {"origins": self.origins, "rows": self.table.to_dict("records")}


def origins_of(panel: Panel, horizon: int, count: int = ORIGINS) -> list[int]:
    """Periods fitted at each origin, earliest first: horizons laid end to end before the last
    date. Raises `InputError` where none leaves `FEWEST_PERIODS`."""
    observed = len(panel.dates)
    found = [observed - horizon * k for k in range(count, 0, -1)]
    found = [origin for origin in found if origin >= FEWEST_PERIODS]
    if not found:
        raise input_error(
            "plan_record", "plan.record",
            f"{observed} periods leave none to forecast {horizon} from with {FEWEST_PERIODS} "
            "fitted.",
            "Shorten 'plan.horizon', or leave 'record' out.",
        )  # fmt: skip
    return found


def forecast_record(study: Study, panel: Panel, *, origins: int = ORIGINS) -> Record:
    """Refits `study` at each origin of `panel` and scores what it forecast.

    mase: mean absolute error of the mean forecast over that of the seasonal-naive forecast within
    the fitted data (Hyndman and Koehler, 2006, "Another look at measures of forecast accuracy",
    International Journal of Forecasting 22). crps: continuous ranked probability score of the
    predictive draws, in units of outcome (Gneiting and Raftery, 2007, "Strictly proper scoring
    rules", JASA 102). coverage: part of periods inside central intervals. Naive is the same
    period a year before, or the last one where there is no year, with the residuals that it has
    in the fitted data.
    """
    horizon = study.plan.horizon or max(1, round(QUARTER_WEEKS / panel.weeks_per_period))
    starts = origins_of(panel, horizon, origins)
    fits = fit(study, [panel.window(0, origin) for origin in starts])
    rows = []
    for origin, fitted in zip(starts, fits, strict=True):
        reach = min(horizon, len(panel.dates) - origin)
        rows.append(_scored(fitted, panel, origin, reach))
    table = pd.DataFrame(rows)
    weights = table["periods"].to_numpy(dtype=float)
    numbers = table.columns.drop(["origin", "periods"])
    means = {name: float(np.average(table[name], weights=weights)) for name in numbers}
    last = pd.DataFrame([{"origin": "all", "periods": int(weights.sum()), **means}])
    return Record(pd.concat([table, last], ignore_index=True), len(starts))


def _scored(fitted: Fit, panel: Panel, origin: int, periods: int) -> dict[str, object]:
    """One origin: what was forecast for the next `periods` against what came."""
    data = panel.dataset.isel(date=slice(origin, origin + periods))
    actual = data["outcome"].values.sum(axis=1)
    draws = predictive_total(
        response(fitted), pd.DatetimeIndex(data["date"].values), data["media"].values,
        data["controls"].values,
    )  # fmt: skip
    naive = naive_forecast(fitted.panel, periods)
    return {
        "origin": f"{panel.dates[origin - 1]:%Y-%m-%d}",
        "periods": periods,
        "mase": float(np.abs(draws.mean(axis=0) - actual).mean() / naive.scale),
        "mase_naive": float(np.abs(naive.point - actual).mean() / naive.scale),
        "crps": float(crps(draws, actual).mean()),
        "crps_naive": float(crps(naive.draws, actual).mean()),
        **{f"coverage_{round(100 * level)}": coverage(draws, actual, level) for level in LEVELS},
    }


@dataclass(frozen=True, slots=True)
class Naive:
    """The seasonal-naive forecast of all geos together: point (H,), draws (N, H) and `scale`, its
    mean absolute error within the fitted data."""

    point: np.ndarray
    draws: np.ndarray
    scale: float


def naive_forecast(panel: Panel, periods: int) -> Naive:
    """The same period a year before, or the last one where there is no year, with the residuals
    that this has in the data."""
    past = panel.dataset["outcome"].values.sum(axis=1)
    season = round(panel.periods_per_year)
    season = season if 1 <= season < len(past) else 1
    errors = past[season:] - past[:-season]
    point = past[len(past) - season + np.arange(periods) % season]
    return Naive(point, point + errors[:, None], float(np.abs(errors).mean()))


def expected_ahead(
    read: Response, dates: pd.DatetimeIndex, media: np.ndarray, controls: np.ndarray
) -> np.ndarray:
    """Expected outcome (D, G, H) under media (H, G, C) and controls (H, G, P) after the window,
    the trend's further steps included."""
    ahead = continued(read, dates, controls).last(len(dates))
    whole = np.concatenate([read.fit.panel.dataset["media"].values, media])
    held = held_paths(read, dates, controls, noise=True) if read.paths else None
    expected = np.zeros((read.draws, len(read.places), len(dates)))
    for component in outcome_components(read, ahead.rows, whole, trend_walk(read, ahead), held):
        expected += component.draws
    return expected


def predictive_total(
    read: Response, dates: pd.DatetimeIndex, media: np.ndarray, controls: np.ndarray
) -> np.ndarray:
    """Predictive draws (D, H) of the outcome of all geos, noise included, under media (H, G, C)
    and controls (H, G, P) after the window."""
    return noisy_total(read, expected_ahead(read, dates, media, controls), stream=NOISE)


def crps(draws: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score of draws (D, H) for what came (H,): E|X - y| less half
    of E|X - X'|, from sorted draws."""
    ordered = np.sort(draws, axis=0)
    count = len(ordered)
    weight = (2.0 * np.arange(1, count + 1) - count - 1.0)[:, None]
    apart = (weight * ordered).sum(axis=0) * 2.0 / count**2
    return np.abs(draws - actual).mean(axis=0) - 0.5 * apart


def coverage(draws: np.ndarray, actual: np.ndarray, level: float) -> float:
    """Part of periods (H,) within the central interval of `level` of draws (D, H)."""
    return float(inside(draws, actual, level).mean())


def inside(draws: np.ndarray, actual: np.ndarray, level: float) -> np.ndarray:
    """Which periods (H,) lie within the central interval of `level` of draws (D, H)."""
    low, high = np.quantile(draws, [0.5 - 0.5 * level, 0.5 + 0.5 * level], axis=0)
    return (actual >= low) & (actual <= high)
