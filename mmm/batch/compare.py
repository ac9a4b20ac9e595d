"""A new fit beside the deployed one: returns on common dates, the forecast, the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from mmm.data.panel import Panel
from mmm.dims import CHANNEL, CONTROL, DATE, GEO
from mmm.efficiency.dated import Shift, returns_on, shift_of
from mmm.inference.fit import Fit
from mmm.results.ahead import continued, trend_walk
from mmm.results.blocks import by_geo
from mmm.results.contributions import with_noise
from mmm.results.outcome import (
    baseline_predictor,
    caused_outcome,
    expected_outcome,
    media_predictor,
)
from mmm.results.respond import Response, channel_effect, response

DRAWS = 400
"""Draws that comparisons are read from."""
_STREAM = 8
_LEAST_SPREAD = 0.05
"""Of a column's mean size: what its stretches vary by at least."""


@dataclass(frozen=True, slots=True)
class ChannelScore:
    """What a channel earned since over what the deployed fit expected of it, `factor`, and the
    two-sided probability of one as far from 1 had nothing changed."""

    channel: str
    factor: float
    probability: float


@dataclass(frozen=True, slots=True)
class ForecastScore:
    """How the deployed fit forecast the `periods` since its last date, given what was spent.

    observed and expected are sums over them and all geos; `error` is observed over expected
    less 1; `probability` that of a sum as far off (two-sided, normal); `covered` the part of
    periods and geos within their 90 % interval; `channels` says which of them it was.
    """

    periods: int
    observed: float
    expected: float
    error: float
    probability: float
    covered: float
    channels: tuple[ChannelScore, ...] = ()


