"""What decisions are worth, draw by draw, with the gradient: the plan's only way to the model.

Value is counted as `incremental_value` counts it: against no marketing, with carry-over and
brand over the finance horizon. `value_of` any plan here and there agree, which is checked
whenever a valuation is made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from mmm.errors import ModelError, input_error
from mmm.inference.fit import Fit
from mmm.model import curves
from mmm.model.planning import NO_UNITS, carried_levels, plan_draws
from mmm.model.spec import ModelSpec
from mmm.plan.forecast import incremental_value
from mmm.plan.levers import Levers
from mmm.plan.money import spending
from mmm.plan.profit import plan_worth_of_units, profit_span
from mmm.plan.scenario import running
from mmm.results.blocks import thinned
from mmm.results.prices import units_ahead
from mmm.results.respond import Response, wander

CHECKED_DRAWS = 8
"""Draws on which a valuation is held against the response engine."""
SMALL = 20_000
"""Series (draws x geos x channels) that are evaluated sooner than threads are started."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What is counted: outcome times `worth` (S, G) in each of S >= H periods from the plan's
    first, less `cost` (H,) per unit of loaded cost paid in a period. by_draw (D, S) multiplies
    worth draw by draw, where that is uncertain too."""

    name: str
    worth: np.ndarray
    cost: np.ndarray
    by_draw: np.ndarray | None = None

    def take(self, kept: np.ndarray) -> Measure:
        """The measure on some of the draws."""
        return self if self.by_draw is None else replace(self, by_draw=self.by_draw[kept])

    def weight(self, places: np.ndarray) -> np.ndarray:
        """Worth of a unit in the geos `places` (G,), (D, G, S); (1, G, S) where certain."""
        worth = self.worth[:, places].T[None]
        return worth if self.by_draw is None else worth * self.by_draw[:, None, :]

    @property
    def by_time(self) -> np.ndarray | None:
        """What `worth` does over time, 1 at first, (S,); None where geos differ in it."""
        if not self.worth[0].all():
            return None
        common = self.worth / self.worth[0]
        return common[:, 0] if np.allclose(common, common[:, :1], rtol=1e-12, atol=0.0) else None


def profit_measure(response: Response, levers: Levers) -> Measure:
    """Profit before tax in money of the plan's start, as the finance block dates it: contribution
    margin on the value of outcome and of what its customers buy later, less loaded cost, both
    discounted. Costs that are the same for every plan are left out."""
    base = levers.prices.base
    unit = plan_worth_of_units(response.fit, base, response.draws)
    value = _extended(base.value_per_unit, len(unit.sold))
    return Measure("profit", unit.sold[:, None] * value, unit.paid[: base.periods], unit.by_draw)


def outcome_measure(fit: Fit, levers: Levers, *, within: bool = False) -> Measure:
    """Units of outcome caused, over the finance horizon or `within` the plan's own alone."""
    base = levers.prices.base
    span = base.periods if within else profit_span(fit, base.periods)
    return Measure("outcome", np.ones((span, base.media.shape[1])), np.zeros(base.periods))


def _extended(value: np.ndarray, span: int) -> np.ndarray:
    """Value per unit (H, G) with its last values up to `span` periods."""
    return np.concatenate([value, np.repeat(value[-1:], max(0, span - len(value)), axis=0)])[:span]


