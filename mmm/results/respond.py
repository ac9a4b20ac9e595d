"""The response engine: a spend plan in, outcome draws by component out.

Every number downstream (contributions, ROI, curves, forecast, cash) is read from the same
posterior through the functions here, so no two can disagree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm.inference.fit import Fit
from mmm.model import curves, kernel
from mmm.model.density import Density
from mmm.model.design import INTERCEPT, BaselineRows, scale_media

RESULT_DRAWS = 1000
"""Draws that results are read from, spread evenly over the posterior."""
SETTLE_WEEKS = 104.0
"""How long tactical carry-over is followed after the window; the brand stock to infinity."""


@dataclass(frozen=True, slots=True)
class Response:
    """A posterior made ready for counterfactuals, D draws spread evenly over all chains.

    table (D, C, columns), means (D, C, 2) normalisers of the fit window, sigma (D, G),
    own (D, G, K0) and shared (D, P) baseline coefficients in units of geo mean outcome,
    deviation (D, G, C) geo factors of each channel, trend_scale (D,), geo_trend_scale (D,).
    totals (chain, draw, C) holds every draw's contribution in the window, for diagnostics.
    """

    fit: Fit
    density: Density
    table: np.ndarray
    means: np.ndarray
    sigma: np.ndarray
    own: np.ndarray
    shared: np.ndarray
    deviation: np.ndarray
    trend_scale: np.ndarray
    geo_trend_scale: np.ndarray
    totals: np.ndarray

    @property
    def draws(self) -> int:
        return self.table.shape[0]

    @property
    def level(self) -> np.ndarray:
        """Mean outcome of each geo, (G,): what shares are shares of."""
        return self.density.design.scaling.level


@dataclass(frozen=True, slots=True)
class Effect:
    """One channel's effect in units of outcome. tactical and brand (D, G, T); slope (D, G): the
    derivative of its worth over all time along the given direction of media."""

    tactical: np.ndarray
    brand: np.ndarray
    slope: np.ndarray

    @property
    def total(self) -> np.ndarray:
        return self.tactical + self.brand


def response(fit: Fit, draws: int = RESULT_DRAWS) -> Response:
    """Draws the linear coefficients from their exact conditional, given each posterior draw.

    All results are read from at most `draws` of them. Deterministic: the noise comes from the
    study's seed.
    """
    density = fit.density()
    values = fit.values()
    kept = np.unique(np.linspace(0, len(values) - 1, min(draws, len(values))).round().astype(int))
    slot = {index: place for place, index in enumerate(kept.tolist())}
    work = density.workspace()
    geos, channels = len(density.spec.geos), len(density.spec.channels)
    own_rows = density.design.own
    size, shared = work.own_mean.shape[1], work.shared_mean.shape[0]
    level = density.design.scaling.level
    rng = np.random.default_rng([fit.study.inference.seed, 1])
    count = len(kept)
    table = np.empty((count, channels, curves.COLUMNS))
    means, sigma = np.empty((count, channels, 2)), np.empty((count, geos))
    own, shared_out = np.empty((count, geos, own_rows)), np.empty((count, shared))
    deviation, scales = np.ones((count, geos, channels)), np.empty((count, 2))
    totals = np.empty((len(values), channels))
    own_white, shared_white = np.empty((geos, size)), np.empty(shared)
    for i, value in enumerate(values):
        cells = density.cells(value)
        density.moments(cells, work)
        parts = density.split(cells)
        kernel.draw_coefficients(
            work.lower, work.solved, work.schur_lower, work.own_mean, work.shared_mean,
            rng.standard_normal((geos, size)), rng.standard_normal(shared),
            own_white, shared_white,
        )  # fmt: skip
        factor = np.ones((geos, channels))
        if density.spec.pooled:
            factor += own_white[:, own_rows:] * parts[0][:, curves.SPREAD]
        totals[i] = (level[:, None] * factor * work.effect.sum(axis=2)).sum(axis=0)
        place = slot.get(i)
        if place is None:
            continue
        table[place], sigma[place], means[place] = parts[0], parts[1], work.means
        own[place] = own_white[:, :own_rows] * parts[2]
        shared_out[place] = shared_white * parts[3]
        deviation[place] = factor
        scales[place] = cells[-2:]
    chains = fit.posterior.sizes["chain"]
    return Response(
        fit, density, table, means, sigma, own, shared_out, deviation, scales[:, 0], scales[:, 1],
        totals.reshape(chains, -1, channels),
    )  # fmt: skip


def channel_effect(
    response: Response,
    channel: int,
    media: np.ndarray,
    *,
    carry_in: float = 1.0,
    direction: np.ndarray | None = None,
    worth: np.ndarray | None = None,
) -> Effect:
    """The effect of one channel under `media` (T, G), exposure in its own units.

    The first period of `media` is the first of the fit window; periods past its end are the
    future. `carry_in` scales the level before the window (0: never advertised before).
    `direction` (T, G) is a change of media along which the slope is taken, zero by default;
    `worth` (T, G) is what a unit of outcome counts in it, 1 by default.
    """
    density = response.density
    design = density.design
    scaled = _scaled(response, channel, media)
    moved = np.zeros_like(scaled) if direction is None else _scaled(response, channel, direction)
    weight = np.ones_like(media) if worth is None else worth
    table = np.ascontiguousarray(response.table[:, channel])
    shape = (len(table), *scaled.shape)
    tactical, brand, slope = np.empty(shape), np.empty(shape), np.empty(shape[:2])
    kernel.channel_draws(
        table,
        np.ascontiguousarray(response.means[:, channel]),
        density.adstock[channel],
        density.saturation[channel],
        density.spec.lags,
        scaled,
        np.ascontiguousarray(design.early[:, channel] * carry_in),
        moved,
        np.ascontiguousarray(weight.T),
        np.ascontiguousarray(response.deviation[:, :, channel]),
        tactical,
        brand,
        slope,
    )
    level = response.level
    tactical *= level[None, :, None]
    brand *= level[None, :, None]
    return Effect(tactical, brand, slope * level[None, :])


def _scaled(response: Response, channel: int, media: np.ndarray) -> np.ndarray:
    scaling = response.density.design.scaling
    padded = np.zeros((*media.shape, len(scaling.media)))
    padded[:, :, channel] = media
    return np.ascontiguousarray(scale_media(padded, scaling)[:, channel])


def baseline_effect(response: Response, rows: BaselineRows, components: set[str]) -> np.ndarray:
    """Baseline rows of the named components, summed, in units of outcome, (D, G, T)."""
    own = np.array([name in components for name in rows.own_component], dtype=bool)
    shared = np.array([name in components for name in rows.shared_component], dtype=bool)
    geos = len(response.level)
    total = np.zeros((response.draws, geos, rows.shared.shape[2]))
    if shared.any():
        for g in range(geos):
            total[:, g] = response.shared[:, shared] @ rows.shared[g, shared]
    if own.any():
        total += response.own[:, :, own] @ rows.own[own]
    if "baseline" in components:
        total += INTERCEPT
    return total * response.level[None, :, None]


def after_window(response: Response) -> int:
    """Periods followed past the last one, until tactical carry-over has died out."""
    weeks = response.fit.panel.weeks_per_period
    return max(8, int(np.ceil(SETTLE_WEEKS / weeks)))


def brand_tail(response: Response, channel: int, brand: np.ndarray) -> np.ndarray:
    """What the brand stock earns after the last period of `brand` (D, G, T), once nothing feeds
    it: a geometric series, (D, G)."""
    keep = 2.0 ** (-1.0 / response.table[:, channel, curves.MEMORY])
    return brand[:, :, -1] * (keep / (1.0 - keep))[:, None]
