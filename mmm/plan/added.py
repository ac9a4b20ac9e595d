"""What decisions are worth where effects add: every channel's own worth, in every equation.

A path acts in proportion (`mmm.results.carried.through`), so a unit of it moved in a period is
worth what comes of it afterwards, draw by draw, and a channel that moves it is worth what it moves
at that price: the same kernel as for the outcome itself, with other weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from mmm.config.path import OUTCOME
from mmm.model.planning import NO_UNITS, coefficients
from mmm.plan.forecast import change_ahead
from mmm.plan.levers import Levers
from mmm.plan.money import spending
from mmm.plan.worth import (
    ChannelWorth,
    Measure,
    carried_in,
    channel_worth,
    cost_slope,
    few,
    gains_of,
    geo_factors,
    running_cost,
    scaled_unit,
    units_bought,
)
from mmm.results.carried import lag_weights, lagged
from mmm.results.respond import Response
from mmm.results.threads import each_in_threads


@dataclass(frozen=True, slots=True)
class Additive:
    """A valuation where effects add: each channel's worth is a function of its own money.

    channels: of each decided on, its worth in every equation it stands in. constant (D,): worth
    of the channels that stay as they are, less their cost.
    """

    response: Response
    levers: Levers
    measure: Measure
    channels: tuple[tuple[ChannelWorth, ...], ...]
    constant: np.ndarray

    @property
    def draws(self) -> int:
        return len(self.constant)

    def values(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Worth (D,) of decisions z (n,) and its gradient (D, n)."""
        money = self.levers.money(z)
        parts = self._parts(money)
        gradient = np.concatenate([gradient for _, gradient in parts], axis=1)
        return self._total(parts, money), gradient - cost_slope(self.levers, self.measure)

    def of_money(self, money: np.ndarray) -> np.ndarray:
        """Worth (D,) of spending `money` (H, G, C) on the levers' channels, however spread."""
        return self._total(self._parts(money), money)

    def _parts(self, money: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        exposure = money * self.levers.prices.buys

        def one(place: int) -> tuple[np.ndarray, np.ndarray]:
            parts = [
                channel_worth(self.levers, place, found, exposure, found.coef, found.scale)
                for found in self.channels[place]
            ]
            value, slope = (np.sum(same, axis=0) for same in zip(*parts, strict=True))
            return value - np.sum([found.silent for found in self.channels[place]], axis=0), slope

        count = len(self.channels)
        return each_in_threads(one, range(count), alone=few(self.response, count))

    def _total(self, parts: list[tuple[np.ndarray, np.ndarray]], money: np.ndarray) -> np.ndarray:
        worth = np.sum([value for value, _ in parts], axis=0)
        return self.constant + worth - running_cost(self.levers, self.measure, money)


def additive(response: Response, levers: Levers, measure: Measure) -> Additive:
    """The valuation of `measure` where effects add."""
    worths = unit_worths(response, measure)
    names = response.density.spec.channels
    channels = []
    for place, channel in enumerate(levers.chosen.tolist()):
        found = []
        for equation, at, worth in _places(response, names[channel], worths):
            one = _worth_in(equation, at, measure, worth)
            one = replace(one, units=units_bought(response, levers, channel))
            nothing = np.zeros_like(levers.rest)
            value, _ = channel_worth(levers, place, one, nothing, one.coef, one.scale)
            found.append(replace(one, silent=value))
        channels.append(tuple(found))
    return Additive(response, levers, measure, tuple(channels), _staying(response, levers, measure))


Worths = Mapping[str, np.ndarray]
"""Of each path, what a unit of it more in a period ahead is worth, (D, G, S)."""


def unit_worths(response: Response, measure: Measure) -> Worths:
    """What the measure counts for a unit more of each path: what comes of it within the span, in
    the outcome and in the paths it feeds."""
    span = len(measure.worth)
    shape = (response.draws, len(response.places), span)
    worths: dict[str, np.ndarray] = {}
    for name in reversed(list(response.paths)):
        worth = np.zeros(shape)
        for equation, at, ahead in _places(response, name, worths):
            reached = measure.weight(response.places) if ahead is None else ahead
            rate, _, _ = gains_of(equation, at)
            unit = rate[:, None] * equation.unit * scaled_unit(equation, at)
            moved = unit[:, :, None] * geo_factors(equation, at, span) * reached
            weights = lag_weights(equation, at, span)
            # what a lag brings forward in time it takes back in worth
            worth += lagged(weights, np.ascontiguousarray(moved[:, :, ::-1]))[:, :, ::-1]
        worths[name] = worth
    return worths


def _places(
    response: Response, name: str, worths: Worths
) -> Iterator[tuple[Response, int, np.ndarray | None]]:
    """Every equation with the regressor `name`, where it stands there, and what a unit of what
    the equation explains is worth; None for the outcome, which the measure prices."""
    for target, equation in {OUTCOME: response, **response.paths}.items():
        regressors = equation.density.spec.channels
        if name in regressors and (target == OUTCOME or target in worths):
            yield equation, regressors.index(name), worths.get(target)


def _worth_in(
    equation: Response, place: int, measure: Measure, worth: np.ndarray | None
) -> ChannelWorth:
    """A channel in one equation, whose unit has the `worth` of a path, else the measure's."""
    span, level = len(measure.worth), equation.unit
    first, second, keep = gains_of(equation, place)
    by_time = measure.by_time
    moving = place in equation.density.spec.drifting
    if worth is None and by_time is not None and not moving:
        each = by_time[None] if measure.by_draw is None else by_time * measure.by_draw
        weight = np.broadcast_to(each[:, None, :], (equation.draws, 1, span))
        scale = equation.deviation[:, :, place] * (level * measure.worth[0])
    else:
        each = measure.weight(equation.places) if worth is None else worth
        weight = geo_factors(equation, place, span) * each
        scale = np.broadcast_to(level, weight.shape[:2])
    return ChannelWorth(
        spec=equation.density.spec,
        place=place,
        table=np.ascontiguousarray(equation.table[:, place]),
        carried=carried_in(equation, place),
        coef=coefficients(first, second, keep, weight),
        scale=np.ascontiguousarray(scale),
        silent=np.zeros(equation.draws),
        unit=scaled_unit(equation, place),
        units=NO_UNITS,
    )


def _staying(response: Response, levers: Levers, measure: Measure) -> np.ndarray:
    """Worth (D,) of the channels that stay as they are, less their cost."""
    scenario = spending(levers.prices, levers.rest, "rest")
    span, every = len(measure.worth), range(len(levers.prices.channels))
    total = np.zeros(response.draws)
    for channel in sorted(set(every) - set(levers.chosen.tolist())):
        total -= float(scenario.cost[:, channel] @ measure.cost)
        change = change_ahead(response, scenario, channel, span)
        total += (change * measure.weight(response.places)).sum(axis=(1, 2))
    return total
