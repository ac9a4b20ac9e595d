"""The baseline past the window: trend, seasonality, calendar and controls continued."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.model.design import BaselineRows, baseline_rows, period_end
from mmm.results.controls import carried_controls, control_deviations
from mmm.results.respond import Response


@dataclass(frozen=True, slots=True)
class Continued:
    """Baseline rows of the window and the H periods after it, T + H in all.

    rows: those of the fitted coefficients, so the trend is held at its last value. shared
    (G, N, T + H) and own (M, T + H): the trend's further steps, which the data knows nothing of.
    carried: controls that nobody knows ahead, over the last `ahead` periods.
    """

    rows: BaselineRows
    shared: np.ndarray
    own: np.ndarray
    carried: tuple[str, ...] = ()
    ahead: int = 0

    def last(self, periods: int) -> Continued:
        """The last `periods` alone."""
        ahead = slice(self.own.shape[1] - periods, None)
        return Continued(
            _with_rows(self.rows, self.rows.own[:, ahead], self.rows.shared[:, :, ahead]),
            self.shared[:, :, ahead],
            self.own[:, ahead],
            self.carried,
            min(self.ahead, periods),
        )


def continued(
    response: Response,
    dates: pd.DatetimeIndex,
    controls: np.ndarray,
    carried: tuple[str, ...] = (),
) -> Continued:
    """Baseline rows with `dates` (H) and `controls` (H, G, P), in their own units, after the
    window's. Those of `controls` named in `carried` are what is expected of them, the others are
    known. Holidays without a day in the window have no coefficient and are left out."""
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
    return Continued(kept, rows.shared[:, shared], rows.own[own], carried, len(dates))


def settled(response: Response, periods: int) -> Continued:
    """The baseline of the window and `periods` after it, when nothing new happens."""
    panel = response.fit.panel
    expected = carried_controls(panel, periods).expected
    return continued(response, panel.future_dates(periods), expected)


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


def control_walks(response: Response, ahead: Continued) -> dict[str, np.ndarray]:
    """What controls that nobody knows ahead add to the predictor by differing from what is
    expected of them, (D, G, T + H) each, in `Response.unit`."""
    panel, density = response.fit.panel, response.density
    if not ahead.carried:
        return {}
    periods, names = ahead.own.shape[1], ahead.rows.shared_component
    known = carried_controls(panel, ahead.ahead)
    seed = response.fit.study.inference.seed
    found = {}
    for name in ahead.carried:
        place = panel.controls.index(name)
        alone = known.only(place, response.places)
        deviation = control_deviations(alone, ahead.ahead, seed, response.numbers)[:, :, :, 0]
        effect = response.shared[:, names.index(f"control: {name}")]
        walk = np.zeros((response.draws, len(response.places), periods))
        walk[:, :, periods - ahead.ahead :] = deviation.transpose(0, 2, 1)
        walk *= (effect / density.design.scaling.control_scale[place])[:, None, None]
        found[name] = walk * response.unit[:, None]
    return found


def baseline_walk(response: Response, ahead: Continued) -> np.ndarray:
    """All that the baseline does ahead which the data knows nothing of, (D, G, T + H): the trend's
    further steps and what controls do."""
    walk = trend_walk(response, ahead)
    for more in control_walks(response, ahead).values():
        walk += more
    return walk


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
