"""Bounds on omitted-variable bias, against regressions with and without the driver."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm.results.omitted import as_strong_as, relative_bias, robustness_value, times_needed

SHARES = st.floats(0.001, 0.95)
ROWS = 60


def residual(target: np.ndarray, *others: np.ndarray) -> np.ndarray:
    columns = np.column_stack([np.ones(len(target)), *others])
    return target - columns @ np.linalg.lstsq(columns, target, rcond=None)[0]


def partial_r2(target: np.ndarray, driver: np.ndarray, *given: np.ndarray) -> float:
    before, after = residual(target, *given), residual(target, driver, *given)
    return 1.0 - float(after @ after) / float(before @ before)


def slope(outcome: np.ndarray, channel: np.ndarray, *given: np.ndarray) -> float:
    left = residual(channel, *given)
    return float(left @ outcome) / float(left @ left)


def cohen(outcome: np.ndarray, channel: np.ndarray, *given: np.ndarray) -> float:
    told = partial_r2(outcome, channel, *given)
    return float(np.sqrt(told / (1.0 - told)))


def world(seed: int) -> dict[str, np.ndarray]:
    """A season, a driver apart from it, a channel that follows both, and what they do."""
    rng = np.random.default_rng(seed)
    season = rng.standard_normal(ROWS)
    driver = residual(rng.standard_normal(ROWS), season)
    other = rng.standard_normal(ROWS)
    channel = 0.8 * season + 0.5 * driver + 0.3 * other + rng.standard_normal(ROWS)
    outcome = 0.6 * channel + 0.7 * season + 0.9 * driver - 0.4 * other
    return {
        "season": season, "driver": driver, "other": other, "channel": channel,
        "outcome": outcome + rng.standard_normal(ROWS),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_bias_is_what_leaving_the_driver_out_does_to_least_squares(seed: int) -> None:
    w = world(seed)
    known = (w["season"], w["other"])
    short = slope(w["outcome"], w["channel"], *known)
    true = slope(w["outcome"], w["channel"], *known, w["driver"])
    outcome = partial_r2(w["outcome"], w["driver"], w["channel"], *known)
    channel = partial_r2(w["channel"], w["driver"], *known)
    bias = relative_bias(outcome, channel, cohen(w["outcome"], w["channel"], *known))
    assert float(bias) == pytest.approx(abs((short - true) / short))


@given(f=st.floats(1e-4, 1e4), part=st.floats(0.01, 1.0))
def test_a_driver_of_the_robustness_value_moves_the_coefficient_by_that_part(f, part) -> None:
    value = float(robustness_value(f, part))
    assert 0.0 < value < 1.0
    assert float(relative_bias(value, value, f)) == pytest.approx(part, rel=1e-6)


def test_robustness_has_its_ends() -> None:
    assert robustness_value([0.0, np.inf]).tolist() == [0.0, 1.0]
    values = robustness_value(0.4, np.linspace(0.0, 1.0, 20))
    assert (np.diff(values) > 0).all()


def test_published_figures_come_out() -> None:
    """Darfur, table 1 of the paper: coefficient 0.097 with error 0.023 and 783 degrees of freedom.
    A driver once as strong as gender (0.92 % and 12.46 %) leaves 0.0752."""
    error, freedom = 0.02325658, 783
    f = 0.09731582 / error / np.sqrt(freedom)
    assert float(robustness_value(f)) == pytest.approx(0.139, abs=5e-4)
    assert f**2 / (1 + f**2) == pytest.approx(0.022, abs=5e-4)
    left = 0.09731582 * (1.0 - float(relative_bias(0.1246409, 0.00916429, f)))
    assert left == pytest.approx(0.07522, abs=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_a_benchmark_bounds_drivers_that_are_no_stronger(seed: int) -> None:
    w = world(seed)
    rest, y, d = w["other"], w["outcome"], w["channel"]
    own = partial_r2(d, w["season"], rest)
    told = partial_r2(y, w["season"], rest, d)
    driver = residual(w["driver"], w["season"], rest)
    times_channel = partial_r2(d, driver, rest) / own
    times_outcome = partial_r2(y, driver, rest, d) / told
    _, channel = as_strong_as(times_channel, own, told)
    assert channel == pytest.approx(partial_r2(d, driver, w["season"], rest))
    outcome, _ = as_strong_as(max(times_channel, times_outcome), own, told)
    # where none can be as strong as that there is no bound to hold
    assert np.isnan(outcome) or partial_r2(y, driver, w["season"], rest, d) <= outcome + 1e-9


@given(f=st.floats(0.01, 10.0), channel=SHARES, outcome=SHARES, part=st.floats(0.05, 1.0))
def test_times_needed_are_those_that_move_by_the_part(f, channel, outcome, part) -> None:
    times = times_needed(f, channel, outcome, part)
    assert np.isfinite(times)
    assert float(relative_bias(*as_strong_as(times, channel, outcome), f)) == pytest.approx(
        part, rel=1e-4
    )
    weaker = relative_bias(*as_strong_as(0.9 * times, channel, outcome), f)
    assert float(weaker) < part


def test_a_benchmark_that_explains_nothing_cannot_be_compared_with() -> None:
    assert times_needed(0.5, 0.0, 0.3, 0.5) == np.inf
    assert times_needed(0.5, 0.3, 0.0, 0.5) == np.inf
    assert times_needed(0.0, 0.3, 0.3, 0.5) == 0.0
    assert np.isnan(as_strong_as(2.0, 0.4, 0.1)).all()
