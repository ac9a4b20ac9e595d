"""Residuals: what the model leaves unexplained, and whether it looks like noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from mmm.model.spec import seen_outcome
from mmm.results.blocks import by_geo
from mmm.results.outcome import baseline_predictor, expected_outcome
from mmm.results.respond import Response, window_effect

SIGNIFICANT = 0.01
STRONG = 0.3
"""Correlation of neighbouring residuals from which intervals are clearly too narrow."""
LAGS = 10
OUTLIERS = 0.05
"""Chance of calling any period an outlier where noise is normal."""


@dataclass(frozen=True, slots=True)
class Autocorrelation:
    """Ljung-Box test of all geos together; `first` is the correlation of neighbours."""

    first: float
    lags: int
    statistic: float
    probability: float


@dataclass(frozen=True, slots=True)
class Variance:
    """Breusch-Pagan test of squared residuals on the fitted outcome and on time. `by_level` and
    `by_time`: noise at the highest tenth of fitted outcome over that at the lowest, and of the
    last third of periods over the first, standard deviations."""

    statistic: float
    probability: float
    by_level: float
    by_time: float


@dataclass(frozen=True, slots=True)
class Outlier:
    """A period far from what was expected: `z` in robust standard deviations, `residual` in units
    of outcome."""

    date: str
    geo: str
    z: float
    residual: float


@dataclass(frozen=True, slots=True)
class Residuals:
    """Diagnostics of the mean residuals of the fitted window, on the scale of the likelihood."""

    autocorrelation: Autocorrelation
    variance: Variance
    outliers: tuple[Outlier, ...]
    excess_kurtosis: float
    reading: str
    advice: tuple[str, ...]


def residuals(base: Response) -> Residuals:
    """Diagnostics of the residuals of `base`."""
    standard, fitted = standard_residuals(base), expected_mean(base)
    correlation, variance = ljung_box(standard), breusch_pagan(standard, fitted)
    panel = base.fit.panel
    observed = panel.dataset["outcome"].values.T
    found = tuple(
        Outlier(
            f"{panel.dates[t]:%Y-%m-%d}",
            panel.geos[g],
            float(z),
            float(observed[g, t] - fitted[g, t]),
        )
        for g, t, z in outlying(standard)
    )
    kurtosis = float(stats.kurtosis(standard, axis=None))
    heavy = base.density.spec.likelihood == "student_t"
    reading, advice = _words(correlation, variance, found, base.multiplicative, heavy)
    return Residuals(correlation, variance, found, kurtosis, reading, advice)


def standard_residuals(base: Response) -> np.ndarray:
    """Mean residuals on the scale of the likelihood over the noise's standard deviation, (G, T)."""
    observed = seen_outcome(base.fit.panel, base.density.spec.likelihood).T
    return (observed - _predictor(base) / base.unit[:, None]) / base.sigma.mean(axis=0)[:, None]


def expected_mean(base: Response) -> np.ndarray:
    """Posterior mean of the expected outcome in the window, (G, T)."""
    return np.concatenate(
        by_geo(base, len(base.fit.panel.dates), lambda some: _mean(some, outcome=True), arrays=3)
    )


def _predictor(base: Response) -> np.ndarray:
    return np.concatenate(
        by_geo(base, len(base.fit.panel.dates), lambda some: _mean(some, outcome=False), arrays=3)
    )


def _mean(some: Response, *, outcome: bool) -> np.ndarray:
    total = baseline_predictor(some, some.density.design.baseline)
    for channel in range(len(some.fit.panel.channels)):
        total += window_effect(some, channel).total
    return (expected_outcome(some, total) if outcome else total).mean(axis=0)


