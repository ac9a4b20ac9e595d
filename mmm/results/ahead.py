"""The baseline past the window: trend, seasonality, calendar and controls continued."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.data.panel import Panel
from mmm.model.design import BaselineRows, baseline_rows, period_end
from mmm.results.respond import Response


@dataclass(frozen=True, slots=True)
class Continued:
    """Baseline rows of the window and the H periods after it, T + H in all.

    rows: those of the fitted coefficients, so the trend is held at its last value. shared
    (G, N, T + H) and own (M, T + H): the trend's further steps, which the data knows nothing of.
    """

    rows: BaselineRows
    shared: np.ndarray
    own: np.ndarray

    def last(self, periods: int) -> Continued:
        """The last `periods` alone."""
        ahead = slice(self.own.shape[1] - periods, None)
        return Continued(
            _with_rows(self.rows, self.rows.own[:, ahead], self.rows.shared[:, :, ahead]),
            self.shared[:, :, ahead],
            self.own[:, ahead],
        )


def continued(response: Response, dates: pd.DatetimeIndex, controls: np.ndarray) -> Continued:
    """Baseline rows with `dates` (H) and `controls` (H, G, P), in their own units, after the
    window's. Holidays without a day in the window have no coefficient and are left out."""
    panel, density = response.fit.panel, response.density
    fitted = density.design.baseline
    both = pd.DatetimeIndex(panel.dates.append(dates))
    holidays = tuple(
        name.removeprefix("holidays: ")
        for name in fitted.shared_component
        if name.startswith("holidays: ")
    )
    rows = baseline_rows(
        density.spec, density.design.scaling, both, period_end(panel, both),
        np.concatenate([panel.dataset["controls"].values, controls]), panel.controls,
        len(panel.dates), holidays,
    )  # fmt: skip
    shared = _further(rows.shared_component, density.spec.knots)
    own = _further(rows.own_component, density.spec.knots)
    kept = _with_rows(fitted, rows.own[~own], np.ascontiguousarray(rows.shared[:, ~shared]))
    return Continued(kept, rows.shared[:, shared], rows.own[own])


def controls_ahead(panel: Panel, periods: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which observed periods (H,) lend their controls to the `periods` ahead, and that in words:
    those a year before, over and over, or the last ones where the data spans no year."""
    year, observed = round(panel.periods_per_year), len(panel.dates)
    if year >= 1 and observed >= year:
        words = ("Controls take the values of the same period a year before.",)
        span = year
    else:
        words = ("Controls repeat their last values.",)
        span = min(periods, observed)
    index = observed - span + np.arange(periods) % span
    return index, words if panel.controls else ()


def settled(response: Response, periods: int) -> Continued:
    """The baseline of the window and `periods` after it, when nothing new happens."""
    panel = response.fit.panel
    index, _ = controls_ahead(panel, periods)
    return continued(response, panel.future_dates(periods), panel.dataset["controls"].values[index])


def trend_walk(response: Response, ahead: Continued) -> np.ndarray:
    """What the trend's further steps add to the predictor, (D, G, T + H).

    In `Response.unit`. The steps are the same for every block of geos and every horizon.
    """
    seed, last = response.fit.study.inference.seed, response.numbers[-1] + 1
    geos = len(response.density.design.scaling.level)
    walk = np.zeros((response.draws, len(response.places), ahead.own.shape[1]))
    for number in range(ahead.shared.shape[1]):
        noise = np.random.default_rng([seed, 5, number]).standard_normal(last)
        scale = response.trend_scale * noise[response.numbers]
        walk += scale[:, None, None] * ahead.shared[response.places, number]
    for number, row in enumerate(ahead.own):
        noise = np.random.default_rng([seed, 6, number]).standard_normal((last, geos))
        own = noise[response.numbers][:, response.places]
        walk += (response.geo_trend_scale[:, None] * own)[:, :, None] * row
    return walk * response.unit[:, None]


def _further(components: tuple[str, ...], knots: int) -> np.ndarray:
    """Which rows are steps of the trend past its fitted `knots`."""
    trend = np.array([name == "trend" for name in components], dtype=bool)
    return trend & (np.cumsum(trend) > knots)


def _with_rows(rows: BaselineRows, own: np.ndarray, shared: np.ndarray) -> BaselineRows:
    """`rows` along another stretch of time."""
    return BaselineRows(
        own, shared, rows.own_component, rows.shared_component, rows.own_sd, rows.shared_sd,
        rows.own_group, rows.shared_group,
    )  # fmt: skip
