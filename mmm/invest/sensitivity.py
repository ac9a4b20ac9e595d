"""How far priors do: the case under weaker and stronger priors, without a new fit.

See `mmm.results.powerscale` for the method and its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mmm.cash.value import Floats
from mmm.invest.verdict import Rule, Verdict, decide, grounds
from mmm.results.powerscale import power_weights, reliable_k, shift_by_alpha

ALPHAS = (0.5, 2.0)
FEWEST_DRAWS = 100.0
"""Effective draws below which a re-weighted probability says too little."""

SENSITIVE = 0.05
"""Power-scaling sensitivity from which priors are said to matter (Kallioinen et al., 2024)."""


@dataclass(frozen=True, slots=True)
class PriorSensitivity:
    """The case with the priors of one group of parameters raised to the power `alpha`.

    Below 1 they say less, above 1 more. `pareto_k` and `effective_draws` are of the weights;
    where not `reliable`, a new fit is needed to know. `sensitivity` is of the NPV to the group,
    by the distance between its distributions: from 0.05 the prior matters.
    """

    priors: str
    alpha: float
    npv_mean: float
    probability_of_loss: float
    probability: float
    verdict: Verdict
    pareto_k: float
    effective_draws: float
    reliable: bool
    sensitivity: float


def prior_sensitivity(
    priors: Mapping[str, Floats],
    npv: Floats,
    present_cost: float,
    rule: Rule,
    *,
    marginal: Floats | None = None,
    fit_verdict: str,
    prior_led: bool = False,
) -> tuple[PriorSensitivity, ...]:
    """The case of `npv` (D,) under each group of `priors` (`log_priors`) and each of `ALPHAS`."""
    rows = []
    for group, log_prior in priors.items():
        weighted = [power_weights(log_prior, alpha) for alpha in ALPHAS]
        (low, _), (high, _) = weighted
        sensitivity = shift_by_alpha(npv, low, high, ALPHAS)
        for alpha, (weights, k) in zip(ALPHAS, weighted, strict=True):
            found = grounds(
                npv, present_cost, rule, marginal=marginal, weights=weights, prior_led=prior_led
            )
            draws = float(1.0 / (weights @ weights))
            rows.append(
                PriorSensitivity(
                    priors=group,
                    alpha=alpha,
                    npv_mean=float(weights @ npv),
                    probability_of_loss=float(weights @ (npv < 0)),
                    probability=found.probability,
                    verdict=decide(found, rule, fit_verdict=fit_verdict).verdict,
                    pareto_k=k,
                    effective_draws=draws,
                    reliable=bool(k <= reliable_k(len(npv)) and draws >= FEWEST_DRAWS),
                    sensitivity=sensitivity,
                )
            )
    return tuple(rows)
