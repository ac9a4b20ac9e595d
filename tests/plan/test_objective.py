"""Objectives against their definitions, and their derivatives by every draw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmm.plan.objective import Objective, smooth_tail_mean, smoothing_width, tail_mean

worths = arrays(float, 30, elements=st.floats(-1e4, 1e4, allow_subnormal=False), unique=True)


def of(kind, **options):
    rng = np.random.default_rng(0)
    return Objective(kind, start=rng.normal(0, 100, 30), noise=rng.uniform(50, 80, 30), **options)


@pytest.mark.parametrize(
    "objective",
    [of("expected_profit"), of("cvar", level=0.7), of("mean_variance", risk_aversion=0.7),
     of("probability_of_target", target=30.0)],
    ids=lambda objective: objective.kind,
)  # fmt: skip
def test_weights_are_the_derivative(objective):
    worth = np.random.default_rng(1).normal(50.0, 100.0, 30)
    objective = objective.smoothed_for(worth)
    _, weights = objective.smooth(worth)
    for i in range(0, 30, 3):
        step = np.zeros(30)
        step[i] = 1e-3
        slope = (objective.smooth(worth + step)[0] - objective.smooth(worth - step)[0]) / 2e-3
        assert weights[i] == pytest.approx(slope, rel=1e-4, abs=1e-8)


@given(worths)
@settings(max_examples=60, deadline=None)
def test_tail_mean_is_the_best_threshold(worth):
    """Rockafellar and Uryasev: the largest value of q - mean(max(q - w, 0)) / (1 - level)."""
    for level in (0.5, 0.87, 0.95):
        best = max(q - np.maximum(q - worth, 0).mean() / (1 - level) for q in worth)
        assert tail_mean(worth, level)[0] == pytest.approx(best, rel=1e-9, abs=1e-6)


@given(worths)
@settings(max_examples=60, deadline=None)
def test_the_smooth_tail_is_close_to_the_tail_and_never_above_it(worth):
    exact = tail_mean(worth, 0.8)[0]
    smooth = smooth_tail_mean(worth, 0.8, smoothing_width(worth))[0]
    slack = 1e-6 * (1 + np.abs(worth).max())
    assert smooth <= exact + slack
    assert smooth >= exact - 0.05 * worth.std() * np.log(2) / 0.2 - slack


def test_chance_of_a_target_is_that_of_simulated_outcomes():
    objective = of("probability_of_target", target=120.0)
    worth = np.random.default_rng(2).normal(50.0, 100.0, 30)
    noise = np.random.default_rng(3).standard_normal((200_000, 30)) * objective.noise
    simulated = (objective.start + worth + noise >= 120.0).mean()
    assert objective.score(worth) == pytest.approx(simulated, abs=0.002)
