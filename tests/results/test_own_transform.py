"""A transform of the user's own gives what the same curve compiled gives."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytensor.tensor as pt
import pytest

from mmm.model import curves
from mmm.results import blocks
from mmm.results.contributions import decompose
from mmm.results.respond import channel_effect
from mmm.transforms import adstock, saturation
from mmm.transforms.adstock import AdstockFamily
from mmm.transforms.custom import register_adstock, register_saturation
from mmm.transforms.saturation import SaturationFamily

BOTH = {"role": "both", "saturation": "michaelis_menten", "time_varying": True}


@pytest.fixture
def own_families(monkeypatch):
    """The Michaelis-Menten curve and the Weibull survival lags, written anew."""
    for module in (adstock, saturation):
        monkeypatch.setattr(module, "FAMILIES", dict(module.FAMILIES))
    register_saturation(
        SaturationFamily("own_curve", {"half": (0.3, 6.0)}, lambda a, half: a / (a + half))
    )
    register_adstock(
        AdstockFamily(
            "own_lags",
            {"shape": (0.6, 3.0), "scale": (0.3, 6.0)},
            # the power of zero has no slope in the shape
            log_weights=lambda lag, shape, scale: -((pt.maximum(lag, 1e-12) / scale) ** shape),
            times=("scale",),
        )
    )


@pytest.mark.parametrize("known", ["geometric", "weibull_cdf"])
def test_own_curves_are_followed_like_compiled_ones(make, own_families, known):
    read = make.response({"name": "tv", "adstock": known, **BOTH}, geos=2, periods=60)
    spec = read.density.spec
    own = replace(
        spec,
        saturation=(curves.CUSTOM,),
        saturation_names=("own_curve",),
        adstock=(curves.CUSTOM,) if known == "weibull_cdf" else spec.adstock,
        adstock_names=("own_lags",) if known == "weibull_cdf" else spec.adstock_names,
    )
    other = replace(read, density=replace(read.density, spec=own))
    seen = read.fit.panel.dataset["media"].values[:, :, 0]
    media = np.concatenate([seen, np.zeros((30, 2))])
    worth = np.random.default_rng(0).uniform(0.5, 2.0, media.shape)
    first, second = (
        channel_effect(one, 0, media, carry_in=0.7, direction=media, worth=worth)
        for one in (read, other)
    )
    for name in ("tactical", "brand", "slope"):
        np.testing.assert_allclose(getattr(second, name), getattr(first, name), rtol=1e-8)


def test_a_study_with_own_curves_has_the_results_of_the_same_curves_compiled(make, own_families):
    plain = {"name": "radio", "role": "tactical"}
    tables = []
    for curve in ("michaelis_menten", "own_curve"):
        moving = {**BOTH, "name": "tv", "adstock": "geometric", "saturation": curve}
        tables.append(decompose(make.response(moving, plain, geos=2, periods=40)).table)
    numbers = ["mean", "p05", "p50", "p95"]
    np.testing.assert_allclose(tables[1][numbers], tables[0][numbers], rtol=1e-6, atol=1e-6)


def test_blocks_of_own_curves_are_computed_one_after_the_other(make, own_families, monkeypatch):
    """Two threads in one PyTensor function would mix their numbers."""
    own = {**BOTH, "name": "tv", "saturation": "own_curve"}
    read = make.response(own, geos=3, periods=40)
    monkeypatch.setattr(blocks, "BLOCK_CELLS", 1)
    threads = blocks.by_geo(read, 40, lambda block: threading.current_thread())
    assert threads == [threading.main_thread()] * 3
