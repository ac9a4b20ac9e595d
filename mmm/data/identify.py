"""Which effects the data can tell apart, before anything is fitted.

Each channel's curve is taken at the middle of the default priors (carry-over of about a week, half
saturated at its mean), each part of the outcome is regressed on all others, and what is left of a
channel is what its effect can be learned from. It is a linear picture of the model: good enough to
say what hopeless looks like, not to replace the fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from mmm.config import Study
from mmm.config.channel import Channel, Role
from mmm.data.costs import variable_cost_rate
from mmm.data.panel import Panel
from mmm.dims import DAYS_PER_WEEK, DAYS_PER_YEAR
from mmm.errors import Finding, Severity

LEFT = 0.1
"""Part of a channel's variation that others must leave: variance inflation of 10 (O'Brien, 2007,
"A caution regarding rules of thumb for variance inflation factors", Quality & Quantity 41)."""
NARROW = 1.5
"""Ratio of high to low activity below which a curve is seen at one level only."""
UNSURE = 1.0
"""Half-width of a 90 % interval of a return from which it is said how wide it is."""
WORTHWHILE = 0.8
"""Part of that half-width to which a test must narrow it to be named."""
TINY = 1e-12
HALF_LIFE_WEEKS = 1.0
TEST_WEEKS = 4.0
KNOT_WEEKS = 26.0
WEEKS_PER_YEAR = DAYS_PER_YEAR / DAYS_PER_WEEK
Z90 = 1.6448536269514722


@dataclass(frozen=True, slots=True)
class Parts:
    """Series of n = T x G rows, each geo's mean taken off.

    outcome (n,) over its geo mean; curves: of each channel that varies, over its mean; rest (n, K):
    trend, seasonality and controls; periods.
    """

    outcome: np.ndarray
    curves: dict[str, np.ndarray]
    rest: np.ndarray
    periods: int


def identifiability(study: Study, panel: Panel) -> tuple[Finding, ...]:
    """Channels that the rest imitates, curves seen at one level only, and how well returns can be
    known without a prior. Silent where there is too little data for a regression."""
    parts = parts_of(study, panel)
    if parts is None:
        return ()
    return (
        *_entangled(study, panel, parts),
        *_narrow(study, panel),
        *_weakly_known(study, panel, parts),
    )


def _where(study: Study, channel: Channel) -> str:
    return f"study '{study.study}': channel '{channel.name}'"


def _entangled(study: Study, panel: Panel, parts: Parts) -> list[Finding]:
    """Brand stocks are slow by nature: the fit tells how far the trend can stand in for them. A
    channel with a stated return or a test in the likelihood does not lean on the data alone."""
    found = []
    tested = {name for test in panel.experiments if not test.hold_back for name in test.channels}
    for channel in study.channels:
        if channel.name not in parts.curves or channel.role is Role.BRAND:
            continue
        left, own = left_over(parts, channel.name), parts.curves[channel.name]
        part = float(left @ left) / float(own @ own)
        if part < LEFT:
            led = bool(channel.prior.roi or channel.prior.share or channel.name in tested)
            found.append(
                Finding(
                    "entangled",
                    Severity.INFO if led else Severity.WARNING,
                    _where(study, channel),
                    f"the other channels, controls, trend and seasonality together explain "
                    f"{1 - part:.0%} of how it varies, so little is left to learn its effect from.",
                    "What is stated of it, or its test, will lead; be sure of that."
                    if led
                    else "Merge it with a channel it runs with, state its prior, or run an "
                    "experiment.",
                )
            )
    return found


def _narrow(study: Study, panel: Panel) -> list[Finding]:
    """A curve is learned from high and low activity."""
    found = []
    for index, channel in enumerate(study.channels):
        values = panel.dataset["media"].values[:, :, index]
        if not (values > 0).any():
            continue
        low, high = np.quantile(values[values > 0], [0.1, 0.9])
        if high < NARROW * low:
            found.append(
                Finding(
                    "narrow_range",
                    Severity.INFO,
                    _where(study, channel),
                    f"while it is active it stays within a factor of {high / low:.1f} in eight "
                    "periods of ten, so the data shows its curve at one level only.",
                    "Expect returns at other levels to rest on the prior; vary its spending, or "
                    "test.",
                )
            )
    return found


def _weakly_known(study: Study, panel: Panel, parts: Parts) -> list[Finding]:
    """How well returns can be known from this data alone, and what a test would add."""
    periods = max(1, round(TEST_WEEKS / panel.weeks_per_period))
    worth = float((panel.dataset["outcome"] * panel.dataset["value_per_unit"]).sum())
    alone, tested = {}, {}
    for index, channel in enumerate(study.channels):
        base = "media" if channel.spend is None else "spend"
        amount = float(panel.dataset[base].values[:, :, index].sum())
        cost = variable_cost_rate(channel) * amount
        if channel.name not in parts.curves or not cost > 0:
            continue
        now, then = share_errors(parts, channel.name, periods)
        if now * Z90 * worth / cost > UNSURE:
            alone[channel.name] = now * Z90 * worth / cost
            tested[channel.name] = then * Z90 * worth / cost
    if not alone:
        return []
    ranges = ", ".join(f"'{name}' {_two_digits(value)}" for name, value in alone.items())
    helped = ", ".join(
        f"'{name}' to {_two_digits(tested[name])}"
        for name in sorted(alone, key=lambda name: tested[name] / alone[name])
        if tested[name] < WORTHWHILE * alone[name]
    )
    return [
        Finding(
            "weakly_known",
            Severity.INFO,
            f"study '{study.study}': channels",
            "this data alone would tell returns, in value of outcome per unit of money, to about "
            f"plus or minus (90 %): {ranges}.",
            "Where that is wider than the returns you expect, the prior will lead: state it, or "
            "test. "
            + (
                f"Going dark everywhere for {periods} periods would narrow {helped}."
                if helped
                else f"Going dark for {periods} periods would narrow none of them by much; test "
                "longer or by geo."
            ),
        )
    ]


def _two_digits(value: float) -> str:
    return f"{float(f'{value:.2g}'):,.10g}"


def share_errors(parts: Parts, name: str, periods: int) -> tuple[float, float]:
    """Standard error of a channel's share of outcome by least squares, as it is, and with as many
    `periods` more in which the channel is off everywhere and nothing else changes."""
    everything = np.column_stack([parts.rest, *parts.curves.values()])
    unexplained = residual(parts.outcome, everything)
    free = len(unexplained) - int(np.linalg.matrix_rank(everything)) - 1
    left = left_over(parts, name)
    known = float(left @ left)
    more = known + periods * len(left) / parts.periods
    noise = float(unexplained @ unexplained) / max(free, 1)
    return float(np.sqrt(noise / max(known, TINY * more))), float(np.sqrt(noise / more))


def parts_of(study: Study, panel: Panel) -> Parts | None:
    """The linear picture; None where there are fewer than two rows a coefficient, or a geo without
    outcome."""
    outcome = panel.dataset["outcome"].values.T
    means = outcome.mean(axis=1, keepdims=True)
    if not (means > 0).all():
        return None
    weeks, geos = panel.weeks_per_period, len(panel.geos)
    curves = {}
    for index, channel in enumerate(study.channels):
        media = panel.dataset["media"].values[:, :, index].T
        if (media != media[:, :1]).any():
            curve = _curve(media / means, channel, study, weeks)
            curves[channel.name] = _centred(curve / curve.mean())
    baseline = [np.tile(row, (geos, 1)) for row in _time(panel.dates, study, weeks)]
    controls = panel.dataset["controls"].values.transpose(2, 1, 0)
    rest = [_centred(series) for series in (*baseline, *controls)]
    if outcome.size < 2 * (len(rest) + len(curves)) or not curves:
        return None
    return Parts(
        outcome=_centred(outcome / means),
        curves=curves,
        rest=np.stack(rest, axis=1) if rest else np.empty((outcome.size, 0)),
        periods=len(panel.dates),
    )


def left_over(parts: Parts, name: str) -> np.ndarray:
    """What of a channel's curve no other part explains, (n,)."""
    others = [curve for other, curve in parts.curves.items() if other != name]
    return residual(parts.curves[name], np.column_stack([parts.rest, *others]))


