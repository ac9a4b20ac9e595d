"""Design: the panel as the scaled arrays a likelihood works on, and how to extend them.

Outcome is over its geo mean. Media is per head (population, or mean outcome where the study
names none), over the channel's mean while active. Controls are standardised.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.data.panel import Panel
from mmm.model.spec import ModelSpec, outcome_scale
from mmm.transforms.baseline import fourier, holiday_counts, trend_ramps

INTERCEPT, INTERCEPT_SD = 0.5, 0.5
"""Prior of a geo's baseline at the start, as a share of its mean outcome."""
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

    media (G, C, T); early (G, C) mean of the first periods; weight (G,) share of a geo-period
    in the outcome; rows (G, R, T): own rows, shared rows, then the outcome less `INTERCEPT`;
    gram (G, R, R).
    """

    scaling: Scaling
    baseline: BaselineRows
    media: np.ndarray
    early: np.ndarray
    weight: np.ndarray
    outcome: np.ndarray
    rows: np.ndarray
    gram: np.ndarray

    @property
    def own(self) -> int:
        return self.baseline.own.shape[0]


def scaling_of(panel: Panel) -> Scaling:
    """Scales of `panel`."""
    data = panel.dataset
    level = data["outcome"].values.mean(axis=0)
    size = data["population"].values if "population" in data else level
    size = size / size.mean()
    media = data["media"].values / size[None, :, None]
    active = (media > 0).sum(axis=(0, 1))
    mean = media.sum(axis=(0, 1)) / np.maximum(active, 1)
    control = data["controls"].values
    spread = control.std(axis=(0, 1))
    return Scaling(
        level=level,
        size=size,
        media=np.where(mean > 0, mean, 1.0),
        control_mean=control.mean(axis=(0, 1)),
        control_scale=np.where(spread > 0, spread, 1.0),
        outcome_scale=outcome_scale(panel),
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
    intercept = ("baseline", np.tile(ones, (geos, 1)), INTERCEPT_SD, -1)
    own: list[tuple[str, np.ndarray, float, int]] = []
    if spec.pooled:
        own.append(("baseline", ones[0], INTERCEPT_SD, -1))
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


def build_design(spec: ModelSpec, panel: Panel) -> Design:
    """Arrays for fitting `spec` to `panel`."""
    data = panel.dataset
    scaling = scaling_of(panel)
    dates = panel.dates
    baseline = baseline_rows(
        spec, scaling, dates, period_end(panel, dates), data["controls"].values,
        panel.controls, len(dates),
    )  # fmt: skip
    media = scale_media(data["media"].values, scaling)
    outcome = np.ascontiguousarray((data["outcome"].values / scaling.level).T)
    geos = len(scaling.level)
    rows = np.concatenate(
        [
            np.tile(baseline.own[None], (geos, 1, 1)),
            baseline.shared,
            (outcome - INTERCEPT)[:, None, :],
        ],
        axis=1,
    )
    rows = np.ascontiguousarray(rows)
    return Design(
        scaling=scaling,
        baseline=baseline,
        media=media,
        early=np.ascontiguousarray(media[:, :, : spec.early_periods].mean(axis=2)),
        weight=scaling.level / (scaling.level.sum() * len(dates)),
        outcome=outcome,
        rows=rows,
        gram=rows @ rows.transpose(0, 2, 1),
    )
