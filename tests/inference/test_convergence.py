"""R-hat, effective sample sizes and how energies mix beside ArviZ's."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from arviz_stats import bfmi, ess
from arviz_stats.base import array_stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from mmm.inference.convergence import TAILS, convergence
from mmm.inference.diagnose import energy_mixing


def chains(seed: int, count: int, length: int, keep: float) -> np.ndarray:
    """Three scalars that follow an autoregression, (3, chain, draw)."""
    steps = np.random.default_rng(seed).normal(size=(3, count, length))
    return signal.lfilter([1.0], [1.0, -keep], steps, axis=2)


def assert_as_arviz(draws: np.ndarray) -> None:
    found = convergence(draws)
    with np.errstate(all="ignore"):
        expected = (
            array_stats.rhat(draws, chain_axis=1, draw_axis=2),
            array_stats.ess(draws, chain_axis=1, draw_axis=2, method="bulk"),
            array_stats.ess(draws, chain_axis=1, draw_axis=2, method="tail", prob=TAILS),
        )
    for ours, theirs in zip((found.rhat, found.ess_bulk, found.ess_tail), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 5),
    length=st.integers(4, 301),
    keep=st.floats(-0.9, 0.99),
    digits=st.sampled_from([1, 3, 15]),
)
def test_any_chains_are_judged_as_arviz_judges_them(seed, count, length, keep, digits):
    assert_as_arviz(np.round(chains(seed, count, length, keep), digits))


def test_a_usual_run_is_judged_as_arviz_judges_it():
    draws = chains(1, 4, 1000, 0.5)
    draws[1] += np.array([0.0, 0.0, 0.0, 3.0])[:, None]
    assert_as_arviz(draws)
    assert convergence(draws).rhat[1] > 1.05


def test_the_tails_are_those_that_arviz_takes():
    draws = chains(4, 4, 500, 0.5)
    theirs = ess(xr.Dataset({"x": (("chain", "draw"), draws[0])}), method="tail")
    assert convergence(draws).ess_tail[0] == pytest.approx(float(theirs["x"]), rel=1e-9)


def test_what_never_moves_or_is_not_a_number_is_not_a_number():
    draws = chains(2, 4, 100, 0.0)
    draws[0] = 1.0
    draws[1, 2, 5] = np.nan
    assert_as_arviz(draws)
    found = convergence(draws)
    assert np.isnan(found.rhat[:2]).all()
    assert found.ess_bulk[0] == 400
    assert np.isfinite([found.rhat[2], found.ess_bulk[2], found.ess_tail[2]]).all()


def test_too_few_draws_say_nothing():
    found = convergence(chains(3, 4, 3, 0.0))
    assert np.isnan([found.rhat, found.ess_bulk, found.ess_tail]).all()


def test_energies_mix_as_they_do_in_arviz():
    energy = np.random.default_rng(4).normal(size=(3, 50)).cumsum(axis=1)
    expected = bfmi(xr.DataArray(energy, dims=("chain", "draw")))
    assert energy_mixing(energy) == pytest.approx(float(np.min(expected)), rel=1e-12)