def residual(series: np.ndarray, others: np.ndarray) -> np.ndarray:
    """What of `series`, (n,) or (n, R), least squares on `others` (n, K) leaves."""
    if not others.shape[1]:
        return series
    scale = np.linalg.norm(others, axis=0)
    others = others / np.where(scale > 0, scale, 1.0)
    return series - others @ np.linalg.lstsq(others, series, rcond=None)[0]


def _centred(grid: np.ndarray) -> np.ndarray:
    """(G, T) less each geo's mean, flat."""
    return (grid - grid.mean(axis=1, keepdims=True)).ravel()


def _curve(media: np.ndarray, channel: Channel, study: Study, weeks: float) -> np.ndarray:
    """Saturated, carried-over media (G, T); a brand channel's stock."""
    half_life = HALF_LIFE_WEEKS / weeks
    if channel.prior.half_life:
        half_life = float(np.sqrt(np.prod(channel.prior.half_life)))
    if channel.lag and channel.lag.median:
        half_life = float(channel.lag.median)
    level = _carried(media, half_life)
    curve = level / (level + media[media > 0].mean())
    if channel.role is Role.BRAND:
        curve = _carried(
            curve, float(np.sqrt(np.prod(study.brand.half_life_of(channel.name)))) / weeks
        )
    return curve


def _carried(series: np.ndarray, half_life: float) -> np.ndarray:
    """Geometric carry-over (G, T) from the level of the first quarter of a year."""
    keep = 2.0 ** (-1.0 / half_life)
    level = series[:, :13].mean(axis=1, keepdims=True)
    return lfilter([1.0 - keep], [1.0, -keep], series, axis=1, zi=keep * level)[0]


def _time(dates: pd.DatetimeIndex, study: Study, weeks: float) -> list[np.ndarray]:
    """Trend by spans of half a year and yearly waves, each (T,)."""
    index = np.arange(len(dates), dtype=float)
    rows = []
    if study.baseline.trend is not False:
        own = study.baseline.trend
        spans = int(own) if own is not True else max(1, round(len(dates) * weeks / KNOT_WEEKS))
        starts = np.linspace(0.0, len(dates), min(spans, max(1, len(dates) // 8)), endpoint=False)
        rows += [np.maximum(index - start, 0.0) for start in starts]
    pairs = study.baseline.seasonality
    if pairs is None:
        pairs = 2 if weeks < WEEKS_PER_YEAR / 3 else 0
    angle = 2.0 * np.pi * (dates - dates[0]).days.to_numpy() / DAYS_PER_YEAR
    for k in range(1, pairs + 1):
        rows += [np.sin(k * angle), np.cos(k * angle)]
    return rows
