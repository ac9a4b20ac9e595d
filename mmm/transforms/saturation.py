"""Saturation families: how the response flattens as adstocked exposure grows.

Exposure is in multiples of the channel's mean while active, so a half-saturation point of 1
means that today's usual level earns half of what the channel can. The compiled twins of the
families here are in `mmm.model.curves`; `mmm.transforms.custom` adds families of your own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytensor.tensor as pt

from mmm.errors import did_you_mean, input_error
from mmm.transforms.parameter import Parameter, logitnormal, lognormal

TINY = 1e-12
"""Exposure at or below this earns nothing; keeps powers and logarithms finite."""


@dataclass(frozen=True, slots=True, eq=False)
class SaturationFamily:
    """One way to flatten.

    `intervals` names the parameters, at most two, in the order `curve` takes them, each with
    the 90 % interval of its default prior: log-normal, or logit-normal within (0, 1) for those
    in `fractions`. `curve(a, *parameters)` is, in PyTensor, what exposure `a` earns, element
    by element: zero at zero, never falling. `bounded` families rise to one and are one half at
    their parameter `half_saturation`.
    """

    name: str
    intervals: Mapping[str, tuple[float, float]]
    curve: Callable[..., Any]
    fractions: tuple[str, ...] = ()
    formula: str = ""
    source: str = ""
    bounded: bool = False

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Default priors."""
        return tuple(
            Parameter(name, (logitnormal if name in self.fractions else lognormal)(low, high))
            for name, (low, high) in self.intervals.items()
        )

    @property
    def slots(self) -> tuple[str, ...]:
        """Which of the two parameters of a channel's curve each one is: `half` or `slope`.

        One called `slope` takes the second; the others are taken in order.
        """
        free = iter(("half",) if "slope" in self.intervals else ("half", "slope"))
        return tuple("slope" if name == "slope" else next(free) for name in self.intervals)


HALF = {"half_saturation": (0.3, 6.0)}


def _hill(a, half, slope):
    return pt.sigmoid(slope * (pt.log(a) - pt.log(half)))


def _michaelis_menten(a, half):
    return a / (a + half)


def _tanh(a, half):
    return pt.tanh(math.atanh(0.5) * a / half)


def _root(a, slope):
    return a**slope


def _none(a):
    return a


HILL = SaturationFamily(
    "hill",
    HALF | {"slope": (0.6, 2.4)},
    _hill,
    formula="a^n / (half^n + a^n)",
    source="Hill (1910); Jin et al. (2017), equation 5",
    bounded=True,
)
MICHAELIS_MENTEN = SaturationFamily(
    "michaelis_menten",
    HALF,
    _michaelis_menten,
    formula="a / (half + a)",
    source="Michaelis and Menten (1913)",
    bounded=True,
)
LOGISTIC = SaturationFamily(
    "logistic",
    HALF,
    _tanh,
    formula="(1 - exp(-k a)) / (1 + exp(-k a)), k = ln(3) / half; the same curve as tanh(k a / 2)",
    source="Logistic saturation as in PyMC-Marketing, parametrised by its half-saturation point",
    bounded=True,
)
TANH = SaturationFamily(
    "tanh",
    HALF,
    _tanh,
    formula="tanh(atanh(1/2) a / half)",
    source="Shotton (2021), in the half-saturation parametrisation",
    bounded=True,
)
ROOT = SaturationFamily(
    "root",
    {"slope": (0.15, 0.9)},
    _root,
    fractions=("slope",),
    formula="a^n, 0 < n < 1",
    source="constant elasticity, as in Little (1979)",
)
NONE = SaturationFamily("none", {}, _none, formula="a", source="no saturation")

FAMILIES = {family.name: family for family in (HILL, MICHAELIS_MENTEN, LOGISTIC, TANH, ROOT, NONE)}
"""Every family by name: those above, and those registered in this process."""


def saturation_family(name: str) -> SaturationFamily:
    """The family called `name`; raises `InputError` for an unknown one."""
    if name not in FAMILIES:
        raise input_error(
            "saturation", "saturation", f"no saturation '{name}';", did_you_mean(name, FAMILIES)
        )
    return FAMILIES[name]
