"""Objectives: one number from the draws of a plan's worth, with its derivative by every draw."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, ndtr

from mmm.config.plan import ObjectiveName

SMOOTHING = (0.05, 0.005)
"""Widths over which the tail of `cvar` is smoothed for the solver, one after the other, in
standard deviations."""

SURE = 0.999
"""A chance that is as good as one; less than its complement is as good as none."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What is maximised over draws of worth w (D,).

    expected_profit, expected_outcome: the mean, over draws that count for `weights` (D,), alike
    where left out. cvar: the mean of the worst 1 - `level` of draws
    (Rockafellar and Uryasev, 2000, "Optimization of conditional value-at-risk", Journal of Risk
    2). mean_variance: mean less `risk_aversion` standard deviations, which traces the frontier of
    mean and variance (Markowitz, 1952, "Portfolio selection", Journal of Finance 7) with a weight
    that has no unit. probability_of_target: the chance that `start` + w + noise reaches `target`,
    with start (D,) what comes without the plan and Gaussian noise of deviation `noise` (D,).
    """

    kind: ObjectiveName
    level: float = 0.9
    risk_aversion: float = 1.0
    target: float = 0.0
    start: np.ndarray | None = None
    noise: np.ndarray | None = None
    width: float | None = None
    weights: np.ndarray | None = None

    def smoothed_for(self, worth: np.ndarray, part: float = SMOOTHING[0]) -> Objective:
        """The same, its kinks smoothed over `part` of the deviation of draws `worth` (D,)."""
        if self.kind != "cvar":
            return self
        return replace(self, width=smoothing_width(worth, part))

    @property
    def smoothings(self) -> tuple[float, ...]:
        """What to pass to `smoothed_for`, one after the other."""
        return SMOOTHING if self.kind == "cvar" else SMOOTHING[:1]

    @property
    def careful(self) -> bool:
        """Whether draws count for more than their mean: spreading money over periods pays."""
        return self.kind not in ("expected_profit", "expected_outcome")

    def sure(self, score: float) -> bool:
        """Whether the chance of a target is as good as one, so that plans can no longer differ."""
        return self.kind == "probability_of_target" and score >= SURE

    @property
    def money(self) -> bool:
        """Whether it is read from profit rather than from units of outcome."""
        return self.kind not in ("expected_outcome", "probability_of_target")

    def take(self, kept: np.ndarray) -> Objective:
        """The objective on some of the draws."""
        if self.start is None or self.noise is None:
            return self
        return replace(self, start=self.start[kept], noise=self.noise[kept])

    def score(self, worth: np.ndarray) -> float:
        """The objective of draws (D,), exactly."""
        if self.kind == "cvar":
            return tail_mean(worth, self.level)[0]
        return self.smooth(worth)[0]

    def smooth(self, worth: np.ndarray) -> tuple[float, np.ndarray]:
        """The objective and its derivative by every draw (D,), smooth where `score` has kinks."""
        if self.kind == "cvar":
            return smooth_tail_mean(worth, self.level, self.width or smoothing_width(worth))
        if self.kind == "mean_variance":
            return mean_less_deviations(worth, self.risk_aversion)
        if self.kind == "probability_of_target":
            assert self.start is not None
            assert self.noise is not None
            return reaching(self.start + worth, self.target, self.noise)
        if self.weights is not None:
            return float(self.weights @ worth), self.weights
        return float(worth.mean()), np.full(len(worth), 1.0 / len(worth))


def tail_mean(worth: np.ndarray, level: float) -> tuple[float, np.ndarray]:
    """Mean of the worst 1 - level of draws (D,), the last one in part, and each one's weight."""
    count = (1.0 - level) * len(worth)
    order = np.argsort(worth, kind="stable")
    weights = np.zeros(len(worth))
    weights[order] = np.clip(count - np.arange(len(worth)), 0.0, 1.0) / count
    return float(weights @ worth), weights


def smoothing_width(worth: np.ndarray, part: float = SMOOTHING[0]) -> float:
    """A width that rounds a kink in the tail of draws (D,) off and changes little else."""
    return part * max(float(worth.std()), 1e-9 * (1.0 + float(np.abs(worth).max())))


def smooth_tail_mean(worth: np.ndarray, level: float, width: float) -> tuple[float, np.ndarray]:
    """max over q of q - mean(softplus(q - w)) / (1 - level), softplus over `width`: `tail_mean`
    where that is small."""
    part = 1.0 - level

    def excess(q: float) -> float:
        return float(expit((q - worth) / width).mean()) - part

    reach = 60.0 * width
    q = brentq(excess, float(worth.min()) - reach, float(worth.max()) + reach, xtol=1e-9 * width)
    weights = expit((q - worth) / width) / (part * len(worth))
    shortfall = width * np.logaddexp(0.0, (q - worth) / width)
    return float(q - shortfall.mean() / part), weights / weights.sum()


def mean_less_deviations(worth: np.ndarray, aversion: float) -> tuple[float, np.ndarray]:
    """Mean less `aversion` standard deviations."""
    mean, deviation = float(worth.mean()), float(worth.std())
    weights = np.full(len(worth), 1.0 / len(worth))
    if deviation > 0:
        weights = weights * (1.0 - aversion * (worth - mean) / deviation)
    return mean - aversion * deviation, weights


def reaching(expected: np.ndarray, target: float, noise: np.ndarray) -> tuple[float, np.ndarray]:
    """Chance that `expected` (D,) plus Gaussian noise of deviation `noise` (D,) reaches target."""
    z = (expected - target) / noise
    density = np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * noise)
    return float(ndtr(z).mean()), density / len(expected)
