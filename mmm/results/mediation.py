"""What a channel does through paths: a change of media carried along the graph of a study.

A path acts in proportion: what a channel moved of it, lagged, times the effect of one unit. So
the parts of all channels and the part none of them moved add up to the whole, draw by draw; that
last part is held as it was (abduction; Pearl, 2009, "Causality", 7.1).

A path that is also bought acts through its channel's own curve f of the media x. What channels
moved of it, d, is theirs: f(x) - f(x - d) is split among them in proportion to their parts of d,
and f(x - d) stays the channel's own. Under another plan each unit moved counts what such units
did at that date, past the window what they did in its last year.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmm.results.carried import Moved, stocks, through
from mmm.results.regression import Effect, Response, brand_tail, direct_effect

STEP = 1e-4
"""Change of media over which a derivative along paths is taken, relative."""


def inputs(response: Response) -> tuple[str, ...]:
    """Names of the regressors of one equation, channels and paths."""
    return response.density.spec.channels


def bought(whole: Response) -> Mapping[str, str]:
    """Of each channel whose media is a path: the path's name."""
    key = ("graph", "bought")
    if key not in whole.known:
        whole.known[key] = whole.fit.study.routes().bought if whole.paths else {}
    return whole.known[key]


def moved_paths(
    whole: Response,
    channel: str,
    media: np.ndarray,
    *,
    carry_in: float = 1.0,
    until: str | None = None,
) -> dict[str, Moved]:
    """What `channel` moves of each path that it reaches, under `media` (S, G), or (D, S, G), in
    its own units, with the level before the window `carry_in` times as it was.

    `until` names the last path that is asked for.
    """
    observed = _observed(whole, channel) * carry_in
    found: dict[str, Moved] = {}
    for name, path in whole.paths.items():
        parts = list(arriving(whole, path, found).values())
        if channel in inputs(path):
            place = inputs(path).index(channel)
            effect = input_effect(whole, path, place, media, carry_in=carry_in)
            early = observed[: path.density.spec.early_periods]
            start = input_effect(whole, path, place, early, carry_in=carry_in)
            tail = brand_tail(path, place, effect.brand)
            parts.append(Moved(effect.total, start.total, tail))
        if parts:
            found[name] = together(parts)
        if name == until:
            break
    return found


def together(parts: Sequence[Moved]) -> Moved:
    """The sum of one part or more."""
    return sum(parts[1:], parts[0])


def arriving(whole: Response, equation: Response, found: Mapping[str, Moved]) -> dict[str, Moved]:
    """What comes into one equation through the paths `found`, by regressor."""
    buys = bought(whole)
    parts = {}
    for place, name in enumerate(inputs(equation)):
        if name in found:
            parts[name] = through(equation, place, found[name])
        elif buys.get(name) in found:
            parts[name] = credited(whole, equation, place, found[buys[name]])
    return parts


def input_effect(
    whole: Response,
    equation: Response,
    place: int,
    media: np.ndarray,
    *,
    carry_in: float = 1.0,
    direction: np.ndarray | None = None,
    worth: np.ndarray | None = None,
) -> Effect:
    """What a channel does in one equation itself under `media` (S, G); where it buys a path, by
    the part of its media that no channel moved. The rest as `direct_effect`."""
    if inputs(equation)[place] not in bought(whole):
        return direct_effect(
            equation, place, media, carry_in=carry_in, direction=direction, worth=worth
        )
    credit = credit_of(whole, equation, place)
    own = np.swapaxes(credit.after(credit.own, media.shape[-2]), 1, 2)
    return direct_effect(
        equation,
        place,
        media * own,
        carry_in=carry_in * credit.own_before,
        direction=None if direction is None else direction * own,
        worth=worth,
    )


@dataclass(frozen=True, slots=True)
class Credit:
    """How the effect of a bought path is divided, in the window as it was.

    own (D, G, T): the part of the media that no channel moved, own_before (D, G) before the
    window. cap (D, G, T) and cap_start (D, G, E): what of all that channels moved there was
    media for. now and stock (D, G, T): the effect of a moved unit, carried over, and in the
    brand stock. year: periods whose mean holds after the window.
    """

    own: np.ndarray
    own_before: np.ndarray
    cap: np.ndarray
    cap_start: np.ndarray
    now: np.ndarray
    stock: np.ndarray
    year: int

    def after(self, part: np.ndarray, periods: int) -> np.ndarray:
        """A part of the above over `periods` from the first of the window on."""
        if periods <= part.shape[2]:
            return part[:, :, :periods]
        mean = part[:, :, -self.year :].mean(axis=2, keepdims=True)
        return np.concatenate([part, np.repeat(mean, periods - part.shape[2], axis=2)], axis=2)


