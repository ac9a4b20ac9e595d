"""Forecasts from earlier dates, period by period: what was forecast, what came, how it scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import logsumexp

from mmm.config import Study
from mmm.data.panel import Panel
from mmm.errors import input_error
from mmm.evaluate.bench import Bench
from mmm.plan.record import (
    FEWEST_PERIODS,
    LEVELS,
    NOISE,
    crps,
    expected_ahead,
    inside,
    naive_forecast,
)
from mmm.plan.scenario import QUARTER_WEEKS
from mmm.results.noise import noisy_total
from mmm.results.respond import Response, response


@dataclass(frozen=True, slots=True)
class Folds:
    """Rolling origins: how many periods each fit sees, earliest first, and the periods forecast
    from each."""

    origins: tuple[int, ...]
    horizon: int

    def steps(self) -> list[range]:
        """Steps ahead, 1 to the horizon, in up to three groups."""
        parts = np.array_split(np.arange(1, self.horizon + 1), min(3, self.horizon))
        return [range(int(part[0]), int(part[-1]) + 1) for part in parts]


def rolling_folds(study: Study, panel: Panel, count: int) -> Folds:
    """Up to `count` origins, half a horizon apart, the last of which leaves one horizon.

    The horizon is that of the plan, or a quarter of a year. Raises `InputError` where no origin
    leaves `FEWEST_PERIODS` to fit on.
    """
    observed = len(panel.dates)
    horizon = study.plan.horizon or max(1, round(QUARTER_WEEKS / panel.weeks_per_period))
    step = max(1, horizon // 2)
    origins = [observed - horizon - step * k for k in range(count - 1, -1, -1)]
    origins = [origin for origin in origins if origin >= FEWEST_PERIODS]
    if not origins:
        raise input_error(
            "backtest", "evaluate",
            f"{observed} periods leave none to forecast {horizon} from with {FEWEST_PERIODS} "
            "fitted.",
            "Give a longer history, or shorten 'plan.horizon'.",
        )  # fmt: skip
    return Folds(tuple(origins), horizon)


def forecast_scores(
    name: str, study: Study, panel: Panel, folds: Folds, bench: Bench
) -> pd.DataFrame:
    """Fits `study` at each origin and scores its forecast, spending and controls as they then
    were: one row an origin and step, columns of `scored` and `log_density`.

    log_density: log predictive density of what came, added up over geos, each given its own
    past alone (Vehtari and Lampinen, 2002; Gneiting and Raftery, 2007, logarithmic score).
    """
    rows = []
    for origin in folds.origins:
        fitted = bench.fit(f"backtest: {name}", study, panel.window(0, origin))
        data = panel.dataset.isel(date=slice(origin, origin + folds.horizon))
        read = response(fitted)
        expected = expected_ahead(
            read, pd.DatetimeIndex(data["date"].values), data["media"].values,
            data["controls"].values,
        )  # fmt: skip
        actual = data["outcome"].values
        naive = naive_forecast(fitted.panel, folds.horizon)
        found = scored(noisy_total(read, expected, stream=NOISE), actual.sum(axis=1), naive.scale)
        found["log_density"] = log_densities(read, expected, actual.T).sum(axis=0)
        rows.append(_labelled(found, name, panel, origin))
    return pd.concat(rows, ignore_index=True)


def naive_scores(name: str, panel: Panel, folds: Folds) -> pd.DataFrame:
    """The same of the seasonal-naive forecast, which has no density."""
    rows = []
    for origin in folds.origins:
        data = panel.dataset.isel(date=slice(origin, origin + folds.horizon))
        naive = naive_forecast(panel.window(0, origin), folds.horizon)
        actual = data["outcome"].values.sum(axis=1)
        found = scored(naive.draws, actual, naive.scale, naive.point)
        rows.append(_labelled(found, name, panel, origin))
    return pd.concat(rows, ignore_index=True)


def scored(
    draws: np.ndarray, actual: np.ndarray, scale: float, point: np.ndarray | None = None
) -> pd.DataFrame:
    """Scores of predictive draws (D, H) for what came (H,), by step.

    scaled_error: absolute error of the point forecast, the median of the draws where none is
    given, over `scale` (its mean is the MASE of Hyndman and Koehler, 2006). crps: continuous ranked
    probability score. inside_50 and so on: whether it lay in the central interval.
    """
    centre = np.median(draws, axis=0) if point is None else point
    return pd.DataFrame(
        {
            "step": np.arange(1, len(actual) + 1),
            "actual": actual,
            "scaled_error": np.abs(centre - actual) / scale,
            "crps": crps(draws, actual),
            **{f"inside_{round(100 * p)}": inside(draws, actual, p) for p in LEVELS},
        }
    )


def log_densities(read: Response, expected: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Log predictive density (G, H) of `actual` (G, H), the likelihood's own averaged over draws,
    given the expected outcome (D, G, H)."""
    spread = read.sigma[:, :, None]
    if read.multiplicative:
        middle = np.log(expected) - 0.5 * spread**2
        each = stats.lognorm.logpdf(actual, spread, scale=np.exp(middle))
    elif read.density.spec.likelihood == "student_t":
        unit = spread * read.level[:, None]
        each = stats.t.logpdf(actual, read.nu[:, None, None], expected, unit)
    else:
        each = stats.norm.logpdf(actual, expected, spread * read.level[:, None])
    return logsumexp(each, axis=0) - np.log(len(each))


def _labelled(found: pd.DataFrame, name: str, panel: Panel, origin: int) -> pd.DataFrame:
    found.insert(0, "forecaster", name)
    found.insert(1, "origin", f"{panel.dates[origin - 1]:%Y-%m-%d}")
    return found
