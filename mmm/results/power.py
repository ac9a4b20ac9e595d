"""Power-scaling of one answer: how fast it moves when its prior or the likelihood counts more.

A density to the power alpha, draws weighted anew instead of fitted again, and the cumulative
Jensen-Shannon distance between the weighted distributions by log2 alpha about 1: Kallioinen,
Paananen, Bürkner and Vehtari (2024), "Detecting and diagnosing prior and likelihood sensitivity
with power-scaling", Statistics and Computing 34; indices from 0.05 on matter. Coefficients that
are integrated out stay so: the likelihood is that of the outcome given the sampled parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mmm.inference.fit import Fit, sampled_draws
from mmm.results.powerscale import label_priors, power_weights, reliable_k, shift_by_alpha

ALPHAS = (0.8, 1.25)
"""Powers, as in the paper and in ArviZ."""

Scaled = list[tuple[np.ndarray, float]]
"""Weights (D,) and their Pareto k at each of `ALPHAS`."""


@dataclass(frozen=True, slots=True)
class Power:
    """Log densities of the draws of a fit, up to constants: `priors` (D,) of each sampled variable
    and label, of paths' regressions as well, and `likelihood` (D,) of all regressions, whose
    weights at both powers are `scaled`."""

    priors: dict[tuple[str, str], np.ndarray]
    likelihood: np.ndarray
    scaled: Scaled

    def of_prior(self, draws: np.ndarray, decides: Callable[[str, str], bool]) -> float:
        """Sensitivity of `draws` (D,) to the priors that `decides(variable, label)` names; NaN
        where there are none, or where the weighted draws cannot tell."""
        chosen = [one for key, one in self.priors.items() if decides(*key)]
        return _index(draws, scaled_weights(np.sum(chosen, axis=0))) if chosen else float("nan")

    def of_likelihood(self, draws: np.ndarray) -> float:
        """Sensitivity of `draws` (D,) to the likelihood; NaN where the weighted draws cannot
        tell."""
        return _index(draws, self.scaled)


def power_of(fit: Fit, numbers: np.ndarray) -> Power:
    """Log densities of the draws `numbers` (D,) of `fit`, counted chain after chain."""
    priors: dict[tuple[str, str], np.ndarray] = {}
    likelihood = np.zeros(len(numbers))
    for one in (fit, *fit.paths.values()):
        total = np.zeros(len(numbers))
        for variable in one.density().spec.variables:
            found = label_priors(one, variable, numbers)
            for label, density in zip(variable.labels, found.T, strict=True):
                key = (variable.name, label)
                priors[key] = priors.get(key, 0.0) + density
            total += found.sum(axis=1)
            # the sampler moves the logarithm of a half-normal scale
            scales = [prior.kind == "halfnormal" for prior in variable.priors]
            total += np.log(sampled_draws(one, variable.name)[numbers][:, scales]).sum(axis=1)
        logp = one.statistics["logp"].transpose("chain", "draw").values.ravel()[numbers]
        likelihood += logp - total
    return Power(priors, likelihood, scaled_weights(likelihood))


def scaled_weights(log_weight: np.ndarray) -> Scaled:
    """Weights of draws whose log density (D,) is raised to each of `ALPHAS`."""
    return [power_weights(log_weight, alpha) for alpha in ALPHAS]


def _index(draws: np.ndarray, scaled: Scaled) -> float:
    if not np.ptp(draws) > 0.0:
        return float("nan")
    if max(k for _, k in scaled) > reliable_k(len(draws)):
        return float("nan")
    return shift_by_alpha(draws, scaled[0][0], scaled[1][0], ALPHAS)
