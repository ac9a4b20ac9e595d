"""Seeds: whether another seed changes returns by more than sampling is known to err."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from arviz_stats import mcse
from scipy import stats

from mmm.config import Study
from mmm.data.panel import Panel
from mmm.efficiency.dated import returns_on
from mmm.evaluate.bench import Bench
from mmm.inference.fit import Fit
from mmm.results.respond import RESULT_DRAWS, Response, response

FALSE_ALARM = 0.01
"""Chance that any of the comparisons is called too far where all is well."""


@dataclass(frozen=True, slots=True)
class Reseeding:
    """Return of a channel under another seed: means, Monte Carlo standard errors, the difference
    in standard errors of it (`z`) and over the width of the 90 % interval (`of_interval`)."""

    seed: int
    channel: str
    mean: float
    mean_other: float
    error: float
    error_other: float
    z: float
    of_interval: float


@dataclass(frozen=True, slots=True)
class Seeds:
    """Refits with other seeds, at the study's own chains and draws. `limit` is the |z| that none
    of the comparisons passes in 99 of 100 cases."""

    rows: tuple[Reseeding, ...]
    limit: float
    largest_z: float
    largest_of_interval: float
    within_error: bool
    reading: str
    advice: tuple[str, ...]


def by_chain(fitted: Fit) -> Response:
    """The response on equally many draws of every chain, at most `RESULT_DRAWS` in all."""
    chains, draws = fitted.posterior.sizes["chain"], fitted.posterior.sizes["draw"]
    return response(fitted, chains * min(draws, RESULT_DRAWS // chains))


def seeds(base: Fit, study: Study, panel: Panel, count: int, bench: Bench) -> Seeds:
    """Fits `study` with `count` other seeds and compares every channel's mean return with that of
    `base`, errors by Vehtari et al. (2021), "Rank-normalization, folding, and localization"."""
    chains = base.posterior.sizes["chain"]
    own = returns_on(by_chain(base), panel.dates)
    rows = []
    for number in range(1, count + 1):
        seed = study.inference.seed + number
        other = study.model_copy(
            update={"inference": study.inference.model_copy(update={"seed": seed})}
        )
        fitted = bench.fit(f"seed {seed}", other, panel)
        found = returns_on(by_chain(fitted), panel.dates)
        rows += [compared(seed, name, own[name], found[name], chains) for name in own]
    return judged(tuple(rows))


def compared(seed: int, channel: str, own: np.ndarray, other: np.ndarray, chains: int) -> Reseeding:
    """Two posteriors of one return, draws (D,) chain by chain."""
    errors = [float(mcse(draws.reshape(chains, -1), method="mean")) for draws in (own, other)]
    difference = float(other.mean() - own.mean())
    width = float(np.diff(np.quantile(own, [0.05, 0.95]))[0])
    joint = float(np.hypot(errors[0], errors[1]))
    return Reseeding(
        seed, channel, float(own.mean()), float(other.mean()), *errors,
        z=difference / joint if joint > 0 else 0.0,
        of_interval=abs(difference) / width if width > 0 else 0.0,
    )  # fmt: skip


def judged(rows: tuple[Reseeding, ...]) -> Seeds:
    """The comparisons together (Bonferroni)."""
    limit = float(stats.norm.isf(FALSE_ALARM / (2 * max(1, len(rows)))))
    largest = max((abs(row.z) for row in rows), default=0.0)
    widest = max((row.of_interval for row in rows), default=0.0)
    within = largest <= limit
    if not rows:
        reading = "Nothing was compared: no channel has a cost."
    elif within:
        reading = (
            f"Another seed changes no return by more than sampling explains (at most {largest:.1f} "
            f"Monte Carlo standard errors, limit {limit:.1f}), nor by more than {widest:.1%} of "
            "its 90 % interval."
        )
    else:
        worst = max(rows, key=lambda row: abs(row.z))
        reading = (
            f"Another seed changes the return of '{worst.channel}' from {worst.mean:.3g} to "
            f"{worst.mean_other:.3g}, {abs(worst.z):.1f} Monte Carlo standard errors (limit "
            f"{limit:.1f}): the chains have not settled on one answer."
        )
    advice = () if within else ("Raise 'tune' and 'draws' of 'inference', then run again.",)
    return Seeds(rows, limit, largest, widest, within, reading, advice)