class Valuation(Protocol):
    """Worth of decisions by draw."""

    @property
    def response(self) -> Response: ...

    @property
    def levers(self) -> Levers: ...

    @property
    def measure(self) -> Measure: ...

    @property
    def draws(self) -> int: ...

    def values(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Worth (D,) of decisions z (n,), against no marketing, and its gradient (D, n)."""
        ...

    def of_money(self, money: np.ndarray) -> np.ndarray:
        """Worth (D,) of spending `money` (H, G, C) on the levers' channels, however spread."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelWorth:
    """One channel in one equation ready for the kernel: see `plan_draws`.

    place: which regressor of the equation of `spec` it is. silent (D,) is its worth when nothing
    is spent ahead; unit (G,) scaled media per unit of exposure; units (D, H) what money buys at
    the prices drawn over what it buys at the levers', (0, 0) where none are.
    """

    spec: ModelSpec
    place: int
    table: np.ndarray
    carried: np.ndarray
    coef: np.ndarray
    scale: np.ndarray
    silent: np.ndarray
    unit: np.ndarray
    units: np.ndarray


def channel_worth(
    levers: Levers,
    place: int,
    found: ChannelWorth,
    exposure: np.ndarray,
    coef: np.ndarray,
    scale: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Worth (D,) in one equation of the channel at `place` of the levers under exposure
    (H, G, C), and its gradient by the channel's decisions (D, B Q)."""
    spec, spends = found.spec, exposure[:, :, int(levers.chosen[place])] * found.unit
    spread, member = levers.spread(place)
    value, gradient, _ = plan_draws(
        found.table, spec.adstock[found.place], spec.saturation[found.place],
        spec.reach[found.place], np.ascontiguousarray(spends), found.carried, coef, scale,
        spread * found.unit, member, units=found.units,
    )  # fmt: skip
    return value, levers.by_block(gradient)


def running_cost(levers: Levers, measure: Measure, money: np.ndarray) -> float:
    """Loaded cost of `money` (H, G, C) on the levers' channels, as the measure counts it. Fixed
    cost that ends with a channel's spending is a step, which no gradient shows."""
    at, chosen = levers.prices, levers.chosen
    by_period = money.sum(axis=1)[:, chosen]
    paid = by_period * at.loading[chosen] + at.fixed[chosen] * running(by_period)
    return float(measure.cost @ paid.sum(axis=1))


def cost_slope(levers: Levers, measure: Measure) -> np.ndarray:
    """Loaded cost, as the measure counts it, of one more unit of each decision, (n,)."""
    weight = np.bincount(levers.block, weights=measure.cost) / levers.lengths
    loading = levers.prices.loading[levers.chosen]
    slope = loading[:, None, None] * weight[None, :, None]
    return np.broadcast_to(slope, levers.shape).ravel()


def gains_of(response: Response, channel: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What multiplies a channel's saturation now and its brand stock, and the stock's retention,
    each (D,)."""
    table, means = response.table[:, channel], response.means[:, channel]
    share, split = table[:, curves.SHARE], table[:, curves.SPLIT]
    parts = np.stack([share * (1.0 - split), share * split], axis=1)
    gains = np.divide(parts, means, out=np.zeros_like(parts), where=(parts > 0) & (means > 0))
    return gains[:, 0], gains[:, 1], 2.0 ** (-1.0 / table[:, curves.MEMORY])


def geo_factors(response: Response, channel: int, span: int) -> np.ndarray:
    """Geo factors of a channel over the periods ahead, (D, G, span), or (D, G, 1) where they do not
    move."""
    if channel not in response.density.spec.drifting:
        return response.deviation[:, :, channel, None]
    window = len(response.fit.panel.dates)
    moving = wander(response, channel, window + span)[:, window:]
    return response.deviation[:, :, channel, None] + moving[:, None, :]


def carried_in(response: Response, channel: int) -> np.ndarray:
    """Adstock the window leaves, (D, K, G)."""
    spec, design = response.density.spec, response.density.design
    return carried_levels(
        np.ascontiguousarray(response.table[:, channel]),
        spec.adstock[channel],
        spec.reach[channel],
        np.ascontiguousarray(design.media[:, channel]),
        np.ascontiguousarray(design.early[:, channel]),
    )  # fmt: skip


def scaled_unit(response: Response, channel: int) -> np.ndarray:
    """Scaled media per unit of exposure, (G,)."""
    scaling = response.density.design.scaling
    return 1.0 / (scaling.size * scaling.media[channel])


def units_bought(response: Response, levers: Levers, channel: int) -> np.ndarray:
    """`ChannelWorth.units` of a channel (number in the study)."""
    base = levers.prices.base
    price = base.drawn.get(levers.prices.channels[channel])
    if price is None:
        return NO_UNITS
    return units_ahead(response, channel, price, base.periods)


def kept_draws(response: Response, draws: int) -> np.ndarray:
    """Which draws `thinned` keeps."""
    return np.linspace(0, response.draws - 1, min(draws, response.draws)).round().astype(int)


def few(response: Response, channels: int) -> bool:
    """Whether there is too little to do to start threads for."""
    return response.draws * len(response.places) * channels < SMALL


def refuse_what_has_no_gradient(response: Response, levers: Levers) -> None:
    """Raises `InputError` where a channel to be planned has a transform of the user's own, or an
    effect through paths that the optimiser has no gradient of."""
    spec = response.density.spec
    chosen = [spec.channels[c] for c in levers.chosen]
    routes = response.fit.study.routes()
    bent = [stage for stage in routes.stages if response.multiplicative or stage.bought_by]
    behind = set(routes.bought).union(*(stage.behind for stage in bent))
    through = [name for name in chosen if name in behind]
    if through:
        why = "effects multiply" if response.multiplicative else "one of them is bought"
        raise input_error(
            "plan_through_path",
            "plan.fixed",
            f"no plan can be optimised for {', '.join(through)}: part of the effect goes through "
            f"paths, and as {why}, the optimiser has no gradient of it.",
            f"Add {', '.join(through)} to 'fixed', or give plans as scenarios ('plan.scenario'), "
            "which are valued with all that goes through paths.",
        )
    equations = {"outcome": response, **response.paths}.values()
    own = [
        name
        for name in chosen
        if any(
            curves.CUSTOM in (one.adstock[place], one.saturation[place])
            for one in (equation.density.spec for equation in equations)
            for place in [i for i, regressor in enumerate(one.channels) if regressor == name]
        )
    ]
    if own:
        raise input_error(
            "plan_own_transform",
            "plan.fixed",
            f"no plan can be made for {', '.join(own)}: the transform was written by the user, "
            "and the optimiser has no gradient of it.",
            f"Add {', '.join(own)} to 'fixed', or use a family of the library.",
        )


def hold_against_engine(valuation: Valuation, response: Response) -> None:
    """Raises `ModelError` unless today's plan has the worth that the response engine gives it.

    The valuation evaluates curves on its own, for speed; whatever an engine knows beyond them
    would be missed, and must not be missed in silence.
    """
    levers, measure = valuation.levers, valuation.measure
    by_time = measure.by_time
    if by_time is None:
        return
    today = levers.prices.today
    scenario = spending(levers.prices, today, "today")
    value = incremental_value(
        thinned(response, CHECKED_DRAWS),
        replace(scenario, value_per_unit=np.repeat(measure.worth[:1], scenario.periods, axis=0)),
        len(by_time),
    )
    kept = kept_draws(response, CHECKED_DRAWS)
    certain = measure.take(kept).by_draw
    counted = (value if certain is None else value * certain) @ by_time
    engine = counted - float(scenario.cost.sum(axis=1) @ measure.cost)
    found = valuation.of_money(today)[kept]
    size = max(np.abs(counted).max(), np.abs(engine).max())
    if np.abs(found - engine).max() > 1e-6 * size:
        raise ModelError(
            "the optimiser's value of today's plan is not the response engine's "
            f"({found.mean():,.6g} against {engine.mean():,.6g}): this model has effects that the "
            "optimiser does not know, so no plan is recommended."
        )