def credit_of(whole: Response, equation: Response, place: int) -> Credit:
    """The credit of the bought path whose channel is at `place`, worked out once."""
    channel = inputs(equation)[place]
    key = ("" if equation is whole else equation.fit.study.study, channel)
    if key not in whole.known:
        whole.known[key] = _credit(whole, equation, place, channel)
    return whole.known[key]


def _credit(whole: Response, equation: Response, place: int, channel: str) -> Credit:
    panel = whole.fit.panel
    path = bought(whole)[channel]
    media = _observed(whole, channel)
    parts = [
        found[path]
        for name in panel.channels
        if path in (found := moved_paths(whole, name, _observed(whole, name), until=path))
    ]
    moved = together(parts)
    taken, cap = _capped(moved.series, media.T)
    early = media[: moved.start.shape[2]].T
    start, cap_start = _capped(moved.start, early)
    own = 1.0 - _over(taken, media.T)
    own_before = 1.0 - _over(start.mean(axis=2), early.mean(axis=1))
    full = direct_effect(equation, place, media)
    mine = direct_effect(equation, place, media * np.swapaxes(own, 1, 2), carry_in=own_before)
    now, stock = stocks(equation, place, taken, start.mean(axis=2))
    return Credit(
        own,
        own_before,
        cap,
        cap_start,
        _over(full.tactical - mine.tactical, now),
        _over(full.brand - mine.brand, stock),
        max(1, round(panel.periods_per_year)),
    )


def credited(whole: Response, equation: Response, place: int, moved: Moved) -> Moved:
    """What `moved` of a bought path does in one equation."""
    credit = credit_of(whole, equation, place)
    periods = moved.series.shape[2]
    cap = np.ones(moved.series.shape)
    cap[:, :, : credit.cap.shape[2]] = credit.cap[:, :, :periods]
    series, start = moved.series * cap, moved.start * credit.cap_start
    before = start.mean(axis=2)
    by_now, by_stock = (credit.after(part, periods) for part in (credit.now, credit.stock))
    now, stock = stocks(equation, place, series, before)
    early_now, early_stock = stocks(equation, place, start, before)
    span = start.shape[2]
    # what goes in comes out, so what has not is still to come
    coming = series.sum(axis=2) + moved.to_come
    to_come = by_now[:, :, -1] * (coming - now.sum(axis=2))
    to_come += by_stock[:, :, -1] * (coming - stock.sum(axis=2))
    return Moved(
        by_now * now + by_stock * stock,
        by_now[:, :, :span] * early_now + by_stock[:, :, :span] * early_stock,
        to_come,
    )


def _capped(moved: np.ndarray, media: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`moved` (D, G, T) within nothing and `media` (G, T), and what part of it that is."""
    inside = np.clip(moved, 0.0, media)
    return inside, _over(inside, moved)


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, zero where there is nothing."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _observed(whole: Response, channel: str) -> np.ndarray:
    """A channel's media in the window, (T, G)."""
    panel = whole.fit.panel
    return panel.dataset["media"].values[:, whole.places, panel.channels.index(channel)]


def channel_effect(
    response: Response,
    channel: int,
    media: np.ndarray,
    *,
    carry_in: float = 1.0,
    direction: np.ndarray | None = None,
    worth: np.ndarray | None = None,
) -> Effect:
    """All that one channel of the study does to the outcome under `media` (T, G), or (D, T, G)
    where draws differ, exposure in its own units, in the response's geos: itself, and through the
    paths it moves.

    The first period of `media` is the first of the fit window; periods past its end are the
    future. `carry_in` scales the level before the window (0: never advertised before).
    `direction` (T, G) is a change of media along which the slope is taken, zero by default;
    `worth` (T, G) is what a unit of outcome counts in it, 1 by default.
    """
    own = input_effect(
        response, response, channel, media, carry_in=carry_in, direction=direction, worth=worth
    )
    if not response.paths:
        return own
    name = inputs(response)[channel]
    mediated = _mediated(response, name, media, carry_in)
    if mediated is None:
        return own
    slope = own.slope
    if direction is not None:
        weight = np.ones(media.shape) if worth is None else worth
        more = _mediated(response, name, media + STEP * direction, carry_in) or mediated
        change = np.einsum("dgt,tg->dg", more.series - mediated.series, weight)
        slope = slope + (change + (more.to_come - mediated.to_come) * weight[-1]) / STEP
    return Effect(own.tactical, own.brand, slope, mediated.series, mediated.to_come)


def _mediated(response: Response, channel: str, media: np.ndarray, carry_in: float) -> Moved | None:
    """What a channel does to the outcome through paths; None where it moves none."""
    parts = arriving(response, response, moved_paths(response, channel, media, carry_in=carry_in))
    return together([*parts.values()]) if parts else None