def ljung_box(residual: np.ndarray, lags: int = LAGS) -> Autocorrelation:
    """Q = n (n + 2) sum_k r_k^2 / (n - k), chi-squared with one degree of freedom a lag where
    residuals (G, T) are white noise (Ljung and Box, 1978, "On a measure of lack of fit in time
    series models", Biometrika 65); geos add up."""
    n = residual.shape[1]
    lags = max(1, min(lags, n // 5))
    centred = residual - residual.mean(axis=1, keepdims=True)
    square = (centred**2).sum(axis=1)
    r = np.stack(
        [(centred[:, k:] * centred[:, :-k]).sum(axis=1) / square for k in range(1, lags + 1)]
    )
    each = n * (n + 2) * (r**2 / (n - np.arange(1, lags + 1))[:, None]).sum(axis=0)
    q = float(each.sum())
    return Autocorrelation(
        float(r[0].mean()), lags, q, float(stats.chi2.sf(q, lags * len(residual)))
    )


def breusch_pagan(residual: np.ndarray, fitted: np.ndarray) -> Variance:
    """n R^2 of the regression of squared residuals (G, T) on fitted values and time, chi-squared
    with two degrees of freedom where their variance is constant (Breusch and Pagan, 1979, as
    studentised by Koenker, 1981, "A note on studentizing a test for heteroscedasticity", Journal
    of Econometrics 17). Fitted values are each geo's own over their mean."""
    geos, periods = residual.shape
    relative = (fitted / fitted.mean(axis=1, keepdims=True)).ravel()
    time = np.tile(np.linspace(-1.0, 1.0, periods), geos)
    square = residual.ravel() ** 2
    x = np.stack([np.ones(len(time)), relative, time], axis=1)
    explained = x @ np.linalg.lstsq(x, square, rcond=None)[0]
    part = float(((explained - square.mean()) ** 2).sum() / ((square - square.mean()) ** 2).sum())
    statistic = len(square) * part
    low, high = np.quantile(relative, [1 / 3, 2 / 3])
    flat = residual.ravel()
    return Variance(
        statistic,
        float(stats.chi2.sf(statistic, 2)),
        by_level=float(flat[relative >= high].std() / flat[relative <= low].std()),
        by_time=float(flat[time > 1 / 3].std() / flat[time < -1 / 3].std()),
    )


def outlying(residual: np.ndarray) -> list[tuple[int, int, float]]:
    """Geo, period and robust z of residuals (G, T) beyond what normal noise shows once in twenty
    panels of this size, largest first; spread by the median absolute deviation (Hampel, 1974)."""
    spread = stats.median_abs_deviation(residual, axis=1, scale="normal")[:, None]
    z = (residual - np.median(residual, axis=1, keepdims=True)) / spread
    limit = stats.norm.isf(OUTLIERS / (2 * z.size))
    found = [(int(g), int(t), float(z[g, t])) for g, t in np.argwhere(np.abs(z) > limit)]
    return sorted(found, key=lambda one: -abs(one[2]))


def _words(
    correlation: Autocorrelation,
    variance: Variance,
    outliers: tuple[Outlier, ...],
    multiplicative: bool,
    heavy: bool,
) -> tuple[str, tuple[str, ...]]:
    said, advice = [], []
    if correlation.probability < SIGNIFICANT:
        strength = "strongly " if abs(correlation.first) > STRONG else ""
        said.append(
            f"Residuals of neighbouring periods are {strength}related (correlation "
            f"{correlation.first:+.2f}, Ljung-Box p = {correlation.probability:.2g})."
        )
        advice.append(
            "Something slow is missing: add controls (price, demand, competitors) or knots to "
            "'baseline.trend'; until then intervals are narrower than they should be."
            if correlation.first > 0
            else "Periods make up for one another, as when sales are brought forward: look for "
            "promotions, or dates that are booked late."
        )
    else:
        said.append(
            "Residuals of neighbouring periods are unrelated (correlation "
            f"{correlation.first:+.2f})."
        )
    if variance.probability < SIGNIFICANT:
        said.append(
            f"Noise is not the same throughout (Breusch-Pagan p = {variance.probability:.2g}): "
            f"{variance.by_level:.1f} times as large where the outcome is high as where it is "
            f"low, {variance.by_time:.1f} times as large in the last third as in the first."
        )
        grows = variance.by_level > 1 and not multiplicative
        advice.append(
            "Noise grows with the outcome: try 'likelihood: lognormal'."
            if grows
            else "Look for what makes some stretches noisier: a change of tracking, or stretches "
            "that belong to another regime and should be left out."
        )
    else:
        said.append("Noise is the same at high and low outcome, early and late.")
    if outliers:
        shown = ", ".join(f"{one.date} ({one.z:+.1f})" for one in outliers[:5])
        more = f" and {len(outliers) - 5} more" if len(outliers) > 5 else ""
        said.append(
            f"{len(outliers)} period{'s' if len(outliers) > 1 else ''} lie far from what the "
            f"model expects, in standard deviations: {shown}{more}."
        )
        advice.append(
            "Correct mistakes, and give real one-offs (promotions, outages) a control column."
            + ("" if heavy else " 'likelihood: student_t' forgives what is left.")
        )
    else:
        said.append("No period lies far from what the model expects.")
    return " ".join(said), tuple(advice)
