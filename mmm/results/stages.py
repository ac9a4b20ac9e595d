"""Stages of a funnel: what a unit of each becomes, after how long, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mmm.config.path import OUTCOME
from mmm.data.costs import loaded_cost
from mmm.model import curves
from mmm.results.blocks import by_geo
from mmm.results.carried import Moved, lag_weights
from mmm.results.contributions import BRAND, MEDIATED, TACTICAL
from mmm.results.mediation import arriving, bought, input_effect, inputs, moved_paths
from mmm.results.regression import Response, after_window


@dataclass(frozen=True, slots=True)
class Stage:
    """One path as a stage, draws (D,) over all geos.

    rate: outcome for each unit of it, through itself and the stages after it; conversion: units
    of each stage it feeds for each of its units; delay: mean periods until they follow.
    """

    name: str
    rate: np.ndarray
    conversion: Mapping[str, np.ndarray]
    delay: Mapping[str, np.ndarray]


def stages(response: Response) -> list[Stage]:
    """Every path that acts in proportion, in the order in which effects travel.

    Rates are means over the window. Where effects multiply, a unit brings what it brings at the
    mean outcome. What reaches the outcome through a bought path is not in the rate.
    """
    buys = bought(response)
    equations = {OUTCOME: response, **response.paths}
    found: dict[str, Stage] = {}
    for name in reversed(list(response.paths)):
        if name in buys.values():
            continue
        conversion, delay = {}, {}
        for target, equation in equations.items():
            if name in inputs(equation):
                place = inputs(equation).index(name)
                conversion[target] = unit_effect(equation, place)
                delay[target] = mean_lag(equation, place)
        rate = np.zeros(response.draws)
        for target, units in conversion.items():
            if target == OUTCOME:
                rate += units
            elif target in found:
                rate += units * found[target].rate
        found[name] = Stage(name, rate, conversion, delay)
    return list(reversed(found.values()))


def unit_effect(equation: Response, place: int) -> np.ndarray:
    """Units of what an equation explains for each unit of a regressor in proportion, (D,), over
    the window and all geos."""
    table, means = equation.table[:, place], equation.means[:, place, 0]
    rate = np.divide(table[:, curves.SHARE], means, out=np.zeros(len(means)), where=means > 0)
    scaling = equation.density.design.scaling
    level = scaling.level if equation.multiplicative else equation.unit
    scale = level / scaling.size[equation.places] / scaling.media[place]
    media = equation.density.design.media[equation.places, place].sum(axis=1)
    units = media * scaling.size[equation.places]
    weight = units / units.sum() if units.sum() > 0 else np.full(len(units), 1.0 / len(units))
    return rate * (equation.deviation[:, :, place] @ (scale * weight))


def mean_lag(equation: Response, place: int) -> np.ndarray:
    """Mean periods between a regressor and its effect, (D,)."""
    if equation.density.spec.adstock[place] == curves.GEOMETRIC:
        return _memory(equation.table[:, place, curves.ADSTOCK_1])
    weights = lag_weights(equation, place, equation.density.spec.lags)
    return weights @ np.arange(weights.shape[1])


@dataclass(frozen=True, slots=True)
class Spent:
    """What the window's spending of one channel brought, draws (D,).

    units: of each path, all that it moved or will; delay: mean periods from spending to outcome,
    over all ways by what came of each in the window.
    """

    channel: str
    cost: float
    units: Mapping[str, np.ndarray]
    delay: np.ndarray


def spending(response: Response) -> list[Spent]:
    """What each channel's spending in the window brought of every path, and how soon outcome."""
    panel, later = response.fit.panel, after_window(response)
    media = panel.dataset["media"].values
    costs = loaded_cost(panel, response.fit.study.channels).sum(["date", "geo"]).values
    span = np.concatenate([media, np.zeros((later, *media.shape[1:]))])

    def block(some: Response) -> list[tuple[dict[str, np.ndarray], Ways]]:
        found = []
        for place, channel in enumerate(panel.channels):
            spent = span[:, some.places, place]
            with_it, without = (
                moved_paths(some, channel, plan) for plan in (spent, np.zeros_like(spent))
            )
            units = {name: _total(part) - _total(without[name]) for name, part in with_it.items()}
            found.append((units, _ways(some, channel, media[:, some.places, place])))
        return found

    blocks = by_geo(response, len(span), block)
    answer = []
    for place, channel in enumerate(panel.channels):
        same = [one[place] for one in blocks]
        units = {name: np.sum([one[0][name] for one in same], axis=0) for name in same[0][0]}
        ways = {key: np.sum([one[1][key] for one in same], axis=0) for key in same[0][1]}
        answer.append(Spent(channel, float(costs[place]), units, _delay(response, channel, ways)))
    return answer


Ways = dict[tuple[str, str, str], np.ndarray]
"""What came into an equation by a regressor and a kind of effect, (D,)."""


def _ways(response: Response, channel: str, media: np.ndarray) -> Ways:
    """By which ways a channel came into every equation in the window."""
    found = moved_paths(response, channel, media)
    ways: Ways = {}
    for name, equation in {**response.paths, OUTCOME: response}.items():
        if channel in inputs(equation):
            place = inputs(equation).index(channel)
            effect = input_effect(response, equation, place, media)
            ways[name, channel, TACTICAL] = effect.tactical.sum(axis=(1, 2))
            ways[name, channel, BRAND] = effect.brand.sum(axis=(1, 2))
        for regressor, part in arriving(response, equation, found).items():
            ways[name, regressor, MEDIATED] = part.series.sum(axis=(1, 2))
    return ways


def _delay(response: Response, channel: str, ways: Ways) -> np.ndarray:
    """Mean periods from a channel's spending to outcome, (D,): lags along each way, added."""
    buys = bought(response)
    delays: dict[str, np.ndarray] = {}
    for name, equation in {**response.paths, OUTCOME: response}.items():
        moment, whole = np.zeros(response.draws), np.zeros(response.draws)
        for (target, regressor, kind), units in ways.items():
            if target != name:
                continue
            place = inputs(equation).index(regressor)
            late = mean_lag(equation, place)
            if kind == BRAND:
                late = late + _memory(equation.table[:, place, curves.MEMORY])
            if kind == MEDIATED:
                late = late + delays[buys.get(regressor, regressor)]
            moment += np.maximum(units, 0.0) * late
            whole += np.maximum(units, 0.0)
        delays[name] = np.divide(moment, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return delays[OUTCOME]


def _memory(half_life: np.ndarray) -> np.ndarray:
    """Mean age in periods of what a geometric memory holds."""
    keep = 2.0 ** (-1.0 / half_life)
    return keep / (1.0 - keep)


def _total(part: Moved) -> np.ndarray:
    """All of a part, what is still to come included, (D,)."""
    return part.series.sum(axis=(1, 2)) + part.to_come.sum(axis=1)
