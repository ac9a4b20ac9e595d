"""Families of your own: taken when they are what they should be, refused with the reason."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytensor.tensor as pt
import pytest
from pydantic import ValidationError
from scipy import stats

from mmm.config import Channel
from mmm.errors import InputError
from mmm.transforms import adstock, saturation
from mmm.transforms.adstock import AdstockFamily, adstock_family
from mmm.transforms.custom import register_adstock, register_saturation
from mmm.transforms.saturation import SaturationFamily, saturation_family


@pytest.fixture(autouse=True)
def registries(monkeypatch):
    """Whatever a test registers is forgotten after it."""
    for module in (adstock, saturation):
        monkeypatch.setattr(module, "FAMILIES", dict(module.FAMILIES))


GAMMA = AdstockFamily(
    "gamma_lags",
    {"shape": (1.0, 4.0), "scale": (0.3, 2.0)},
    weights=lambda lag, shape, scale: (lag + 1.0) ** (shape - 1.0) * pt.exp(-lag / scale),
    times=("scale",),
)
STEEP = SaturationFamily(
    "weibull_rise",
    {"scale": (0.5, 4.0), "power": (0.4, 2.0)},
    lambda a, scale, power: 1.0 - pt.exp(-((a / scale) ** power)),
)


def test_a_registered_family_may_be_named_by_a_channel():
    unknown = {"name": "tv", "role": "tactical", "spend": "tv", "saturation": "registered_rise"}
    with pytest.raises(ValidationError, match="registered_rise"):
        Channel(**unknown)
    assert register_adstock(replace(GAMMA, name="registered_lags")) is adstock_family(
        "registered_lags"
    )
    family = register_saturation(replace(STEEP, name="registered_rise"))
    assert saturation_family("registered_rise") is family
    channel = Channel(**unknown, adstock="registered_lags")
    assert (channel.adstock, channel.saturation) == ("registered_lags", "registered_rise")


def test_weights_are_normalised_whichever_way_they_are_given(evaluate):
    lag = np.arange(13.0)
    expected = stats.gamma.pdf(lag + 1.0, 2.5, scale=1.4)
    logged = replace(
        GAMMA,
        weights=None,
        log_weights=lambda lag, shape, scale: (shape - 1.0) * pt.log(lag + 1.0) - lag / scale,
    )
    for family in (GAMMA, logged):
        weights = evaluate(family.lag_weights(lag, 2.5, 1.4))
        np.testing.assert_allclose(weights, expected / expected.sum(), rtol=1e-12)


def test_times_are_stated_in_weeks_and_shapes_are_not():
    weekly, monthly = (GAMMA.parameters(weeks) for weeks in (1.0, 4.0))
    assert [parameter.name for parameter in weekly] == ["shape", "scale"]
    assert weekly[0] == monthly[0]
    shift = weekly[1].prior.location - monthly[1].prior.location
    assert shift == pytest.approx(math.log(4.0))


def test_parameters_of_a_curve_take_a_cell_each():
    assert STEEP.slots == ("half", "slope")
    assert replace(STEEP, intervals={"slope": (0.5, 2.0), "reach": (0.5, 4.0)}).slots == (
        "slope",
        "half",
    )
    fraction = replace(STEEP, intervals={"power": (0.2, 0.8)}, fractions=("power",))
    assert [parameter.prior.kind for parameter in fraction.parameters] == ["logitnormal"]


def adstock_like(**changes):
    return replace(GAMMA, **({"name": "refused"} | changes))


def saturation_like(**changes):
    return replace(STEEP, **({"name": "refused"} | changes))


ONE = {"b": (1.0, 2.0)}
WRONG_ADSTOCK = {
    "comes with the library": adstock_like(name="geometric"),
    "is no name": adstock_like(name="My adstock"),
    "has 3 parameters": adstock_like(intervals=dict.fromkeys("abc", (1.0, 2.0)), times=()),
    r"interval \[2, 1\]": adstock_like(intervals={"shape": (2.0, 1.0), "scale": (1.0, 2.0)}),
    "did you mean 'scale'": adstock_like(times=("scala",)),
    "needs its lag weights once": adstock_like(weights=None),
    r"cannot be called as \(lag, b\)": adstock_like(intervals=ONE, times=()),
    "not finite at b = 1": adstock_like(
        intervals=ONE, times=(), weights=lambda lag, b: pt.log(lag - b)
    ),
    "must not be negative": adstock_like(
        intervals=ONE, times=(), weights=lambda lag, b: 3.0 - b * lag
    ),
    "nor all zero": adstock_like(intervals=ONE, times=(), weights=lambda lag, b: 0.0 * b * lag),
    r"turns 13 numbers into shape \(\)": adstock_like(
        intervals=ONE, times=(), weights=lambda lag, b: b
    ),
    "derivatives are not finite": adstock_like(
        intervals=ONE, times=(), weights=lambda lag, b: 1.0 + lag * pt.sqrt(b - b)
    ),
}
WRONG_SATURATION = {
    "comes with the library": saturation_like(name="hill"),
    "has 3 parameters": saturation_like(intervals=dict.fromkeys("abc", (1.0, 2.0))),
    "fraction 'b' reaches 1": saturation_like(intervals=ONE, fractions=("b",)),
    r"cannot be called as \(a, b\)": saturation_like(intervals=ONE),
    "not finite at exposure": saturation_like(
        intervals=ONE, curve=lambda a, b: b * a / (500.0 - a) * pt.sqrt(500.0 - a)
    ),
    "must earn nothing, and earns 0.5": saturation_like(
        intervals=ONE, curve=lambda a, b: pt.sigmoid(b * a)
    ),
    "falls or stays": saturation_like(intervals=ONE, curve=lambda a, b: a * pt.exp(-b * a)),
    "depends on the others": saturation_like(intervals=ONE, curve=lambda a, b: b * pt.cumsum(a)),
    r"turns 30 numbers into shape \(\)": saturation_like(
        intervals=ONE, curve=lambda a, b: (a * b).sum()
    ),
    "derivatives are not finite": saturation_like(
        intervals=ONE, curve=lambda a, b: b * pt.switch(a > 2.0, pt.sqrt(a - 2.0), 0.0)
    ),
}


@pytest.mark.parametrize("message", WRONG_ADSTOCK)
def test_an_adstock_that_cannot_be_used_is_refused(message):
    with pytest.raises(InputError, match=message) as refusal:
        register_adstock(WRONG_ADSTOCK[message])
    (finding,) = refusal.value.findings
    assert finding.where == f"adstock '{WRONG_ADSTOCK[message].name}'"
    assert finding.remedy
    assert "refused" not in adstock.FAMILIES


@pytest.mark.parametrize("message", WRONG_SATURATION)
def test_a_saturation_that_cannot_be_used_is_refused(message):
    with pytest.raises(InputError, match=message) as refusal:
        register_saturation(WRONG_SATURATION[message])
    (finding,) = refusal.value.findings
    assert finding.where == f"saturation '{WRONG_SATURATION[message].name}'"
    assert finding.remedy
    assert "refused" not in saturation.FAMILIES


def test_a_name_is_taken_once_unless_it_is_to_be_replaced():
    register_saturation(STEEP)
    with pytest.raises(InputError, match="registered already"):
        register_saturation(STEEP)
    gentler = replace(STEEP, intervals={"scale": (1.0, 8.0), "power": (0.4, 1.0)})
    register_saturation(gentler, replace=True)
    assert saturation_family(STEEP.name) is gentler
    with pytest.raises(InputError, match="comes with the library"):
        register_saturation(replace(STEEP, name="hill"), replace=True)


@pytest.mark.parametrize("name", saturation.FAMILIES)
def test_the_librarys_own_curves_would_be_taken(name):
    family = replace(saturation.FAMILIES[name], name=f"own_{name}")
    assert register_saturation(family, replace=True) is saturation_family(f"own_{name}")


@pytest.mark.parametrize("name", adstock.FAMILIES)
def test_the_librarys_own_lags_would_be_taken(name):
    family = replace(adstock.FAMILIES[name], name=f"own_{name}")
    assert register_adstock(family, replace=True) is adstock_family(f"own_{name}")
