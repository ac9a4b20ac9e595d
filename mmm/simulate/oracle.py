"""The true response, written plainly: carry-over, saturation and brand stock as loops.

Deliberately apart from `mmm.transforms`, so that each can be checked against the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

DIED_OUT = 1e-10
"""Part of the effect below which carry-over counts as gone."""


@dataclass(frozen=True, slots=True)
class Curves:
    """True parameters of C channels in G geos.

    `decay`, `half_saturation` (media per head), `slope`, `tactical_effect` and
    `brand_effect` (outcome per head at full saturation): shape (C,). `multiplier`: effect
    of a geo relative to the shared one, shape (G, C). `population`: heads, shape (G,).
    `retention`: of the brand stock a period. `lags`, `saturation`: one a channel where any is
    of another family: weights of the lags 0, 1, ... in place of geometric carry-over (None: that
    of `decay`), and the name of a curve of `SATURATIONS`.
    """

    decay: np.ndarray
    half_saturation: np.ndarray
    slope: np.ndarray
    tactical_effect: np.ndarray
    brand_effect: np.ndarray
    multiplier: np.ndarray
    population: np.ndarray
    retention: float
    lags: tuple[np.ndarray | None, ...] = ()
    saturation: tuple[str, ...] = ()


def geometric_adstock(media: np.ndarray, decay: np.ndarray | float) -> np.ndarray:
    """`a_t = decay a_{t-1} + (1 - decay) x_t` along the first axis, from `a_{-1} = 0`.

    Constant media is its own adstocked level. Same shape and unit as `media`.
    """
    return _running(media, decay)


def hill(
    level: np.ndarray | float, half_saturation: np.ndarray | float, slope: np.ndarray | float
) -> np.ndarray:
    """`x^s / (k^s + x^s)`: 0 at nothing, one half at `x = k`, 1 at the limit."""
    powered = np.asarray(level, dtype=float) ** slope
    return powered / (np.asarray(half_saturation, dtype=float) ** slope + powered)


def tanh_curve(
    level: np.ndarray | float, half_saturation: np.ndarray | float, _: np.ndarray | float
) -> np.ndarray:
    """`tanh(atanh(1/2) x / k)`: one half at `x = k`, 1 at the limit; the logistic curve too."""
    return np.tanh(math.atanh(0.5) * np.asarray(level, dtype=float) / half_saturation)


def root_curve(
    level: np.ndarray | float, half_saturation: np.ndarray | float, slope: np.ndarray | float
) -> np.ndarray:
    """`(x / k)^s`: one at `x = k`, without a limit."""
    return (np.asarray(level, dtype=float) / half_saturation) ** slope


SATURATIONS = {"hill": hill, "tanh": tanh_curve, "root": root_curve}
"""Curves of adstocked media, half-saturation point and slope."""


def lagged_adstock(media: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """`a_t = sum_k w_k x_{t-k}` along the first axis, nothing before it."""
    carried = np.zeros(np.shape(media))
    for lag, weight in enumerate(weights[: len(media)]):
        carried[lag:] += weight * media[: len(media) - lag]
    return carried


def brand_stock(inflow: np.ndarray, retention: float) -> np.ndarray:
    """`b_t = retention b_{t-1} + (1 - retention) u_t` along the first axis, from nothing."""
    return _running(inflow, retention)


def retention_of(half_life: float) -> float:
    """Retention a period of a stock that halves in `half_life` periods: `0.5^(1/H)`."""
    return 0.5 ** (1.0 / half_life)


def responses(media: np.ndarray, curves: Curves) -> tuple[np.ndarray, np.ndarray]:
    """Saturation of adstocked media per head and the brand stock it feeds.

    `media`: shape (T, G, C), in its own unit. Both results: shape (T, G, C), 0 to 1 but for
    curves without a limit.
    """
    per_head = media / curves.population[None, :, None]
    carried = geometric_adstock(per_head, curves.decay)
    for channel, weights in enumerate(curves.lags):
        if weights is not None:
            carried[:, :, channel] = lagged_adstock(per_head[:, :, channel], weights)
    saturated = hill(carried, curves.half_saturation, curves.slope)
    for channel, name in enumerate(curves.saturation):
        half, slope = curves.half_saturation[channel], curves.slope[channel]
        saturated[:, :, channel] = SATURATIONS[name](carried[:, :, channel], half, slope)
    return saturated, brand_stock(saturated, curves.retention)


def contributions(media: np.ndarray, curves: Curves) -> tuple[np.ndarray, np.ndarray]:
    """Tactical and brand outcome of each channel, each of shape (T, G, C)."""
    saturated, stock = responses(media, curves)
    scale = curves.population[:, None] * curves.multiplier
    return (
        scale * curves.tactical_effect * saturated,
        scale * curves.brand_effect * stock,
    )


def caused_by_window(media: np.ndarray, history: int, curves: Curves) -> np.ndarray:
    """Outcome the window's media causes in and after the window, by channel, shape (C,).

    The difference between media as it was and media switched off from period `history`
    on, with media before the window kept and none after it, until carry-over has died out.
    """
    silence = np.zeros((periods_to_die_out(curves), *media.shape[1:]))
    factual = np.concatenate([media, silence])
    without = factual.copy()
    without[history:] = 0.0
    total = np.zeros(media.shape[2])
    for with_media, no_media in zip(
        contributions(factual, curves), contributions(without, curves), strict=True
    ):
        total += (with_media - no_media).sum(axis=(0, 1))
    return total


def _running(values: np.ndarray, keep: np.ndarray | float) -> np.ndarray:
    level = np.zeros_like(np.asarray(values[0], dtype=float))
    levels = np.empty(np.shape(values))
    for period, value in enumerate(values):
        level = keep * level + (1.0 - keep) * value
        levels[period] = level
    return levels


def periods_to_die_out(curves: Curves) -> int:
    """Periods of silence after which nothing is left of any effect."""
    # a Hill curve of slope s turns carry-over of rate d into one of rate d^s
    slowest = max(float(np.max(curves.decay**curves.slope)), curves.retention)
    reach = max((len(weights) for weights in curves.lags if weights is not None), default=0)
    if slowest == 0.0:
        return max(1, reach)
    # a sum of two decays at one rate lasts longer than either, hence twice
    return reach + 2 * math.ceil(math.log(DIED_OUT) / math.log(slowest))
