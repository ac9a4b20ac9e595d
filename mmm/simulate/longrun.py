"""What the window's spending earns soon and late: the truth behind long-run multipliers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm.simulate.oracle import Curves, contributions, periods_to_die_out, responses

SHORT_TERM_WEEKS = 13.0


@dataclass(frozen=True, slots=True)
class LongRun:
    """Outcome the window's media causes, by channel, all geos together, each (C,).

    tactical: all of it. brand_window, brand_after: through the brand stock, in the window and
    after it. after: tactical and brand outcome after the window. short_term: tactical, and of
    brand what comes within the short term after the exposure that fed it.
    """

    tactical: np.ndarray
    brand_window: np.ndarray
    brand_after: np.ndarray
    after: np.ndarray
    short_term: np.ndarray

    @property
    def caused(self) -> np.ndarray:
        return self.tactical + self.brand_window + self.brand_after


def long_run(media: np.ndarray, history: int, curves: Curves, short_term: int) -> LongRun:
    """What media (T, G, C) from period `history` on causes, media before it kept.

    A stock that keeps the part r a period gives back 1 - r^n of what feeds it within n periods,
    the one it is fed in included.
    """
    silence = np.zeros((periods_to_die_out(curves), *media.shape[1:]))
    factual = np.concatenate([media, silence])
    without = factual.copy()
    without[history:] = 0.0
    end = len(media)
    now, later = (
        with_media - no_media
        for with_media, no_media in zip(
            contributions(factual, curves), contributions(without, curves), strict=True
        )
    )
    fed = responses(factual, curves)[0] - responses(without, curves)[0]
    scale = curves.population[:, None] * curves.multiplier * curves.brand_effect
    given_back = (scale * fed.sum(axis=0)).sum(axis=0)
    tactical = now.sum(axis=(0, 1))
    return LongRun(
        tactical=tactical,
        brand_window=later[:end].sum(axis=(0, 1)),
        brand_after=later[end:].sum(axis=(0, 1)),
        after=(now[end:] + later[end:]).sum(axis=(0, 1)),
        short_term=tactical + (1.0 - curves.retention**short_term) * given_back,
    )
