"""Brand: what the window's spending earns through the brand stock, soon and late.

What comes through paths passes like the tactical part and is counted with it. Of all that the
window's spending causes (with it against without it, as in `caused`), the short term is the
tactical part and what the brand stock gives back within `SHORT_TERM_WEEKS` after the
exposure that fed it. With b_t the brand effect and r what the stock keeps a period,

    short_t = b_t - r^n b_{t-n}

is what the last n periods fed, the present one included. The long-run multiplier is all over
short term. A stock alone has 1 / (1 - r^n).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.config.channel import Role
from mmm.config.references import SHORT_TERM_WEEKS
from mmm.data.costs import loaded_cost
from mmm.dims import CHANNEL, DATE, GEO
from mmm.efficiency.caused import Horizon, horizon, over_time, year_of
from mmm.efficiency.roi import TOTAL
from mmm.model import curves
from mmm.results.blocks import by_geo
from mmm.results.outcome import shrink, whole_outcome
from mmm.results.respond import Response, brand_tail, channel_effect, wander
from mmm.results.summary import SUFFIXES, summarise, summary_columns

ALL_GEOS = ""
"""`geo` of the rows in which all geos are taken together."""


@dataclass(frozen=True, slots=True)
class Earned:
    """What the window's spending causes, (D, G): outcome, and by name its value in money.

    tactical, what comes through paths included; brand_window, brand_after: through the brand
    stock, in the window and after it; after: tactical and brand after the window; short: in the
    short term.
    """

    tactical: np.ndarray
    brand_window: np.ndarray
    brand_after: np.ndarray
    after: np.ndarray
    short: np.ndarray
    tactical_value: np.ndarray
    brand_value: np.ndarray

    @property
    def brand(self) -> np.ndarray:
        return self.brand_window + self.brand_after

    @property
    def caused(self) -> np.ndarray:
        return self.tactical + self.brand


NAMES = tuple(Earned.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Parts:
    """A change of the predictor taken apart, (D, G, S); what is still to come after the last
    period of its brand part and through paths, summed (D, G); and what of the change outlasts that
    period (D, G)."""

    tactical: np.ndarray
    brand: np.ndarray
    short: np.ndarray
    to_come: np.ndarray
    arriving: np.ndarray
    last: np.ndarray

    def __add__(self, other: Parts) -> Parts:
        return Parts(
            self.tactical + other.tactical,
            self.brand + other.brand,
            self.short + other.short,
            self.to_come + other.to_come,
            self.arriving + other.arriving,
            self.last + other.last,
        )


def short_term_periods(response: Response) -> int:
    """Periods of the short term; one where periods are longer."""
    return max(1, round(SHORT_TERM_WEEKS / response.fit.panel.weeks_per_period))


def soon(
    brand: np.ndarray, keep: np.ndarray, periods: int, factor: np.ndarray | None = None
) -> np.ndarray:
    """The part of `brand` (D, G, S) that the last `periods` fed, the present one included.

    `keep` (D,) is what the stock keeps a period; `factor` (D, G, S) what moves the channel's
    effect over time, which the stock itself does not have.
    """
    short = brand.copy()
    stock = brand
    if factor is not None:
        stock = np.divide(brand, factor, out=np.zeros_like(brand), where=factor != 0)
    old = (keep**periods)[:, None, None] * stock[:, :, :-periods]
    short[:, :, periods:] -= old if factor is None else factor[:, :, periods:] * old
    return short


def brand_earnings(response: Response) -> list[Earned]:
    """One entry a channel, and last all channels together.

    Where effects multiply, a channel's caused outcome is shared between its parts in proportion
    to their changes of the predictor, and so is what all channels cause together.
    """
    span = horizon(response)
    held = 4 * (1 if span.rows is None else 2)
    blocks = by_geo(response, len(span.media), lambda some: _block(some, span), arrays=held)
    return [
        Earned(
            **{name: np.concatenate([getattr(p, name) for p in parts], axis=1) for name in NAMES}
        )
        for parts in zip(*blocks, strict=True)
    ]


def _block(response: Response, span: Horizon) -> list[Earned]:
    """`brand_earnings` of the response's geos."""
    whole = None if span.rows is None else whole_outcome(response, span.rows, span.media)
    found: list[Earned] = []
    together: list[Parts] = []  # of all channels so far
    for channel in range(span.media.shape[2]):
        parts = _caused_parts(response, channel, span.media[:, response.places, channel])
        found.append(_earned(response, span, parts, whole))
        if whole is not None:
            together = [together[0] + parts] if together else [parts]
    if whole is not None:
        return [*found, _earned(response, span, together[0], whole)]
    sums = {name: np.sum([getattr(one, name) for one in found], axis=0) for name in NAMES}
    return [*found, Earned(**sums)]


def _caused_parts(response: Response, channel: int, spent: np.ndarray) -> Parts:
    """How the predictor changes with the spending `spent` (S, G) against none."""
    with_it = channel_effect(response, channel, spent)
    without = channel_effect(response, channel, np.zeros_like(spent))
    tactical, brand = with_it.passing - without.passing, with_it.brand - without.brand
    arriving, last = np.zeros(brand.shape[:2]), brand[:, :, -1]
    if with_it.to_come is not None and without.to_come is not None:
        arriving = with_it.to_come - without.to_come
    if with_it.mediated is not None and without.mediated is not None:
        last = last + with_it.mediated[:, :, -1] - without.mediated[:, :, -1]
    if not response.fit.study.channels[channel].role.has_brand:
        return Parts(tactical, brand, brand, np.zeros(brand.shape[:2]), arriving, last)
    keep = 2.0 ** (-1.0 / response.table[:, channel, curves.MEMORY])
    factor = None
    if channel in response.density.spec.drifting:
        factor = (
            response.deviation[:, :, channel, None]
            + wander(response, channel, brand.shape[2])[:, None, :]
        )
    short = soon(brand, keep, short_term_periods(response), factor)
    return Parts(tactical, brand, short, brand_tail(response, channel, brand), arriving, last)


