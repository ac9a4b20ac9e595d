"""Design: the panel as the scaled arrays a likelihood works on, and how to extend them.

Outcome is over its geo mean, its logarithm where noise is log-normal. Media is per head
(population, or mean outcome where the study names none), over the channel's mean while active.
Controls are standardised.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.data.panel import Panel
from mmm.model.graph import with_regressors
from mmm.model.readings import Readings, build_readings
from mmm.model.spec import ModelSpec, early_periods, outcome_scale, seen_outcome
from mmm.model.trials import Trials, build_trials
from mmm.transforms.baseline import fourier, holiday_counts, trend_ramps

INTERCEPT, INTERCEPT_SD = 0.5, 0.5
"""Prior of a geo's baseline at the start, as a share of its mean outcome; the spread is at least
this, and as far as the outcome of the first quarter is from the middle."""
LOG_INTERCEPT = -0.5
"""Its prior mean on the log scale, for multiplicative models."""
GEO_SEASON = 0.25
"""How much geos differ in seasonality, over the common prior scale."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """What turns units into the model's numbers. level (G,), size (G,), media (C,),
    control_mean and control_scale (P,)."""

    level: np.ndarray
    size: np.ndarray
    media: np.ndarray
    control_mean: np.ndarray
    control_scale: np.ndarray
    outcome_scale: float
    start_sd: float
    """Prior standard deviation of a geo's baseline at the start."""


@dataclass(frozen=True, slots=True)
class BaselineRows:
    """Baseline rows along time. own (K0, T) for every geo alike, shared (G, P, T); for each
    row its component, kind, prior scale and scale group (-1: none)."""

    own: np.ndarray
    shared: np.ndarray
    own_component: tuple[str, ...]
    shared_component: tuple[str, ...]
    own_sd: np.ndarray
    shared_sd: np.ndarray
    own_group: np.ndarray
    shared_group: np.ndarray


@dataclass(frozen=True, slots=True)
class Design:
    """Arrays of the likelihood, C-contiguous, geo first, time last.

    outcome (G, T) as the likelihood sees it, and centre, the prior mean of its baseline;
    media (G, C, T); early (G, C) mean of the first periods; weight (G,) share of a geo-period
    in the outcome; drift (B, T) bases of time-varying effectiveness.

    Rows that are alike in all geos are held once: common (K, T), then each geo's local rows
    (G, L, T), the last of which is the outcome less `centre`. gram (G, K + L, K + L) are their
    inner products; own_row (K0,) and shared_row (P,) say which row a baseline column is.
    `readings` are those of brand trackers, `trials` the experiments that are not held back.
    """

    scaling: Scaling
    baseline: BaselineRows
    media: np.ndarray
    early: np.ndarray
    weight: np.ndarray
    outcome: np.ndarray
    centre: float
    drift: np.ndarray
    common: np.ndarray
    local: np.ndarray
    gram: np.ndarray
    own_row: np.ndarray
    shared_row: np.ndarray
    readings: Readings
    trials: Trials

    @property
    def own(self) -> int:
        return self.baseline.own.shape[0]


def centre_of(likelihood: str) -> float:
    """Prior mean of a geo's baseline, as the likelihood sees outcome."""
    return LOG_INTERCEPT if likelihood == "lognormal" else INTERCEPT


def scaling_of(panel: Panel, likelihood: str = "normal") -> Scaling:
    """Scales of `panel`, for an outcome as `likelihood` sees it."""
    data = panel.dataset
    level = data["outcome"].values.mean(axis=0)
    size = data["population"].values if "population" in data else level
    size = size / size.mean()
    media = data["media"].values / size[None, :, None]
    active = (media > 0).sum(axis=(0, 1))
    mean = media.sum(axis=(0, 1)) / np.maximum(active, 1)
    control = data["controls"].values
    spread = control.std(axis=(0, 1))
    start = seen_outcome(panel, likelihood)[: early_periods(panel)].mean(axis=0)
    return Scaling(
        level=level,
        size=size,
        media=np.where(mean > 0, mean, 1.0),
        control_mean=control.mean(axis=(0, 1)),
        control_scale=np.where(spread > 0, spread, 1.0),
        outcome_scale=outcome_scale(panel, likelihood),
        # a series that starts many times higher than it goes on must not need marketing for it
        start_sd=max(INTERCEPT_SD, float(np.abs(start - centre_of(likelihood)).max())),
    )


def scale_media(media: np.ndarray, scaling: Scaling) -> np.ndarray:
    """Media (T, G, C) in its own units to the model's (G, C, T)."""
    scaled = media / scaling.size[None, :, None] / scaling.media[None, None, :]
    return np.ascontiguousarray(scaled.transpose(1, 2, 0))


