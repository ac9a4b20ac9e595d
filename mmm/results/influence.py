"""How much experiments moved an answer, from the draws that there are.

A test adds one Gaussian reading of its lift. With theta a scalar where its prior is normal, ell
the lifts that the draws predict and R the variances of the readings, to take tests away again is

    var(theta without) = var(theta) + cov(theta, ell) (R - var(ell))^-1 cov(ell, theta),

the Kalman update run backwards (Kalman, 1960): exact for linear Gaussian posteriors, and stable
where weighting the draws is not, as they are narrower than what they would have to stand for. The
variance is at most that of the prior.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from mmm.inference.fit import Fit
from mmm.model.density import unconstrained_values
from mmm.model.spec import ModelSpec
from mmm.model.views import VALUE_ONLY
from mmm.transforms.parameter import PriorSpec

MOST_DRAWS = 1000
"""Draws that lifts are predicted for."""


def normal_scale(prior: PriorSpec, draws: np.ndarray) -> np.ndarray:
    """Draws of a scalar where its prior is normal: their logarithm or logit, of a half-normal
    themselves."""
    if prior.kind == "halfnormal":
        return draws
    return logit(draws) if prior.kind == "logitnormal" else np.log(draws)


def prior_variance(prior: PriorSpec) -> float:
    """Variance of a prior on that scale."""
    if prior.kind == "halfnormal":
        return prior.scale**2 * (1.0 - 2.0 / np.pi)
    return prior.scale**2


@dataclass(frozen=True, slots=True)
class Influence:
    """Lifts that the draws predict for the tests of a fit, (D, N), and mean variances of what
    was measured about them (N,); values (D, size) are the draws themselves."""

    spec: ModelSpec
    tests: tuple[str, ...]
    channels: tuple[tuple[str, ...], ...]
    values: np.ndarray
    lifts: np.ndarray
    variances: np.ndarray

    def bearing_on(self, channel: str) -> tuple[str, ...]:
        """Names of the tests of a channel."""
        pairs = zip(self.tests, self.channels, strict=True)
        return tuple(test for test, channels in pairs if channel in channels)

    def weight(self, variable: str, label: str, tests: Sequence[str]) -> float:
        """The part of the variance of a scalar that `tests` took away, 0 to 1."""
        places = [self.tests.index(name) for name in tests]
        if not places:
            return 0.0
        known = self.spec.variable(variable)
        prior = known.priors[known.labels.index(label)]
        theta = normal_scale(prior, self.values[:, self._column(variable, label)])
        joint = np.cov(np.column_stack([theta, self.lifts[:, places]]), rowvar=False)
        left = np.diag(self.variances[places]) - joint[1:, 1:]
        most = max(prior_variance(prior), joint[0, 0])
        if np.linalg.eigvalsh(left).min() <= 0:
            return float(1.0 - joint[0, 0] / most)
        more = joint[0, 1:] @ np.linalg.solve(left, joint[1:, 0])
        return float(1.0 - joint[0, 0] / min(most, joint[0, 0] + more))

    def _column(self, variable: str, label: str) -> int:
        start = 0
        for other in self.spec.variables:
            if other.name == variable:
                return start + other.labels.index(label)
            start += len(other.labels)
        raise KeyError(variable)


def influence_of(fit: Fit, spec: ModelSpec) -> Influence:
    """What the tests in the likelihood of `fit` say of its draws, at most `MOST_DRAWS` of them."""
    used = [test for test in fit.panel.experiments if not test.hold_back]
    values = fit.values()
    if not used:
        return Influence(spec, (), (), values, np.empty((len(values), 0)), np.empty(0))
    kept = np.linspace(0, len(values) - 1, min(MOST_DRAWS, len(values))).round().astype(int)
    density = fit.density()
    pool, values = density.workspace(), values[kept]
    pool.header[VALUE_ONLY] = 1
    lifts, spread = np.empty((len(kept), len(used))), np.empty((len(kept), len(used)))
    for place, point in enumerate(unconstrained_values(density, values)):
        density.value_and_gradient(point, pool)
        lifts[place], spread[place] = pool.work.trial_seen, pool.work.trial_spread
    return Influence(
        spec,
        tuple(test.name for test in used),
        tuple(test.channels for test in used),
        values,
        lifts,
        spread.mean(axis=0),
    )