@dataclass(frozen=True, slots=True)
class InputChange:
    """A column of the data: `drift` of its mean in the new periods, in standard deviations of
    as long stretches before, and `restated`, the relative change of its sum on common dates."""

    column: str
    drift: float
    restated: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The new fit beside the deployed one. `forecast` is None where no period is new."""

    shifts: tuple[Shift, ...]
    forecast: ForecastScore | None
    inputs: tuple[InputChange, ...]
    channels_gone: tuple[str, ...]
    channels_new: tuple[str, ...]
    common_periods: int


def compare_fits(deployed: Fit, new: Fit) -> Comparison:
    """Everything the rules look at; read from `DRAWS` draws of each fit."""
    common = pd.DatetimeIndex(deployed.panel.dates.intersection(new.panel.dates))
    before, after = deployed.panel.channels, new.panel.channels
    shared = [name for name in before if name in after]
    reading = response(deployed, DRAWS)
    shifts: list[Shift] = []
    if len(common) and shared:
        old_roi = returns_on(reading, common)
        new_roi = returns_on(response(new, DRAWS), common)
        costly = [name for name in shared if name in old_roi and name in new_roi]
        shifts = [shift_of(name, old_roi[name], new_roi[name]) for name in costly]
    return Comparison(
        shifts=tuple(shifts),
        forecast=score_forecast(reading, new.panel),
        inputs=input_changes(deployed.panel, new.panel),
        channels_gone=tuple(name for name in before if name not in after),
        channels_new=tuple(name for name in after if name not in before),
        common_periods=len(common),
    )


def score_forecast(reading: Response, panel: Panel) -> ForecastScore | None:
    """The forecast of the periods of `panel` after the fit's last one, with the spending and the
    controls that came. None where there is none, or geos, channels or controls differ."""
    own = reading.fit.panel
    ahead = panel.dates[panel.dates > own.dates[-1]]
    same = set(own.geos) == set(panel.geos) and set(own.channels) <= set(panel.channels)
    if not len(ahead) or not same or not set(own.controls) <= set(panel.controls):
        return None
    came = panel.dataset.sel(
        {
            DATE: ahead,
            GEO: list(own.geos),
            CHANNEL: list(own.channels),
            CONTROL: list(own.controls),
        }
    )
    media = np.concatenate([own.dataset["media"].values, came["media"].values])
    rows = continued(reading, ahead, came["controls"].values).last(len(ahead))
    seed = reading.fit.study.inference.seed

    def block(some: Response) -> tuple[np.ndarray, np.ndarray]:
        predictor = baseline_predictor(some, rows.rows, trend_walk(some, rows))
        expected = expected_outcome(some, predictor + media_predictor(some, media, len(ahead)))
        whole = expected.copy() if some.multiplicative else None
        caused = np.empty((len(own.channels), len(ahead)))
        for channel in range(len(own.channels)):
            effect = channel_effect(some, channel, media[:, some.places, channel]).total
            part = caused_outcome(effect[:, :, -len(ahead) :], whole)
            caused[channel] = part.mean(axis=0).sum(axis=0)
        for geo, place in enumerate(some.places):
            rng = np.random.default_rng([seed, _STREAM, place])
            expected[:, geo] = with_noise(some, geo, expected[:, geo], rng)
        return expected, caused

    blocks = by_geo(reading, len(media), block, arrays=4)
    predicted = np.concatenate([expected for expected, _ in blocks], axis=1)
    caused = np.sum([part for _, part in blocks], axis=0)
    outcome = came["outcome"].transpose(GEO, DATE).values
    low, high = np.quantile(predicted, [0.05, 0.95], axis=0)
    sums = predicted.sum(axis=(1, 2))
    observed, expected = float(outcome.sum()), float(sums.mean())
    distance = abs(observed - expected) / max(float(sums.std()), 1e-12 * abs(expected))
    return ForecastScore(
        periods=len(ahead),
        observed=observed,
        expected=expected,
        error=observed / expected - 1.0,
        probability=_two_sided(distance),
        covered=float(((outcome >= low) & (outcome <= high)).mean()),
        channels=score_channels(own.channels, outcome.sum(axis=0), predicted.sum(axis=1), caused),
    )


def score_channels(
    names: Sequence[str], observed: np.ndarray, predicted: np.ndarray, caused: np.ndarray
) -> tuple[ChannelScore, ...]:
    """Which channel a forecast's errors follow.

    observed (H,), predicted (D, H) draws with noise, caused (C, H) expected outcome of each
    channel. Errors are regressed on each channel's outcome in turn by generalised least squares
    (Aitken, 1936) with the covariance of the predicted draws, so that what the trend and the
    noise may do by themselves does not count. The last D / 4 periods at most are looked at.
    """
    last = min(len(observed), len(predicted) // 4)
    error = (observed - predicted.mean(axis=0))[-last:]
    spread = np.atleast_2d(np.cov(predicted[:, -last:], rowvar=False))
    spread += 1e-9 * np.trace(spread) / last * np.eye(last)
    # the inverse of a covariance of D draws is too large by this (Hartlap et al., 2007)
    shrink = (len(predicted) - last - 2) / (len(predicted) - 1)
    scores = []
    for name, part in zip(names, caused[:, -last:], strict=True):
        weights = shrink * np.linalg.solve(spread, part)
        precision = float(weights @ part)
        if precision > 0:
            change = float(weights @ error) / precision
            probability = _two_sided(abs(change) * precision**0.5)
            scores.append(ChannelScore(name, 1.0 + change, probability))
    return tuple(scores)


def _two_sided(distance: float) -> float:
    return float(2.0 * stats.norm.sf(distance))


def input_changes(deployed: Panel, new: Panel) -> tuple[InputChange, ...]:
    """Drift and restatement of the outcome, of media and of controls, summed over geos."""
    before, after = _series(deployed), _series(new)
    common = deployed.dates.intersection(new.dates)
    fresh = new.dates[new.dates > deployed.dates[-1]]
    return tuple(
        InputChange(
            name,
            _drift(before[name], after.loc[fresh, name]),
            _restated(before.loc[common, name], after.loc[common, name]),
        )
        for name in before.columns
        if name in after.columns
    )


def _series(panel: Panel) -> pd.DataFrame:
    data = panel.dataset
    columns = {"outcome": data["outcome"].sum(GEO).values}
    columns |= {name: data["media"].sel({CHANNEL: name}).sum(GEO).values for name in panel.channels}
    columns |= {
        f"control {name}": data["controls"].sel({CONTROL: name}).mean(GEO).values
        for name in panel.controls
    }
    return pd.DataFrame(columns, index=panel.dates)


def _drift(before: pd.Series, fresh: pd.Series) -> float:
    if fresh.empty or before.empty:
        return 0.0
    length = min(len(fresh), max(1, len(before) // 2))
    stretches = before.rolling(length).mean().dropna()
    spread = max(float(stretches.std(ddof=0)), _LEAST_SPREAD * float(before.abs().mean()))
    distance = float(fresh.mean() - stretches.mean())
    return distance / spread if spread > 0 else (0.0 if distance == 0 else float("inf"))


def _restated(before: pd.Series, after: pd.Series) -> float:
    old, new = float(before.sum()), float(after.sum())
    if old == new:
        return 0.0
    return (new - old) / abs(old) if old else float("inf")
