"""A valuation on some of its draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mmm.plan.added import Additive
from mmm.plan.multiplied import Multiplied
from mmm.plan.worth import ChannelWorth, Valuation
from mmm.results.blocks import take_draws


def one_draw(valuation: Valuation, draw: int) -> Valuation:
    """The valuation on one draw alone."""
    return on_draws(valuation, np.array([draw]))


def on_draws(valuation: Valuation, kept: np.ndarray) -> Valuation:
    """The valuation on the draws `kept`."""

    def cut(found: ChannelWorth) -> ChannelWorth:
        names = ("table", "carried", "coef", "scale", "silent", "units")
        parts = {name: getattr(found, name) for name in names}
        return replace(
            found,
            **{name: np.ascontiguousarray(a[kept]) if len(a) else a for name, a in parts.items()},
        )

    response, measure = take_draws(valuation.response, kept), valuation.measure.take(kept)
    if isinstance(valuation, Additive):
        channels = tuple(tuple(map(cut, found)) for found in valuation.channels)
        return replace(
            valuation,
            response=response,
            measure=measure,
            channels=channels,
            constant=valuation.constant[kept],
        )
    assert isinstance(valuation, Multiplied)
    return replace(
        valuation,
        response=response,
        measure=measure,
        channels=tuple(map(cut, valuation.channels)),
        gains=tuple((a[kept], b[kept], c[kept]) for a, b, c in valuation.gains),
        factors=tuple(factor[kept] for factor in valuation.factors),
        levels=tuple(level[kept] for level in valuation.levels),
        silent=valuation.silent[kept],
        staying=valuation.staying[kept],
    )
