"""The response engine: a spend plan in, outcome draws by component out.

Every number downstream (contributions, ROI, curves, forecast, cash) is read from the same
posterior through the functions here, so no two can disagree. They work on the predictor, which
`mmm.results.outcome` turns into outcome.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mmm.inference.fit import Fit
from mmm.model import curves, kernel
from mmm.model.density import Density, Draw
from mmm.model.design import BaselineRows, drift_rows
from mmm.model.own import curve_draws
from mmm.results.threads import each_in_threads

RESULT_DRAWS = 1000
"""Draws that results are read from, spread evenly over the posterior."""
SETTLE_WEEKS = 104.0
"""How long tactical carry-over is followed after the window; the brand stock to infinity."""


@dataclass(frozen=True, slots=True)
class Response:
    """A posterior made ready for counterfactuals, D draws spread evenly over all chains.

    table (D, C, columns), means (D, C, 2) normalisers of the fit window, sigma (D, G), nu (D,),
    own (D, G, K0) and shared (D, P) baseline coefficients in units of `Design.outcome`,
    deviation (D, G, C) geo factors of each channel, drift (D, C, B) how they move over time,
    trend_scale (D,), geo_trend_scale (D,).
    totals (chain, draw, C) holds every draw's contribution in the window, for diagnostics; on the
    log scale times mean outcome where effects multiply. numbers (D,) tells draws apart and
    places (G,) geos of the panel: all of them, or a block.
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
    add, log points where they multiply. tactical and brand (D, G, T); slope (D, G): the
    derivative of its worth over all time along the given direction of media."""

    tactical: np.ndarray
    brand: np.ndarray
    slope: np.ndarray

    @property
    def total(self) -> np.ndarray:
        return self.tactical + self.brand


def response(fit: Fit, draws: int = RESULT_DRAWS) -> Response:
    """Draws the linear coefficients from their exact conditional, given each posterior draw.

    All results are read from at most `draws` of them. Deterministic: each draw's noise comes
    from the study's seed and its number.
    """
    density = fit.density()
    values = fit.values()
    kept = np.unique(np.linspace(0, len(values) - 1, min(draws, len(values))).round().astype(int))
    wanted = set(kept.tolist())
    level, seed = density.design.scaling.level, fit.study.inference.seed

    def read(numbers: range) -> tuple[list[Draw], np.ndarray]:
        pool, found = density.workspace(), []
        totals = np.empty((len(numbers), len(density.spec.channels)))
        for place, number in enumerate(numbers):
            draw = density.draw(values[number], pool, np.random.default_rng([seed, 1, number]))
            totals[place] = _window_totals(draw, density.design.drift, level)
            if number in wanted:
                found.append(replace(draw, effect=np.empty((0, 0, 0))))  # the largest by far
        return found, totals

    parts = each_in_threads(read, _spans(len(values)), alone=density.spec.custom)
    every = [draw for found, _ in parts for draw in found]
    stacked = {
        name: np.array([getattr(draw, name) for draw in every])
        for name in ("table", "means", "sigma", "nu", "own", "shared", "deviation", "drift")
    }
    scales = np.array([draw.scales for draw in every])
    totals = np.concatenate([totals for _, totals in parts])
    return Response(
        fit=fit,
        density=density,
        **stacked,
        trend_scale=scales[:, 0],
        geo_trend_scale=scales[:, 1],
        totals=totals.reshape(fit.posterior.sizes["chain"], -1, totals.shape[1]),
        numbers=kept,
        places=np.arange(len(level)),
    )


def _spans(count: int, size: int = 100) -> list[range]:
    """`count` numbers in runs of `size`."""
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def _window_totals(draw: Draw, drift: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Each channel's effect in the window, in units of outcome, (C,)."""
    total = np.einsum("gc,gtc,g->c", draw.deviation, draw.effect, level)
    if drift.shape[0]:
        total += np.einsum("ck,kt,gtc,g->c", draw.drift, drift, draw.effect, level, optimize=True)
    return total


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


