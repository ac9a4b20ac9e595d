"""Summaries of draws, and the noise that draws of coefficients are made from."""

from __future__ import annotations

import numpy as np
import pytest

from mmm.results import respond
from mmm.results.respond import standard_noise
from mmm.results.summary import summaries, summary_columns


def test_several_summaries_are_each_as_by_itself():
    rng = np.random.default_rng(0)
    draws = {name: rng.lognormal(size=997) for name in ("tactical", "brand", "mediated")}
    draws["brand"][:] = 0.0
    each = {key: x for name, one in draws.items() for key, x in summary_columns(name, one).items()}
    assert summaries(draws) == each


@pytest.mark.parametrize("most", [500_000, 0])
def test_noise_of_a_draw_hangs_on_the_seed_and_its_number_alone(monkeypatch, most):
    monkeypatch.setattr(respond, "KEPT_NOISE", most)
    numbers = [0, 3, 17, 900]
    found = standard_noise(5, numbers, 11)
    for row, number in zip(found, numbers, strict=True):
        own = np.random.default_rng([5, 1, number]).standard_normal(11)
        np.testing.assert_array_equal(row, own)
    again = standard_noise(5, numbers, 11)
    assert (again is found) == bool(most)
    np.testing.assert_array_equal(again, found)
    assert not found.flags.writeable
    assert not (standard_noise(6, numbers, 11) == found).any()
