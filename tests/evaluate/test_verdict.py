"""The verdict's rules: a clean evaluation changes nothing, each rule alone changes it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mmm.errors import Finding, Severity
from mmm.evaluate.backtest import MODEL, NAIVE, NO_MEDIA, Against, Backtest, Score, least_coverage
from mmm.evaluate.perturb import Perturbation
from mmm.evaluate.placebo import Placebo, Trial
from mmm.evaluate.placebo import judged as placebos_judged
from mmm.evaluate.residuals import Autocorrelation, Outlier, Residuals, Variance
from mmm.evaluate.seeds import Reseeding, Seeds
from mmm.evaluate.seeds import judged as seeds_judged
from mmm.evaluate.specifications import Specification, Specifications
from mmm.evaluate.stability import Stability
from mmm.evaluate.suite import Cost, Evaluation
from mmm.evaluate.verdict import PARTS, evaluation_findings, part_of
from mmm.inference.diagnose import Diagnostics, Trust, judge

SETTLED = Diagnostics(1.002, 1500.0, 1400.0, 0, 0.9, "share[tv]", 4000)


def score(name: str, crps: float, mase: float, held: float = 0.9) -> Score:
    return Score(name, "all", 104, mase, crps, crps / 1e5, 0.5, 0.8, held)


def trials(credited: int, count: int) -> Placebo:
    one = Trial("tv", 20, 0.02, 0.05, 0.3, 0.2, False)
    made = tuple(replace(one, shift=20 + k, credited=k < credited) for k in range(count))
    return placebos_judged(made, ("tv",))


def reseeded(z: float, of_interval: float) -> Seeds:
    return seeds_judged((Reseeding(2, "tv", 1.0, 1.0, 0.01, 0.01, z, of_interval),))


def specified(name: str, difference: float, error: float) -> Specifications:
    rows = (
        Specification(name, -9.0 + difference, difference, error, 0.8, 1.0, 0.9),
        Specification(MODEL, -9.0, 0.0, 0.0, 0.9, 1.0, 0.9),
    )
    return Specifications(rows, {}, "Compared.", ())


BACKTEST = Backtest(
    horizon=13,
    origins=tuple(f"2023-0{k}-01" for k in range(1, 9)),
    dates=55,
    least_coverage_90=0.75,
    scores=(score(MODEL, 900.0, 0.5), score(NO_MEDIA, 1800.0, 0.9), score(NAIVE, 2000.0, 1.0)),
    against=(Against(NAIVE, 0.55, 8, 8, "better"), Against(NO_MEDIA, 0.5, 8, 8, "better")),
    reading="The model beats the seasonal-naive forecast.",
    advice=(),
)
RESIDUALS = Residuals(
    Autocorrelation(0.02, 10, 9.0, 0.5), Variance(2.0, 0.4, 1.1, 0.95), (), 0.1, "Noise.", ()
)
CLEAN = Evaluation(
    study="shop",
    seed=1,
    panel_sha256="ab",
    versions={},
    backtest=BACKTEST,
    stability=Stability((), 0.1, 0.8, (), "Returns hold.", ()),
    placebo=trials(1, 24),
    seeds=reseeded(1.0, 0.01),
    perturbation=Perturbation((), 0.1, "Little moves.", ()),
    residuals=RESIDUALS,
    specifications=specified("lognormal", 0.1, 0.2),
    cost=Cost(60, 100.0, 120.0, 2, 300),
)


def backtest(**changes: object) -> Evaluation:
    return replace(CLEAN, backtest=replace(BACKTEST, **changes))


def scored(*scores: Score) -> Evaluation:
    kept = {one.forecaster: one for one in (*BACKTEST.scores, *scores)}
    return backtest(scores=tuple(kept.values()))


def residual(**changes: object) -> Evaluation:
    return replace(CLEAN, residuals=replace(RESIDUALS, **changes))


NAIVE_WINS = (Against(NAIVE, 0.01, 4, 8, "about equal"), BACKTEST.against[1])
MEDIA_HURTS = (BACKTEST.against[0], Against(NO_MEDIA, -0.2, 2, 8, "worse"))
MEDIA_IDLE = (BACKTEST.against[0], Against(NO_MEDIA, 0.01, 4, 8, "about equal"))
MEDIA_IN_VAIN = (BACKTEST.against[0], Against(NO_MEDIA, -0.03, 3, 8, "worse"))
UNSTABLE = Stability((), 0.6, 0.1, ("tv",), "The answer for 'tv' changes.", ("Look.",))
ODD = (Outlier("2023-02-06", "all", 6.0, 100.0),)

BROKEN = {
    "forecasts_no_better": (backtest(against=NAIVE_WINS), "warning"),
    "forecasts_no_nearer": (scored(score(MODEL, 900.0, 1.01)), "info"),
    "forecasts_without_media": (backtest(against=MEDIA_HURTS), "warning"),
    "forecasts_without_media, equal": (backtest(against=MEDIA_IDLE), "info"),
    "forecasts_without_media, hardly": (backtest(against=MEDIA_IN_VAIN), "info"),
    "forecast_intervals": (scored(score(MODEL, 900.0, 0.5, 0.7)), "warning"),
    "forecast_intervals, by chance": (scored(score(MODEL, 900.0, 0.5, 0.77)), "info"),
    "forecast_intervals, wide": (
        scored(replace(score(MODEL, 900.0, 0.5), coverage_50=0.8)), "info"
    ),
    "returns_unstable": (replace(CLEAN, stability=UNSTABLE), "warning"),
    "placebos_credited": (replace(CLEAN, placebo=trials(4, 24)), "warning"),
    "placebos_credited, by chance": (replace(CLEAN, placebo=trials(3, 24)), "info"),
    "seeds_disagree": (replace(CLEAN, seeds=reseeded(9.0, 0.05)), "warning"),
    "seeds_disagree, far": (replace(CLEAN, seeds=reseeded(9.0, 0.3)), "error"),
    "returns_sensitive": (
        replace(CLEAN, perturbation=Perturbation((), 0.3, "A change moves it.", ("Fix.",))),
        "warning",
    ),
    "residuals_related": (
        residual(autocorrelation=Autocorrelation(0.3, 10, 40.0, 1e-4)), "warning"
    ),
    "residuals_related, back and forth": (
        residual(autocorrelation=Autocorrelation(-0.3, 10, 40.0, 1e-4)), "info"
    ),
    "residuals_related, weakly": (
        residual(autocorrelation=Autocorrelation(0.1, 10, 40.0, 1e-4)), "info"
    ),
    "noise_uneven": (residual(variance=Variance(20.0, 1e-4, 2.5, 1.0)), "warning"),
    "noise_uneven, fading": (residual(variance=Variance(20.0, 1e-4, 1.0, 0.4)), "warning"),
    "noise_uneven, little": (residual(variance=Variance(20.0, 1e-4, 1.5, 1.0)), "info"),
    "odd_periods": (residual(outliers=ODD), "info"),
    "specification_better": (
        replace(CLEAN, specifications=specified("lognormal", 0.7, 0.2)), "warning"
    ),
    "specification_better, unsure": (
        replace(CLEAN, specifications=specified("lognormal", 0.7, 0.3)), "info"
    ),
    "specification_better, a little": (
        replace(CLEAN, specifications=specified("lognormal", 0.25, 0.01)), "info"
    ),
}  # fmt: skip
LABEL = {"info": Trust.TRUSTED, "warning": Trust.CAUTION, "error": Trust.REJECTED}


def test_a_clean_evaluation_leaves_the_verdict():
    assert evaluation_findings(CLEAN) == ()
    assert evaluation_findings(replace(CLEAN, specifications=None)) == ()
    assert judge(SETTLED, evaluation_findings(CLEAN)).label is Trust.TRUSTED


@pytest.mark.parametrize("case", BROKEN)
def test_each_rule_alone_sets_the_verdict(case):
    evaluation, severity = BROKEN[case]
    (found,) = evaluation_findings(evaluation)
    assert found.check == case.split(",")[0]
    assert found.severity == severity
    verdict = judge(SETTLED, (found,))
    assert verdict.label is LABEL[severity]
    assert verdict.reasons == (() if severity == "info" else (str(found),))
    assert found.message.endswith(".") and found.remedy.endswith(".")


def test_every_check_belongs_to_its_part():
    cases = {case.split(",")[0] for case in BROKEN}
    assert cases == {check for checks in PARTS.values() for check in checks}
    assert part_of("seeds_disagree") == "seeds"
    assert part_of("entangled") is None


def test_nothing_is_averaged_away():
    """One failure among parts that are all well, and two failures, which are both said."""
    worst = replace(BROKEN["seeds_disagree, far"][0], stability=UNSTABLE)
    verdict = judge(SETTLED, evaluation_findings(worst))
    assert verdict.label is Trust.REJECTED
    assert len(verdict.reasons) == 2


def test_no_placebo_is_no_failure():
    assert evaluation_findings(replace(CLEAN, placebo=placebos_judged((), ("tv",)))) == ()


def test_an_error_after_the_fit_rejects_it():
    grave = Finding("odd", Severity.ERROR, "answers", "They are wrong.", "Mend them.")
    assert judge(SETTLED, (grave,)).label is Trust.REJECTED


def test_coverage_is_allowed_what_chance_brings():
    """With hits that do not hang together, the dates are so many tosses of a coin."""
    rng = np.random.default_rng(4)
    hits = [rng.random(13) < 0.9 for _ in range(40)]
    dates = 520
    low = least_coverage(hits, dates)
    assert stats.binom.cdf(low * dates - 1, dates, 0.9) == pytest.approx(0.01, abs=0.01)
    together = [np.full(13, held) for held in (True, True, True, False)]
    assert least_coverage(together, 52) == pytest.approx(stats.binom.ppf(0.01, 4, 0.9) / 4)
    assert least_coverage([np.ones(13, bool)], 13) == 0.0


def test_intervals_that_hold_are_rarely_called_narrow_and_narrow_ones_are():
    """Forecast errors of one origin share a part, as those of a level that was misjudged do."""
    rng, half = np.random.default_rng(5), stats.norm.ppf(0.95)

    def called(scale: float) -> float:
        count = 0
        for _ in range(300):
            shared = np.sqrt(0.5) * rng.standard_normal((8, 1))
            errors = shared + np.sqrt(0.5) * rng.standard_normal((8, 13))
            hits = np.abs(errors) < half * scale
            count += hits.mean() < least_coverage(list(hits), 55)
        return count / 300

    assert called(1.0) < 0.05
    assert called(0.4) > 0.8
