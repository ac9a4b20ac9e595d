"""Experiments beside the model: what each measured, what the model says, and what it moved."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from mmm.data.experiment import Experiment
from mmm.data.tested import Tested, inflated_error, media_tested
from mmm.errors import Finding, Severity
from mmm.results.blocks import by_geo
from mmm.results.influence import influence_of
from mmm.results.regression import Response
from mmm.results.respond import channel_effect
from mmm.results.summary import summary_columns

FAR = 2.5758293035489004
"""Standard deviations apart: 1 in 100 by chance."""
MISSED = 0.05
"""Chance of as many tests held back being missed, below which their number says something."""
FITTED, HELD_BACK = "fitted", "held_back"
NOISE = stats.norm.ppf((np.arange(101) + 0.5) / 101)
"""A standard normal in equal parts: what error adds to each draw."""


def predicted_lift(read: Response, test: Experiment) -> np.ndarray:
    """Draws (D,) of the outcome that `test` caused, deviations of geos and time as they are drawn.

    The difference between the changed media and the media as it was, in the geos and periods
    measured. A test that is not within the window is read after it, in a steady state. Where
    effects multiply, the mean outcome of a geo in the periods measured is what they multiply.
    """
    seen = media_tested(test, read.fit.panel)
    periods = len(read.fit.panel.dates) + (0 if seen.inside else len(seen.base))

    def caused(block: Response) -> np.ndarray:
        return _caused(block, seen)

    return np.sum(by_geo(read, periods, caused, arrays=4), axis=0)


def _caused(block: Response, seen: Tested) -> np.ndarray:
    panel = block.fit.panel
    mine = np.flatnonzero(np.isin(block.places, seen.geos))
    total = np.zeros(block.draws)
    if not len(mine):
        return total
    order = [int(np.flatnonzero(seen.geos == block.places[place])[0]) for place in mine]
    length = len(seen.base)
    start = seen.start if seen.inside else len(panel.dates)
    span = slice(start, start + length)
    for place, channel in enumerate(seen.channels):
        media = panel.dataset["media"].values[:, block.places, channel]
        if not seen.inside:
            media = np.zeros((span.stop, len(block.places)))
            media[:, mine] = seen.base[0, order, place]
        changed = media.copy()
        changed[span, mine] += seen.change[:, order, place]
        moved = channel_effect(block, int(channel), changed).total
        moved = (moved - channel_effect(block, int(channel), media).total)[:, mine, span]
        if block.multiplicative:
            outcome = panel.dataset["outcome"].values[:, block.places[mine]]
            if seen.inside:
                outcome = outcome[span]
            moved = outcome.mean(axis=0)[None, :, None] * np.expm1(moved)
        total += seen.sign * moved.sum(axis=(1, 2))
    return total


def experiments_table(read: Response) -> pd.DataFrame | None:
    """`experiments.csv`: one row an experiment; None where there is none.

    `lift` and `standard_error` as measured, `error` with what mismatch and age add. `model_`
    mean and quantiles of the lift by the posterior; `predicted_p05` and `predicted_p95` those of
    a test like this, its error included. `z` is the distance of the two over their common
    standard deviation, `covered` whether the prediction holds the lift: a score where the test
    was held back, a check of agreement where it was fitted. `weight` is the part of the doubt
    about the channel's share that this test alone took away (of a pooled one, the largest).
    """
    fit = read.fit
    if not fit.panel.experiments:
        return None
    influence = influence_of(fit, read.density.spec)
    rows = []
    for test in fit.panel.experiments:
        seen = media_tested(test, fit.panel)
        draws, error = predicted_lift(read, test), inflated_error(test, seen)
        low, high = np.quantile(draws[:, None] + error * NOISE, [0.05, 0.95])
        weights = [
            influence.weight("share", name, (test.name,))
            for name in test.channels
            if not test.hold_back
        ]
        rows.append(
            {
                "experiment": test.name,
                "channel": ";".join(test.channels),
                "geos": ";".join(test.geos),
                "start": pd.Timestamp(test.start),
                "end": pd.Timestamp(test.end),
                "measured_until": pd.Timestamp(test.until),
                "use": HELD_BACK if test.hold_back else FITTED,
                "in_window": seen.inside,
                "spend_change": test.spend_change,
                "lift": test.lift,
                "standard_error": test.standard_error,
                "error": error,
                **summary_columns("model", draws),
                "predicted_p05": float(low),
                "predicted_p95": float(high),
                "z": float((test.lift - draws.mean()) / np.hypot(error, draws.std())),
                "covered": bool(low <= test.lift <= high),
                "weight": max(weights, default=float("nan")),
            }
        )
    return pd.DataFrame(rows)


def experiment_findings(table: pd.DataFrame | None) -> tuple[Finding, ...]:
    """Warnings of measurements that the model finds next to impossible, `FAR` or more apart, and
    of more tests held back that came out otherwise than foretold than chance allows."""
    if table is None:
        return ()
    found = _missed(table[table["use"] == HELD_BACK])
    for row in table[table["z"].abs() >= FAR].to_dict("records"):
        held = row["use"] == HELD_BACK
        said = "the model foretold" if held else "the history, even with the test, speaks for"
        found.append(
            Finding(
                "experiment_disagrees",
                Severity.WARNING,
                f"experiment '{row['experiment']}'",
                f"it measured {row['lift']:,.4g} and {said} {row['model_mean']:,.4g}, which is "
                f"{abs(row['z']):.1f} standard deviations apart.",
                "Check how the test was run, 'spend_change' and 'in_data'; else look for what "
                "moves both the channel's spending and the outcome.",
            )
        )
    return tuple(found)


def _missed(held: pd.DataFrame) -> list[Finding]:
    """A 90 % interval misses one test in ten; more than that, and less likely than `MISSED`."""
    count, missed = len(held), int((~held["covered"].astype(bool)).sum())
    chance = float(stats.binom.sf(missed - 1, count, 0.1))
    if missed < 2 or chance >= MISSED:
        return []
    return [
        Finding(
            "held_back_missed",
            Severity.WARNING,
            "experiments held back",
            f"{missed} of {count} came out beyond the 90 % interval that the model foretold, "
            f"where chance would do that with a probability of {chance:.1%}.",
            "Let them into the likelihood, and look for what moves both spending and the outcome.",
        )
    ]
