"""First-order autoregressions of what nobody knows ahead (Box and Jenkins, 1970, "Time series
analysis", chapter 3): d_t = phi d_{t-1} + e_t.

Steps e are drawn again from those of the data (Thombs and Schucany, 1990, "Bootstrap prediction
intervals for autoregression", JASA 85).
"""

from __future__ import annotations

import numpy as np


def autoregression(
    before: np.ndarray, after: np.ndarray, *, unbiased: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """phi (P,), within 0 and 1, and steps (R, ..., P), with mean zero and as wide as one more
    observation would let them be, of `after` on `before` (R, ..., P).

    One phi a last axis, of least squares over all others, 0 where nothing moved; `unbiased` less
    its bias in short series, phi + (1 + 3 phi) / R (Kendall, 1954, "Note on bias in the estimation
    of autocorrelation", Biometrika 41).
    """
    axes, count = tuple(range(before.ndim - 1)), len(before)
    size = (before**2).sum(axis=axes)
    products = (before * after).sum(axis=axes)
    slope = np.divide(products, size, out=np.zeros(before.shape[-1]), where=size > 0)
    if unbiased:
        slope = slope + (1.0 + 3.0 * slope) / count
    persistence = np.clip(slope, 0.0, 1.0)
    steps = after - persistence * before
    return persistence, (steps - steps.mean(axis=0)) * np.sqrt(count / max(1, count - 1))