def channel_effect(
    response: Response,
    channel: int,
    media: np.ndarray,
    *,
    carry_in: float = 1.0,
    direction: np.ndarray | None = None,
    worth: np.ndarray | None = None,
) -> Effect:
    """The effect of one channel under `media` (T, G), exposure in its own units, in the
    response's geos.

    The first period of `media` is the first of the fit window; periods past its end are the
    future. `carry_in` scales the level before the window (0: never advertised before).
    `direction` (T, G) is a change of media along which the slope is taken, zero by default;
    `worth` (T, G) is what a unit of outcome counts in it, 1 by default.
    """
    density = response.density
    scaled = _scaled(response, channel, media)
    moved = np.zeros_like(scaled) if direction is None else _scaled(response, channel, direction)
    weight = np.ones_like(scaled) if worth is None else np.ascontiguousarray(worth.T)
    table = np.ascontiguousarray(response.table[:, channel])
    means = np.ascontiguousarray(response.means[:, channel])
    early = np.ascontiguousarray(density.design.early[response.places, channel] * carry_in)
    deviation = np.ascontiguousarray(response.deviation[:, :, channel])
    moving = wander(response, channel, scaled.shape[1])
    shape = (len(table), *scaled.shape)
    tactical, brand, slope = np.empty(shape), np.empty(shape), np.empty(shape[:2])
    spec = density.spec
    if curves.CUSTOM in (spec.adstock[channel], spec.saturation[channel]):
        drawn = curve_draws(
            spec.adstock_names[channel], spec.saturation_names[channel], spec.reach[channel], table,
            scaled, early, moved,
        )  # fmt: skip
        _own_transform(table, means, *drawn, weight, deviation, moving, tactical, brand, slope)
    else:
        kernel.channel_draws(
            table, means, spec.adstock[channel], spec.saturation[channel], spec.reach[channel],
            scaled, early, moved, weight, deviation, moving, tactical, brand, slope,
        )  # fmt: skip
    unit = response.unit
    if not response.multiplicative:
        tactical *= unit[None, :, None]
        brand *= unit[None, :, None]
    return Effect(tactical, brand, slope * unit[None, :])


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
    """Media (T, G) of one channel in its own units to the model's (G, T)."""
    scaling = response.density.design.scaling
    return np.ascontiguousarray((media / scaling.size[response.places] / scaling.media[channel]).T)


def baseline_effect(response: Response, rows: BaselineRows, components: set[str]) -> np.ndarray:
    """Baseline rows of the named components, summed, in `Response.unit`, (D, G, T).

    `rows` are of all geos of the panel."""
    own = np.array([name in components for name in rows.own_component], dtype=bool)
    shared = np.array([name in components for name in rows.shared_component], dtype=bool)
    total = np.zeros((response.draws, len(response.places), rows.own.shape[1]))
    if shared.any():
        for g, place in enumerate(response.places):
            total[:, g] = response.shared[:, shared] @ rows.shared[place, shared]
    if own.any():
        total += response.own[:, :, own] @ rows.own[own]
    if "baseline" in components:
        total += response.density.design.centre
    return total * response.unit[None, :, None]


def after_window(response: Response) -> int:
    """Periods followed past the last one, until tactical carry-over has died out."""
    weeks = response.fit.panel.weeks_per_period
    return max(8, int(np.ceil(SETTLE_WEEKS / weeks)), response.density.spec.lags)


def brand_tail(response: Response, channel: int, brand: np.ndarray) -> np.ndarray:
    """What the brand stock earns after the last period of `brand` (D, G, T), once nothing feeds
    it: a geometric series, (D, G)."""
    keep = 2.0 ** (-1.0 / response.table[:, channel, curves.MEMORY])
    return brand[:, :, -1] * (keep / (1.0 - keep))[:, None]
