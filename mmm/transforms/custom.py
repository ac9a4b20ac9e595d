"""Adstock and saturation families of your own, written in PyTensor and used by name.

    gamma = AdstockFamily(
        "gamma",
        {"shape": (1.0, 4.0), "scale": (0.3, 2.0)},
        weights=lambda lag, shape, scale: (lag + 1.0) ** (shape - 1.0) * pt.exp(-lag / scale),
        times=("scale",),
    )
    register_adstock(gamma)

From then on a channel may name it, in this process. A family is tried over its prior before it
is taken, and refused with what is wrong. Nothing is imported by name from a study file: the
code that reads a study or a fit that uses a family must register it first.
"""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode

from mmm.config import channel
from mmm.errors import InputError, did_you_mean, input_error
from mmm.transforms import adstock, saturation
from mmm.transforms.adstock import LONGEST_LAG_WEEKS, AdstockFamily
from mmm.transforms.saturation import SaturationFamily

MOST_PARAMETERS = 2
"""Cells a channel has for each of its two transforms."""
NOTHING = 1e-200
"""Exposure at which a curve must have earned next to nothing."""
LEVELS = np.concatenate([[NOTHING], np.logspace(-4, 3, 29)])
ROUNDING = 1e-10

_PLAIN = Mode(linker="py", optimizer=None)


def register_adstock(family: AdstockFamily, *, replace: bool = False) -> AdstockFamily:
    """Lets channels name `family` as their adstock; returns it.

    `replace` takes the place of a family of yours with the same name. Raises `InputError` for
    a name that is taken, parameters that do not fit, or weights that are negative, not finite
    or all zero somewhere in the 90 % intervals of the parameters.
    """
    where = f"adstock '{family.name}'"
    _check_name(family.name, where, channel.ADSTOCKS, adstock.FAMILIES, replace)
    _check_parameters(family.intervals, where, {"times": family.times})
    given = [f for f in (family.weights, family.log_weights) if f]
    if len(given) != 1:
        raise _refused(where, "needs its lag weights once.", "Give 'weights' or 'log_weights'.")
    _check_call(given[0], where, "lag", family.intervals)
    lag = np.arange(LONGEST_LAG_WEEKS)

    def weights(lag: Any, *parameters: Any) -> Any:
        raw = pt.as_tensor_variable(given[0](lag, *parameters))
        return pt.exp(raw - raw.max()) if family.log_weights else raw

    for values, raw, (_, *slopes) in _probe(weights, lag, family.intervals, where):
        at = _stated(family.intervals, values)
        if not np.all(np.isfinite(raw)):
            raise _refused(where, f"weights are not finite at {at}: {raw}.", _FINITE)
        if np.any(raw < 0) or not raw.sum() > 0:
            raise _refused(
                where,
                f"weights must not be negative nor all zero, and are at {at}: {raw}.",
                "Write weights as powers, exponentials or other positive functions of the lag.",
            )
        _check_slopes(slopes, where, at)
    adstock.FAMILIES[family.name] = family
    channel.register_adstock_name(family.name)
    return family


def register_saturation(family: SaturationFamily, *, replace: bool = False) -> SaturationFamily:
    """Lets channels name `family` as their saturation; returns it.

    `replace` takes the place of a family of yours with the same name. Raises `InputError` for
    a name that is taken, parameters that do not fit, or a curve that is not finite, falls, or
    is not zero at zero somewhere in the 90 % intervals of the parameters.
    """
    where = f"saturation '{family.name}'"
    _check_name(family.name, where, channel.SATURATIONS, saturation.FAMILIES, replace)
    _check_parameters(family.intervals, where, {"fractions": family.fractions})
    for name in family.fractions:
        if family.intervals[name][1] >= 1:
            raise _refused(where, f"fraction '{name}' reaches 1.", "Keep it within (0, 1).")
    _check_call(family.curve, where, "a", family.intervals)

    def curve(levels: Any, *parameters: Any) -> Any:
        return pt.as_tensor_variable(family.curve(levels, *parameters))

    def curve_alone(levels: np.ndarray, *values: float) -> np.ndarray:
        inputs = [pt.dvector(), *(pt.dscalar() for _ in values)]
        function = pytensor.function(inputs, curve(*inputs), mode=_PLAIN, on_unused_input="ignore")
        return function(levels, *values)

    for values, earned, slopes in _probe(curve, LEVELS, family.intervals, where):
        at = _stated(family.intervals, values)
        if not np.all(np.isfinite(earned)):
            level = LEVELS[np.argmin(np.isfinite(earned))]
            raise _refused(where, f"the curve is not finite at exposure {level:g}, {at}.", _FINITE)
        reach = np.abs(earned).max()
        if not abs(earned[0]) <= 1e-6 * reach:
            raise _refused(
                where,
                f"no exposure must earn nothing, and earns {earned[0]:g} at {at}.",
                "Subtract what the curve is at zero.",
            )
        falls = np.diff(earned) < -ROUNDING * reach
        if falls.any() or not reach > 0:
            level = LEVELS[1:][np.argmax(falls)]
            raise _refused(
                where,
                f"the curve must rise, and falls or stays at zero up to exposure {level:g}, {at}.",
                "More exposure never earns less: check signs, and that parameters are positive.",
            )
        _check_slopes(slopes, where, at)
        if not np.allclose(curve_alone(LEVELS[::-1], *values), earned[::-1], rtol=1e-9):
            raise _refused(
                where,
                f"what an exposure earns depends on the others, {at}.",
                "Write the curve element by element; carry-over belongs in an adstock.",
            )
    saturation.FAMILIES[family.name] = family
    channel.register_saturation_name(family.name)
    return family


