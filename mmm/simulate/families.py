"""Carry-over of other families than the geometric one, as weights of lags, written plainly."""

from __future__ import annotations

import math


def delayed_lags(half_life: float, peak: float, longest: int = 13) -> tuple[float, ...]:
    """Most effect `peak` periods after the exposure, half of that `half_life` periods on either
    side: `w_k ~ 2^(-((k - peak) / half_life)^2)` (Jin et al., 2017, equation 3)."""
    return _normed([2.0 ** (-(((k - peak) / half_life) ** 2)) for k in range(longest)])


def weibull_density_lags(shape: float, scale: float, longest: int = 13) -> tuple[float, ...]:
    """Weibull density at the periods 1, 2, ...: `w_k ~ u^(shape - 1) exp(-u^shape)` at
    `u = (k + 1) / scale` (Robyn, 2021, Weibull PDF adstock)."""
    at = [(k + 1) / scale for k in range(longest)]
    return _normed([u ** (shape - 1.0) * math.exp(-(u**shape)) for u in at])


def weibull_survival_lags(shape: float, scale: float, longest: int = 13) -> tuple[float, ...]:
    """What is left after k periods: `w_k ~ exp(-(k / scale)^shape)` (Robyn, 2021, Weibull CDF
    adstock)."""
    return _normed([math.exp(-((k / scale) ** shape)) for k in range(longest)])


def _normed(weights: list[float]) -> tuple[float, ...]:
    total = math.fsum(weights)
    return tuple(weight / total for weight in weights)