def baseline_rows(
    spec: ModelSpec,
    scaling: Scaling,
    dates: pd.DatetimeIndex,
    end: pd.Timestamp,
    control: np.ndarray,
    control_names: tuple[str, ...],
    window: int,
    holiday_names: tuple[str, ...] | None = None,
) -> BaselineRows:
    """Rows for `dates`, of which the first `window` are the fitted ones.

    `control` (T, G, P) in its own units. `holiday_names` fixes the holiday rows to those of
    the fit, so that a forecast has the same columns.
    """
    unit = scaling.outcome_scale
    shared: list[tuple[str, np.ndarray, float, int]] = []
    ramps = np.empty((len(dates), 0))
    if spec.knots:
        ramps = trend_ramps(np.arange(len(dates), dtype=float), window, spec.knots)
        shared += [("trend", ramp, 1.0, 0) for ramp in ramps.T]
    season = fourier(dates, spec.seasonality)
    shared += [("seasonality", wave, unit, -1) for wave in season.T]
    if spec.holidays:
        counts = holiday_counts(dates, end, spec.holidays)
        names = counts.columns if holiday_names is None else list(holiday_names)
        counts = counts.reindex(columns=names, fill_value=0.0)
        shared += [(f"holidays: {name}", counts[name].to_numpy(), unit, -1) for name in names]
    geos = len(scaling.level)
    rows = [(name, np.tile(row, (geos, 1)), sd, group) for name, row, sd, group in shared]
    standard = (control - scaling.control_mean) / scaling.control_scale
    rows += [
        (f"control: {name}", standard[:, :, p].T, unit, -1) for p, name in enumerate(control_names)
    ]
    ones = np.ones((1, len(dates)))
    intercept = ("baseline", np.tile(ones, (geos, 1)), scaling.start_sd, -1)
    own: list[tuple[str, np.ndarray, float, int]] = []
    if spec.pooled:
        own.append(("baseline", ones[0], scaling.start_sd, -1))
        own += [("trend", ramp, 1.0, 1) for ramp in ramps.T]
        own += [("seasonality", wave, unit * GEO_SEASON, -1) for wave in season.T]
    else:
        rows.insert(0, intercept)
    return BaselineRows(
        own=np.array([row for _, row, *_ in own]).reshape(len(own), len(dates)),
        shared=np.array([row for _, row, *_ in rows])
        .reshape(len(rows), geos, len(dates))
        .transpose(1, 0, 2)
        .copy(),
        own_component=tuple(name for name, *_ in own),
        shared_component=tuple(name for name, *_ in rows),
        own_sd=np.array([sd for *_, sd, _ in own]),
        shared_sd=np.array([sd for *_, sd, _ in rows]),
        own_group=np.array([group for *_, group in own], dtype=np.int64),
        shared_group=np.array([group for *_, group in rows], dtype=np.int64),
    )


def period_end(panel: Panel, dates: pd.DatetimeIndex) -> pd.Timestamp:
    """Where the last of `dates` ends."""
    return pd.date_range(dates[-1], periods=2, freq=panel.frequency)[1]


def drift_rows(spec: ModelSpec, index: np.ndarray, window: int) -> np.ndarray:
    """Bases along which the effectiveness of time-varying channels walks, (B, len(index)).

    Ramps over a quarter each, as in `trend_ramps`, less their means over the window: the
    effectiveness averages out at the channel's share. `index` counts periods from the first of
    the window; past its end ramps are added, whose coefficients the data has not seen.
    """
    if not spec.drifting:
        return np.empty((0, len(index)))
    ramps = trend_ramps(np.asarray(index, dtype=float), window, spec.drift_knots)
    inside = trend_ramps(np.arange(window, dtype=float), window, spec.drift_knots).mean(axis=0)
    means = np.pad(inside, (0, ramps.shape[1] - len(inside)))
    return np.ascontiguousarray((ramps - means).T)


def distinct_rows(
    baseline: BaselineRows, outcome: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """common (K, T), local (G, L, T) ending with `outcome` (G, T), own_row and shared_row."""
    known: dict[bytes, int] = {}
    common: list[np.ndarray] = []

    def place(row: np.ndarray) -> int:
        key = np.ascontiguousarray(row).tobytes()
        if key not in known:
            known[key] = len(common)
            common.append(row)
        return known[key]

    own_row = np.array([place(row) for row in baseline.own], dtype=np.int64)
    shared = baseline.shared.transpose(1, 0, 2)
    alike = [bool((rows == rows[0]).all()) for rows in shared]
    places = [place(rows[0]) if same else -1 for rows, same in zip(shared, alike, strict=True)]
    apart = [p for p, same in enumerate(alike) if not same]
    for number, p in enumerate(apart):
        places[p] = len(common) + number
    local = np.concatenate([baseline.shared[:, apart], outcome[:, None]], axis=1)
    return (
        np.array(common).reshape(len(common), outcome.shape[1]),
        np.ascontiguousarray(local),
        own_row,
        np.array(places, dtype=np.int64),
    )


def build_design(spec: ModelSpec, panel: Panel) -> Design:
    """Arrays for fitting `spec` to `panel`."""
    panel = with_regressors(panel, spec.channels)
    data = panel.dataset
    scaling = scaling_of(panel, spec.likelihood)
    dates = panel.dates
    baseline = baseline_rows(
        spec, scaling, dates, period_end(panel, dates), data["controls"].values,
        panel.controls, len(dates),
    )  # fmt: skip
    media = scale_media(data["media"].values, scaling)
    outcome = np.ascontiguousarray(seen_outcome(panel, spec.likelihood).T)
    centre = centre_of(spec.likelihood)
    common, local, own_row, shared_row = distinct_rows(baseline, outcome - centre)
    rows = np.concatenate([np.broadcast_to(common, (len(local), *common.shape)), local], axis=1)
    return Design(
        scaling=scaling,
        baseline=baseline,
        media=media,
        early=np.ascontiguousarray(media[:, :, : spec.early_periods].mean(axis=2)),
        weight=scaling.level / (scaling.level.sum() * len(dates)),
        outcome=outcome,
        centre=centre,
        drift=drift_rows(spec, np.arange(len(dates)), len(dates)),
        common=common,
        local=local,
        gram=rows @ rows.transpose(0, 2, 1),
        own_row=own_row,
        shared_row=shared_row,
        readings=build_readings(panel, spec.national, spec.survey_knots),
        trials=build_trials(
            panel,
            scaling.level,
            lambda x, on: x / scaling.size[on.geos][:, None] / scaling.media[on.channels],
            multiplies=spec.likelihood == "lognormal",
        ),
    )
