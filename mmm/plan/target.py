"""Objectives of a study, and what comes without any plan: the outcome a target is measured by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mmm.config import PlanSettings
from mmm.errors import input_error
from mmm.plan.added import additive
from mmm.plan.levers import Levers
from mmm.plan.multiplied import Multiplied, multiplied, silent_ahead
from mmm.plan.objective import Objective
from mmm.plan.worth import (
    Measure,
    Valuation,
    hold_against_engine,
    outcome_measure,
    profit_measure,
    refuse_what_has_no_gradient,
)
from mmm.results.noise import noise_of_total
from mmm.results.respond import Response


def valuation_of(response: Response, levers: Levers, measure: Measure) -> Valuation:
    """The valuation of `measure`, in the form the likelihood asks for, held against the response
    engine.

    Raises `InputError` for a channel whose transform has no compiled form, `ModelError` where
    the engine gives today's plan another value.
    """
    refuse_what_has_no_gradient(response, levers)
    make = multiplied if response.multiplicative else additive
    made = make(response, levers, measure)
    hold_against_engine(made, response)
    return made


def measure_of(response: Response, levers: Levers, settings: PlanSettings) -> Measure:
    """What the objective of `settings` counts."""
    if settings.objective == "probability_of_target":
        return outcome_measure(response.fit, levers, within=True)
    if settings.objective == "expected_outcome":
        return outcome_measure(response.fit, levers)
    return profit_measure(response, levers)


def objective_of(response: Response, levers: Levers, settings: PlanSettings) -> Objective:
    """The objective of `settings`, expected profit where none is named."""
    kind = settings.objective or "expected_profit"
    if kind != "probability_of_target":
        return Objective(kind, settings.level, settings.risk_aversion)
    if settings.target is None:
        raise input_error(
            "plan_target",
            "plan.target",
            "'probability_of_target' has no target.",
            "Give 'target', units of outcome over the horizon, baseline included.",
        )
    return target_objective(response, levers, settings.target)


def target_objective(response: Response, levers: Levers, target: float) -> Objective:
    """The chance that outcome over the horizon, all geos together, reaches `target`: baseline,
    what earlier spending carries in, the plan, and noise."""
    horizon = levers.prices.base.periods
    silent = silent_ahead(response, levers.prices.base, horizon)
    return Objective(
        "probability_of_target",
        target=target,
        start=silent.sum(axis=(1, 2)),
        noise=noise_of_total(response, silent),
    )


def with_noise_of(objective: Objective, valuation: Valuation, money: np.ndarray) -> Objective:
    """The objective with the noise that a plan (H, G, C) has, where noise grows with outcome."""
    if objective.kind != "probability_of_target" or not isinstance(valuation, Multiplied):
        return objective
    whole = valuation.outcome(money)
    noise = noise_of_total(valuation.response, whole[:, :, : valuation.levers.prices.base.periods])
    return replace(objective, noise=noise)