def _earned(response: Response, span: Horizon, parts: Parts, whole: np.ndarray | None) -> Earned:
    """Outcome and value of a change of the predictor."""
    worth = span.worth[:, response.places]
    tactical, brand, short, tail = parts.tactical, parts.brand, parts.short, parts.to_come
    arriving = parts.arriving
    if whole is not None:
        change = tactical + brand
        unit = whole * shrink(change)
        # the time after the horizon is valued as `caused.multiplied` does
        later = shrink(parts.last) * whole[:, :, -year_of(response) :].mean(axis=2)
        tail, arriving = tail * later, arriving * later
        tactical, brand, short = tactical * unit, brand * unit, short * unit
    end = len(response.fit.panel.dates)
    now, now_value = over_time(tactical, worth)
    later, later_value = over_time(brand, worth)
    return Earned(
        tactical=now + arriving,
        brand_window=brand[:, :, :end].sum(axis=2),
        brand_after=later - brand[:, :, :end].sum(axis=2) + tail,
        after=(tactical + brand)[:, :, end:].sum(axis=2) + tail + arriving,
        short=now + short.sum(axis=2),
        tactical_value=now_value + arriving * worth[-1],
        brand_value=later_value + tail * worth[-1],
    )


def has_brand(response: Response) -> bool:
    """Whether any channel of the study builds a brand."""
    return any(channel.role.has_brand for channel in response.fit.study.channels)


def brand_table(response: Response, earned: list[Earned] | None = None) -> pd.DataFrame:
    """`brand.csv`: one row a channel and `total`, first all geos together, then by geo.

    See `docs/artefacts.md` for the columns. Geo rows are there where there is more than one.
    """
    earned = earned or brand_earnings(response)
    study, panel = response.fit.study, response.fit.panel
    cost = loaded_cost(panel, study.channels).sum(DATE).transpose(CHANNEL, GEO).values
    cost = np.concatenate([cost, cost.sum(axis=0, keepdims=True)])
    roles = [channel.role for channel in study.channels]
    low = np.array([float(role is Role.BRAND) for role in roles])
    high = np.array([float(role.has_brand) for role in roles])
    places: list[tuple[str, slice]] = [(ALL_GEOS, slice(None))]
    if len(panel.geos) > 1:
        places += [(geo, slice(g, g + 1)) for g, geo in enumerate(panel.geos)]
    rows = []
    for geo, chosen in places:
        paid = cost[:, chosen].sum(axis=1)
        for index, name in enumerate((*panel.channels, TOTAL)):
            if name == TOTAL:
                ends = [
                    _part(float(weights @ paid[:-1]), float(paid[-1])) for weights in (low, high)
                ]
            else:
                ends = [float(low[index]), float(high[index])]
            rows.append(
                {
                    "geo": geo,
                    "channel": name,
                    "role": "" if name == TOTAL else str(roles[index]),
                    "loaded_cost": float(paid[index]),
                    "cost_brand_low": ends[0],
                    "cost_brand_high": ends[1],
                    **_row(earned[index], chosen, float(paid[index])),
                    **_half_life(response, index),
                }
            )
    return pd.DataFrame(rows)


def _row(one: Earned, chosen: slice, cost: float) -> dict[str, float]:
    """Summaries of a channel in the chosen geos, all quantiles at once."""
    total = {name: getattr(one, name)[:, chosen].sum(axis=1) for name in NAMES}
    brand = total["brand_window"] + total["brand_after"]
    caused = total["tactical"] + brand
    paid = cost if cost > 0 else float("nan")
    draws = {
        "caused": caused,
        "brand_window": total["brand_window"],
        "brand_after": total["brand_after"],
        "tail": total["after"],
        "earned_brand": _ratio(brand, caused),
        "multiplier": _ratio(caused, total["short"]),
        "roi_tactical": total["tactical_value"] / paid,
        "roi_brand": total["brand_value"] / paid,
    }
    numbers = summarise(np.stack(list(draws.values()), axis=1)).T
    row = {
        f"{name}_{suffix}": float(number)
        for name, four in zip(draws, numbers, strict=True)
        for suffix, number in zip(SUFFIXES, four, strict=True)
    }
    # a draw with next to nothing below has no say in the mean of a ratio
    row["earned_brand_mean"] = _part(float(brand.mean()), float(caused.mean()))
    row["multiplier_mean"] = _part(float(caused.mean()), float(total["short"].mean()))
    return row


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Draw by draw; NaN where nothing is below."""
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below != 0)


def _part(of: float, whole: float) -> float:
    return float(of / whole) if whole != 0 else float("nan")


def _half_life(response: Response, index: int) -> dict[str, float]:
    """Half-life in weeks of the stock that a channel feeds; of all channels where they share it,
    else NaN."""
    channels = response.fit.study.channels
    weeks = response.fit.panel.weeks_per_period
    branded = [c for c, channel in enumerate(channels) if channel.role.has_brand]
    memory = response.table[:, branded, curves.MEMORY]
    if index in branded:
        return summary_columns("half_life", response.table[:, index, curves.MEMORY] * weeks)
    if index == len(channels) and branded and (memory == memory[:, :1]).all():
        return summary_columns("half_life", memory[:, 0] * weeks)
    return {f"half_life_{suffix}": float("nan") for suffix in SUFFIXES}
