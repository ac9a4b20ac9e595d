"""Saturation families: how the response flattens as adstocked exposure grows.

Exposure is in multiples of the channel's mean while active, so a half-saturation point of 1
means that today's usual level earns half of what the channel can. The compiled twins are in
`mmm.model.curves`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytensor.tensor as pt

from mmm.errors import did_you_mean, input_error
from mmm.transforms.parameter import Parameter, logitnormal, lognormal

TINY = 1e-12
"""Exposure at or below this earns nothing; keeps powers and logarithms finite."""


@dataclass(frozen=True, slots=True)
class SaturationFamily:
    """One way to flatten. `curve(a, half, slope)` works on tensors; all but `root` and `none`
    are bounded by one and equal one half at `half`."""

    name: str
    formula: str
    source: str
    parameters: tuple[Parameter, ...]
    bounded: bool
    curve: Callable[..., object]


HALF = Parameter("half_saturation", lognormal(0.3, 6.0))


def _hill(a, half, slope):
    return pt.sigmoid(slope * (pt.log(a) - pt.log(half)))


def _michaelis_menten(a, half, _):
    return a / (a + half)


def _tanh(a, half, _):
    return pt.tanh(math.atanh(0.5) * a / half)


def _root(a, _, slope):
    return a**slope


def _none(a, *_):
    return a


HILL = SaturationFamily(
    "hill",
    "a^n / (half^n + a^n)",
    "Hill (1910); Jin et al. (2017), equation 5",
    (HALF, Parameter("slope", lognormal(0.5, 2.0))),
    bounded=True,
    curve=_hill,
)
MICHAELIS_MENTEN = SaturationFamily(
    "michaelis_menten",
    "a / (half + a)",
    "Michaelis and Menten (1913)",
    (HALF,),
    bounded=True,
    curve=_michaelis_menten,
)
LOGISTIC = SaturationFamily(
    "logistic",
    "(1 - exp(-k a)) / (1 + exp(-k a)), k = ln(3) / half; the same curve as tanh(k a / 2)",
    "Logistic saturation as in PyMC-Marketing, parametrised by its half-saturation point",
    (HALF,),
    bounded=True,
    curve=_tanh,
)
TANH = SaturationFamily(
    "tanh",
    "tanh(atanh(1/2) a / half)",
    "Shotton (2021), in the half-saturation parametrisation",
    (HALF,),
    bounded=True,
    curve=_tanh,
)
ROOT = SaturationFamily(
    "root",
    "a^n, 0 < n < 1",
    "constant elasticity, as in Little (1979)",
    (Parameter("slope", logitnormal(0.15, 0.9)),),
    bounded=False,
    curve=_root,
)
NONE = SaturationFamily("none", "a", "no saturation", (), bounded=False, curve=_none)

FAMILIES = {family.name: family for family in (HILL, MICHAELIS_MENTEN, LOGISTIC, TANH, ROOT, NONE)}


def saturation_family(name: str) -> SaturationFamily:
    """The family called `name`; raises `InputError` for an unknown one."""
    if name not in FAMILIES:
        raise input_error(
            "saturation", "saturation", f"no saturation '{name}';", did_you_mean(name, FAMILIES)
        )
    return FAMILIES[name]