_FINITE = "Check for logarithms, powers and divisions at the edge, or narrow the intervals."


def _refused(where: str, message: str, remedy: str) -> InputError:
    return input_error("custom_transform", where, message, remedy)


def _check_name(
    name: str, where: str, built_in: tuple[str, ...], known: Mapping[str, object], replace: bool
) -> None:
    if not name.isidentifier() or name != name.lower():
        raise _refused(where, "is no name for a family.", "Use lower-case letters, digits and _.")
    if name in built_in:
        raise _refused(where, "comes with the library.", "Choose another name.")
    if name in known and not replace:
        raise _refused(
            where, "is registered already.", "Choose another name, or pass replace=True."
        )


def _check_parameters(
    intervals: Mapping[str, tuple[float, float]], where: str, marks: Mapping[str, tuple[str, ...]]
) -> None:
    if len(intervals) > MOST_PARAMETERS:
        raise _refused(
            where,
            f"has {len(intervals)} parameters and may have {MOST_PARAMETERS}.",
            "Fix the others at a number.",
        )
    for name, interval in intervals.items():
        low, high = interval
        if not name.isidentifier() or not (0 < low < high and math.isfinite(high)):
            raise _refused(
                where,
                f"parameter '{name}' has the interval [{low:g}, {high:g}].",
                "Give a name, and a 90 % interval above zero from low to high.",
            )
    for mark, names in marks.items():
        for name in names:
            if name not in intervals:
                raise _refused(where, f"'{mark}' names '{name}';", did_you_mean(name, intervals))


def _check_call(
    function: Callable[..., Any], where: str, first: str, intervals: Mapping[str, object]
) -> None:
    try:
        inspect.signature(function).bind(first, *intervals)
    except TypeError as error:
        raise _refused(
            where,
            f"its function cannot be called as ({', '.join([first, *intervals])}): {error}.",
            "Take one argument for each parameter, in the order of 'intervals'.",
        ) from error


def _probe(
    expression: Callable[..., Any],
    points: np.ndarray,
    intervals: Mapping[str, tuple[float, float]],
    where: str,
):
    """Parameters at the middles and the ends of the intervals, with the values of
    `expression` (points, *parameters) and the slopes of their sum by every argument."""
    inputs = [pt.dvector("points"), *(pt.dscalar(name) for name in intervals)]
    value = expression(*inputs)
    slopes = pt.grad(value.sum(), inputs, disconnected_inputs="ignore")
    function = pytensor.function(inputs, [value, *slopes], mode=_PLAIN, on_unused_input="ignore")
    ends = [(low, math.sqrt(low * high), high) for low, high in intervals.values()]
    for values in itertools.product(*ends):
        with np.errstate(all="ignore"):
            result, *by_input = function(points, *values)
        if result.shape != points.shape:
            raise _refused(
                where,
                f"its function turns {len(points)} numbers into shape {result.shape}.",
                "Return one number for each element of the first argument.",
            )
        yield values, result, by_input


def _check_slopes(slopes: list[np.ndarray], where: str, at: str) -> None:
    if not all(np.isfinite(slope).all() for slope in slopes):
        raise _refused(where, f"its derivatives are not finite at {at}.", _FINITE)


def _stated(intervals: Mapping[str, object], values: tuple[float, ...]) -> str:
    named = zip(intervals, values, strict=True)
    return ", ".join(f"{name} = {value:g}" for name, value in named) or "any point"
