"""What an evaluation says against trusting a fit, by stated rules: one finding a rule.

Rules are not weighed against one another, and nothing is averaged: one warning makes the verdict
caution, one error makes it rejected.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from scipy import stats

from mmm.errors import Finding, Severity
from mmm.evaluate import perturb, placebo, specifications
from mmm.evaluate.assumptions import RELATED
from mmm.evaluate.backtest import MODEL, NAIVE, NARROW, NO_MEDIA, WIDE, Backtest, Score
from mmm.evaluate.perturb import Perturbation
from mmm.evaluate.placebo import Placebo
from mmm.evaluate.residuals import SIGNIFICANT, Residuals
from mmm.evaluate.seeds import Seeds
from mmm.evaluate.specifications import Specifications
from mmm.evaluate.stability import Stability
from mmm.evaluate.suite import Evaluation

BY_CHANCE = 0.05
"""Chance of crediting as many placebos as were, above which their number says nothing: each is
credited with 1 - `placebo.CREDITED` where credit follows the data alone."""
RESEEDED = 0.25
"""Part of its 90 % interval by which another seed may not move a return: as far as may a change
of the data (`perturb.MOVED`), which a seed is not."""
UNEVEN = 2.0
"""Ratio of noise, in standard deviations, from which least squares suffers: a ratio of variances
of four (Fox, 2016, "Applied Regression Analysis", 12.2)."""
SURE = 3.0
"""Standard errors from which another specification is better. Origins half a horizon apart count
most periods twice, which makes errors too small by up to the root of two: this is two of them."""
CLEAR = 4.0
"""Log points over one horizon below which a difference is small (Sivula, Magnusson, Matamoros and
Vehtari, 2020, "Uncertainty in Bayesian leave-one-out cross-validation based model comparison")."""
HARMS = 0.05
"""Part of its CRPS by which a model forecasts worse with media than without from which media is
taken to harm; an effect that is there but small costs about as much as it gains."""

PARTS: Final = {
    "backtest": (
        "forecasts_no_better", "forecasts_no_nearer", "forecasts_without_media",
        "forecast_intervals",
    ),
    "stability": ("returns_unstable",),
    "placebo": ("placebos_credited",),
    "seeds": ("seeds_disagree",),
    "perturbation": ("returns_sensitive",),
    "residuals": ("residuals_related", "noise_uneven", "odd_periods"),
    "specifications": ("specification_better",),
}  # fmt: skip
"""Checks of each part of an evaluation."""


def evaluation_findings(found: Evaluation) -> tuple[Finding, ...]:
    """What the parts of `found` say against trust, in their order. A finding under information is
    worth knowing and limits nothing."""
    return (
        *_forecasts(found.backtest),
        *_stability(found.stability),
        *_placebos(found.placebo),
        *_seeds(found.seeds),
        *_perturbation(found.perturbation),
        *_residuals(found.residuals),
        *_specifications(found.specifications, found.backtest),
    )


def part_of(check: str) -> str | None:
    """The part of an evaluation that a check belongs to; None for all others."""
    return next((part for part, checks in PARTS.items() if check in checks), None)


def _forecasts(found: Backtest) -> Iterator[Finding]:
    where = f"backtest, {len(found.origins)} origins, {found.horizon} periods ahead"
    model, naive = _whole(found, MODEL), _whole(found, NAIVE)
    against = {one.forecaster: one for one in found.against}
    said = (
        f"(CRPS {model.crps:,.4g} against {naive.crps:,.4g}, MASE {model.mase:.2f} against "
        f"{naive.mase:.2f})"
    )
    if against[NAIVE].verdict != "better":
        yield Finding(
            "forecasts_no_better",
            Severity.WARNING,
            where,
            f"its forecasts do not beat last year's figures (seasonal-naive) {said}.",
            "Do not set targets by them, and look for what drives the outcome besides media: "
            "price, stock, events, demand.",
        )
    elif model.mase >= naive.mase:
        yield Finding(
            "forecasts_no_nearer",
            Severity.INFO,
            where,
            f"the middle of its forecasts is no nearer than last year's figures, though its "
            f"intervals are better {said}.",
            "Use the intervals, not the middle.",
        )
    silent = against[NO_MEDIA]
    if silent.verdict != "better":
        worse = silent.gain < -HARMS
        yield Finding(
            "forecasts_without_media",
            Severity.WARNING if worse else Severity.INFO,
            where,
            (
                f"it forecasts worse than without any media (CRPS {-silent.gain:.0%} higher)."
                if worse
                else "it forecasts no better than without any media, so forecasts are no evidence "
                "that media moves the outcome."
            ),
            "Test the largest channels by experiment before money is moved.",
        )
    yield from _intervals(found, model, where)


def _intervals(found: Backtest, model: Score, where: str) -> Iterator[Finding]:
    if model.coverage_90 < max(found.least_coverage_90, NARROW):
        surely = model.coverage_90 < found.least_coverage_90
        yield Finding(
            "forecast_intervals",
            Severity.WARNING if surely else Severity.INFO,
            where,
            f"its 90 % intervals held {model.coverage_90:.0%} of what came; over {found.dates} "
            f"dates, as they hang together, chance allows for {found.least_coverage_90:.0%}.",
            "Widen what is planned on them; look at the residuals, and let the trend or effects "
            "move where they do.",
        )
    elif model.coverage_50 > WIDE:
        yield Finding(
            "forecast_intervals",
            Severity.INFO,
            where,
            f"its 50 % intervals held {model.coverage_50:.0%} of what came: they are wider than "
            "most periods need.",
            "Give odd periods a control column, or try 'likelihood: student_t'.",
        )


def _whole(found: Backtest, name: str) -> Score:
    return next(one for one in found.scores if (one.forecaster, one.steps) == (name, "all"))


def _stability(found: Stability) -> Iterator[Finding]:
    if found.unstable:
        yield Finding(
            "returns_unstable", Severity.WARNING, "stability", found.reading, found.advice[0]
        )


def _placebos(found: Placebo) -> Iterator[Finding]:
    count = len(found.trials)
    if not count or found.rate <= placebo.MANY:
        return
    chance = float(stats.binom.sf(found.credited - 1, count, 1.0 - placebo.CREDITED))
    yield Finding(
        "placebos_credited",
        Severity.WARNING if chance < BY_CHANCE else Severity.INFO,
        "placebo",
        f"{found.credited} of {count} channels that cannot have an effect were credited with one "
        f"(chance of as many where credit follows the data alone: {chance:.1%}).",
        found.advice[0],
    )


def _seeds(found: Seeds) -> Iterator[Finding]:
    if found.within_error:
        return
    apart = found.largest_of_interval > RESEEDED
    yield Finding(
        "seeds_disagree",
        Severity.ERROR if apart else Severity.WARNING,
        "seeds",
        f"{found.reading} At most, a return moves by {found.largest_of_interval:.0%} of its "
        "90 % interval.",
        found.advice[0],
    )


def _perturbation(found: Perturbation) -> Iterator[Finding]:
    if found.largest > perturb.MOVED:
        yield Finding(
            "returns_sensitive",
            Severity.WARNING,
            "perturbation",
            found.reading,
            " ".join(found.advice),
        )


def _residuals(found: Residuals) -> Iterator[Finding]:
    """Correlation that lasts is named as a run itself names it, so that it is said once."""
    first = found.autocorrelation.first
    if found.autocorrelation.probability < SIGNIFICANT:
        yield Finding(
            "residuals_related",
            Severity.WARNING if first > RELATED else Severity.INFO,
            "residuals",
            f"what the model does not explain goes with that of the period before (correlation "
            f"{first:+.2f}).",
            "Something slow is missing: add demand or price as controls, or knots to "
            "'baseline.trend'."
            if first > 0
            else "Periods make up for one another: look for promotions, or for dates that are "
            "booked late.",
        )
    ratio = max(max(one, 1.0 / one) for one in (found.variance.by_level, found.variance.by_time))
    if found.variance.probability < SIGNIFICANT:
        yield Finding(
            "noise_uneven",
            Severity.WARNING if ratio > UNEVEN else Severity.INFO,
            "residuals",
            f"noise is {found.variance.by_level:.1f} times as large where the outcome is high as "
            f"where it is low, and {found.variance.by_time:.1f} times as large late as early "
            f"(p = {found.variance.probability:.1g}).",
            "Where it grows with the outcome, try 'likelihood: lognormal'; else look for a change "
            "of tracking, or leave out what belongs to another regime.",
        )
    if found.outliers:
        shown = ", ".join(one.date for one in found.outliers[:5])
        yield Finding(
            "odd_periods",
            Severity.INFO,
            "residuals",
            f"{len(found.outliers)} of its periods lie far from what the model expects ({shown}); "
            "whether answers lean on one of them is seen under perturbation.",
            "Correct mistakes, and give one-offs (promotions, outages) a control column.",
        )


def _specifications(found: Specifications | None, backtest: Backtest) -> Iterator[Finding]:
    better = [
        one
        for one in (found.rows if found else ())
        if one.name != MODEL and one.difference > specifications.CLEAR * one.error
    ]
    if better:
        best = better[0]
        surely = best.difference > SURE * best.error and best.difference * backtest.horizon > CLEAR
        yield Finding(
            "specification_better",
            Severity.WARNING if surely else Severity.INFO,
            "specifications",
            f"'{best.name}' forecasts better than the study as it is, by {best.difference:.2f} log "
            f"points a period (standard error {best.error:.2f}).",
            "Test the largest channels by experiment before money is moved."
            if best.name == NO_MEDIA
            else f"Fit the study as '{best.name}' too, and choose by which returns are held up by "
            "tests.",
        )
