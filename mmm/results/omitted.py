"""How strong a driver left out of a linear regression must be to move a coefficient.

Omitted-variable bias in partial R2 (Cinelli and Hazlett, 2020, "Making sense of sensitivity:
extending omitted variable bias", Journal of the Royal Statistical Society B 82). Y is regressed on
D and X; Z is left out. With a = R2(Y ~ Z | D, X), b = R2(D ~ Z | X) and f the partial Cohen's f of
the coefficient, |tau| sd(D | X) / sd(Y | D, X),

    |bias / tau| = sqrt(a b / (1 - b)) / f                                         (their eq. 12)
    RV_q = (sqrt(g^4 + 4 g^2) - g^2) / 2,  g = q f                                 (their eq. 18)

RV_q, the robustness value, is the a = b that moves the coefficient by the part q of itself. Their
section 4.4 bounds a and b by an observed covariate or group of them, J: Z, taken orthogonal to J,
explains k times as much of D, and of Y, as J does once the rest is known. With d =
R2(D ~ J | rest), y = R2(Y ~ J | rest, D) and r = k d^2 / ((1 - k d) (1 - d)),

    b = k d / (1 - d),   a = ((sqrt(k) + sqrt(r)) / sqrt(1 - r))^2 y / (1 - y), at most 1.

Everything here is elementwise on plain numbers or arrays.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

type Floats = np.ndarray
NEAR = 1e-9
"""How near the strongest driver that there can be, relative, the search for one ends."""


def relative_bias(outcome: ArrayLike, channel: ArrayLike, f: ArrayLike) -> Floats:
    """|bias / coefficient| of a driver with partial R2 `outcome` (a) and `channel` (b below 1),
    for a coefficient with partial Cohen's f `f` above 0."""
    a, b = np.asarray(outcome, dtype=float), np.asarray(channel, dtype=float)
    return np.sqrt(a * b / (1.0 - b)) / np.asarray(f, dtype=float)


def robustness_value(f: ArrayLike, part: ArrayLike = 1.0) -> Floats:
    """RV_q, 0 to 1, of a coefficient with partial Cohen's f `f`, q being `part`."""
    squared = (np.asarray(part, dtype=float) * np.asarray(f, dtype=float)) ** 2
    with np.errstate(divide="ignore"):  # at 0 it is 0, and 1 where f is without end
        return 2.0 / (1.0 + np.sqrt(1.0 + 4.0 / squared))


def as_strong_as(times: float, channel: float, outcome: float) -> tuple[float, float]:
    """Partial R2 (with the outcome, with the channel) of a driver `times` as strong as a benchmark
    that explains `channel` (d) and `outcome` (y); NaN where no driver can be that strong."""
    if not times * channel < 1.0 - channel:
        return float("nan"), float("nan")
    shared = times * channel**2 / ((1.0 - times * channel) * (1.0 - channel))
    # r is below 1 wherever b is
    told = (math.sqrt(times) + math.sqrt(shared)) ** 2 / (1.0 - shared) * outcome / (1.0 - outcome)
    return min(1.0, told), times * channel / (1.0 - channel)


def times_needed(f: float, channel: float, outcome: float, part: float) -> float:
    """How many times as strong as a benchmark a driver must be to move a coefficient by `part` of
    itself; infinite where the benchmark explains nothing of the channel or of the outcome."""
    if not (f > 0 and channel > 0 and outcome > 0):
        return float("inf") if f > 0 else 0.0
    strongest = (1.0 - channel) / channel  # where b, and r too, come to 1

    def short(times: float) -> float:
        a, b = as_strong_as(times, channel, outcome)
        return math.sqrt(a * b / (1.0 - b)) / f - part

    top = strongest * (1.0 - NEAR)
    if short(top) < 0.0:
        return float("inf")
    return float(brentq(short, 0.0, top, xtol=1e-12))
