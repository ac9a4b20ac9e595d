"""One regression of a posterior under any media: the innermost part of the response engine.

Works on the predictor of a single equation; what a channel does through paths is in
`mmm.results.mediation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmm.inference.fit import Fit
from mmm.model import curves, kernel
from mmm.model.apart import each_draw
from mmm.model.density import Density
from mmm.model.design import drift_rows
from mmm.model.own import curve_draws
from mmm.model.terms import branded

SETTLE_WEEKS = 104.0
"""How long tactical carry-over that never ends is followed after the window; the brand stock to
infinity."""
ENDLESS = frozenset({curves.GEOMETRIC, curves.CUSTOM})
"""Families of adstock that are no sums over lags, or need not be."""


@dataclass(frozen=True, slots=True)
class Response:
    """A posterior made ready for counterfactuals, D draws spread evenly over all chains.

    table (D, C, columns), means (D, C, 2) normalisers of the fit window, sigma (D, G), nu (D,),
    own (D, G, K0) and shared (D, P) baseline coefficients in units of `Design.outcome`,
    deviation (D, G, C) geo factors of each channel, drift (D, C, B) how they move over time,
    trend_scale (D,), geo_trend_scale (D,).
    totals (chain, draw, C) holds every draw's contribution in the window, for diagnostics; on the
    log scale times mean outcome where effects multiply. numbers (D,) tells draws apart and
    places (G,) geos of the panel: all of them, or a block. paths: the responses of the study's
    paths, each after those it hangs on, on the same draws and geos. known: what has been worked
    out of these draws and geos and serves again.
    """

    fit: Fit
    density: Density
    table: np.ndarray
    means: np.ndarray
    sigma: np.ndarray
    nu: np.ndarray
    own: np.ndarray
    shared: np.ndarray
    deviation: np.ndarray
    drift: np.ndarray
    trend_scale: np.ndarray
    geo_trend_scale: np.ndarray
    totals: np.ndarray
    numbers: np.ndarray
    places: np.ndarray
    paths: Mapping[str, Response] = field(default_factory=dict)
    known: dict[tuple[str, str], Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def draws(self) -> int:
        return self.table.shape[0]

    @property
    def level(self) -> np.ndarray:
        """Mean outcome of each geo, (G,): what shares are shares of."""
        return self.density.design.scaling.level[self.places]

    @property
    def multiplicative(self) -> bool:
        """Whether the predictor is the log of outcome, so that effects multiply."""
        return self.density.spec.likelihood == "lognormal"

    @property
    def unit(self) -> np.ndarray:
        """What 1 of the predictor is in results, (G,): a geo's mean outcome where effects add,
        1 on the log scale."""
        return np.ones(len(self.places)) if self.multiplicative else self.level


@dataclass(frozen=True, slots=True)
class Effect:
    """One channel's effect on the predictor, in `Response.unit`: units of outcome where effects
    add, log points where they multiply. tactical and brand (D, G, T), and mediated, what comes
    through paths, None without any; slope (D, G): the derivative of the worth of all of it over
    all time along the given direction of media; to_come (D, G): what paths still bring after the
    last period."""

    tactical: np.ndarray
    brand: np.ndarray
    slope: np.ndarray
    mediated: np.ndarray | None = None
    to_come: np.ndarray | None = None

    @property
    def total(self) -> np.ndarray:
        now = self.tactical + self.brand
        return now if self.mediated is None else now + self.mediated

    @property
    def passing(self) -> np.ndarray:
        """All but the brand part, which alone outlasts the horizon by itself (D, G, T)."""
        return self.tactical if self.mediated is None else self.tactical + self.mediated


def wander(response: Response, channel: int, periods: int) -> np.ndarray:
    """What time adds to a channel's geo factors, (D, periods) from the first of the window.

    Past the window the walk goes on in steps the data has not seen, the same ones for every
    horizon and every block of geos.
    """
    density = response.density
    if channel not in density.spec.drifting:
        return np.zeros((response.draws, periods))
    window = density.design.drift.shape[1]
    rows = drift_rows(density.spec, np.arange(periods), window)
    known = response.drift.shape[2]
    steps = response.drift[:, channel] @ rows[:known]
    for number, row in enumerate(rows[known:]):
        seed = [response.fit.study.inference.seed, 7, channel, number]
        noise = np.random.default_rng(seed).standard_normal(response.numbers[-1] + 1)
        scale = response.table[:, channel, curves.DRIFT] * noise[response.numbers]
        steps += scale[:, None] * row
    return steps


def direct_effect(
    response: Response,
    channel: int,
    media: np.ndarray,
    *,
    carry_in: float | np.ndarray = 1.0,
    direction: np.ndarray | None = None,
    worth: np.ndarray | None = None,
) -> Effect:
    """What one channel does in this equation itself under `media` (T, G), or (D, T, G) where it
    differs between draws: exposure in its own units, in the response's geos.

    The first period of `media` is the first of the fit window; periods past its end are the
    future. `carry_in` scales the level before the window (0: never advertised before), by draw
    and geo where it is (D, G). `direction`, of the shape of `media`, is a change of it along
    which the slope is taken, zero by default; `worth` (T, G) is what a unit of outcome counts in
    it, 1 by default.
    """
    scaled = _scaled(response, channel, media)
    moved = np.zeros_like(scaled) if direction is None else _scaled(response, channel, direction)
    weight = np.ones(scaled.shape[-2:]) if worth is None else np.ascontiguousarray(worth.T)
    early = response.density.design.early[response.places, channel] * carry_in
    wandering = wander(response, channel, scaled.shape[-1])
    shape = (response.draws, *scaled.shape[-2:])
    if scaled.ndim == 3 or early.ndim == 2:
        scaled, moved = (np.broadcast_to(part, shape) for part in (scaled, moved))
        early = np.broadcast_to(early, shape[:2])
    scaled, moved, early = map(np.ascontiguousarray, (scaled, moved, early))
    table = np.ascontiguousarray(response.table[:, channel])
    means = np.ascontiguousarray(response.means[:, channel])
    deviation = np.ascontiguousarray(response.deviation[:, :, channel])
    tactical, brand, slope = np.empty(shape), np.empty(shape), np.empty(shape[:2])
    spec = response.density.spec
    if curves.CUSTOM in (spec.adstock[channel], spec.saturation[channel]):
        drawn = _own_curves(response, channel, table, scaled, early, moved)
        _own_transform(table, means, *drawn, weight, deviation, wandering, tactical, brand, slope)
    else:
        evaluate = kernel.channel_draws if scaled.ndim == 2 else each_draw
        evaluate(
            table, means, spec.adstock[channel], spec.saturation[channel], spec.reach[channel],
            scaled, early, moved, weight, deviation, wandering, tactical, brand, slope,
        )  # fmt: skip
    unit = response.unit
    if not response.multiplicative:
        tactical *= unit[None, :, None]
        brand *= unit[None, :, None]
    return Effect(tactical, brand, slope * unit[None, :])


def _own_curves(
    response: Response,
    channel: int,
    table: np.ndarray,
    scaled: np.ndarray,
    early: np.ndarray,
    moved: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """`curve_draws` of a channel, draw by draw where each has media of its own."""
    spec = response.density.spec
    names = (spec.adstock_names[channel], spec.saturation_names[channel], spec.reach[channel])
    if scaled.ndim == 2:
        return curve_draws(*names, table, scaled, early, moved)
    each = [
        curve_draws(*names, table[i : i + 1], scaled[i], early[i], moved[i])
        for i in range(len(table))
    ]
    return tuple(np.concatenate(part) for part in zip(*each, strict=True))


def _own_transform(
    table: np.ndarray,
    means: np.ndarray,
    now: np.ndarray,
    start: np.ndarray,
    step: np.ndarray,
    worth: np.ndarray,
    deviation: np.ndarray,
    moving: np.ndarray,
    tactical: np.ndarray,
    brand: np.ndarray,
    slope: np.ndarray,
) -> None:
    """What `kernel.channel_draws` makes of a channel's curve, for curves only PyTensor knows:
    now (D, G, T), start (D, G) and step (D, G, T) of `curve_draws`. Fills the last three."""
    keep = 2.0 ** (-1.0 / table[:, curves.MEMORY, None])
    share, split = table[:, curves.SHARE], table[:, curves.SPLIT]
    parts = np.stack([share * (1.0 - split), share * split], axis=1)
    gains = np.divide(parts, means, out=np.zeros_like(parts), where=(parts > 0) & (means > 0))
    first, second = gains[:, 0, None], gains[:, 1, None]
    level, rise = start, np.zeros_like(start)
    slope[:] = 0.0
    for t in range(now.shape[2]):
        factor = deviation + moving[:, t, None]
        level = keep * level + (1.0 - keep) * now[:, :, t]
        rise = keep * rise + (1.0 - keep) * step[:, :, t]
        tactical[:, :, t] = factor * first * now[:, :, t]
        brand[:, :, t] = factor * second * level
        slope += worth[:, t] * factor * (first * step[:, :, t] + second * rise)
    slope += worth[:, -1] * factor * second * rise * keep / (1.0 - keep)


def _scaled(response: Response, channel: int, media: np.ndarray) -> np.ndarray:
    """Media (..., T, G) of one channel in its own units to the model's (..., G, T)."""
    scaling = response.density.design.scaling
    scaled = media / scaling.size[response.places] / scaling.media[channel]
    return np.ascontiguousarray(np.swapaxes(scaled, -1, -2))


def after_window(response: Response) -> int:
    """Periods followed past the last one, until tactical carry-over has died out and what is on
    its way along paths has arrived: as many as there are lags, where all of it ends; two years
    where it never does, where a brand stock gives back for longer, or where what comes later is
    valued at a year's outcome."""
    equations = (response, *response.paths.values())
    reach = max(8, sum(one.density.spec.lags for one in equations))
    families = {code for one in equations for code in one.density.spec.adstock}
    brand = any(any(branded(one.density.spec)) for one in equations)
    if families.isdisjoint(ENDLESS) and not (brand or response.multiplicative):
        return reach
    return max(reach, int(np.ceil(SETTLE_WEEKS / response.fit.panel.weeks_per_period)))


def brand_tail(response: Response, channel: int, brand: np.ndarray) -> np.ndarray:
    """What the brand stock earns after the last period of `brand` (D, G, T), once nothing feeds
    it: a geometric series, (D, G)."""
    keep = 2.0 ** (-1.0 / response.table[:, channel, curves.MEMORY])
    return brand[:, :, -1] * (keep / (1.0 - keep))[:, None]
