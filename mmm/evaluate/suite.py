"""The whole evaluation of a study, from its panel to plain readings."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from mmm.config import Study
from mmm.data.panel import Panel
from mmm.errors import MMMError
from mmm.evaluate.altered import without_media
from mmm.evaluate.backtest import MODEL, NAIVE, NO_MEDIA, Backtest, backtest
from mmm.evaluate.bench import Bench, Watch
from mmm.evaluate.folds import Folds, forecast_scores, naive_scores, rolling_folds
from mmm.evaluate.perturb import Perturbation, perturbation
from mmm.evaluate.placebo import Placebo, placebo, planned_trials
from mmm.evaluate.residuals import Residuals, residuals
from mmm.evaluate.seeds import Seeds, seeds
from mmm.evaluate.settings import EvaluationSettings, lighter
from mmm.evaluate.specifications import Specifications, specifications, variants
from mmm.evaluate.stability import Stability, cuts, stability
from mmm.inference.fit import Fit, data_sha256
from mmm.results.respond import response


@dataclass(frozen=True, slots=True)
class Cost:
    """What an evaluation cost: fits, seconds of fitting and in all, and the chains and draws of
    refits other than reseedings."""

    fits: int
    fit_s: float
    total_s: float
    chains: int
    draws: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Where the model has been wrong and how far its answers hold. Every part has a `reading` in
    plain words and `advice`, what to do about it; `specifications` is None where it was left out.
    """

    study: str
    seed: int
    panel_sha256: str
    versions: Mapping[str, str]
    backtest: Backtest
    stability: Stability
    placebo: Placebo
    seeds: Seeds
    perturbation: Perturbation
    residuals: Residuals
    specifications: Specifications | None
    cost: Cost

    def readings(self) -> dict[str, str]:
        """What each part says, by its name."""
        return {name: part.reading for name, part in self._parts().items()}

    def advice(self) -> tuple[str, ...]:
        """All that should be done, in the order of the parts."""
        return tuple(one for part in self._parts().values() for one in part.advice)

    def to_dict(self) -> dict[str, Any]:
        """`evaluation.json`."""
        return asdict(self)

    def _parts(self) -> Mapping[str, Any]:
        parts = {
            "backtest": self.backtest,
            "stability": self.stability,
            "placebo": self.placebo,
            "seeds": self.seeds,
            "perturbation": self.perturbation,
            "residuals": self.residuals,
        }
        return (
            parts
            if self.specifications is None
            else parts | {"specifications": self.specifications}
        )


def evaluate_study(
    study: Study,
    panel: Panel,
    settings: EvaluationSettings | None = None,
    *,
    watch: Watch | None = None,
    base: Fit | None = None,
) -> Evaluation:
    """Evaluates `study` on `panel` by fitting it many times over, in series: the chains of a fit
    use the processors already.

    The first fit and the reseedings have the study's own chains and draws, all others those of
    `settings`. `base` is that first fit, of this study to this panel, where it is at hand. `watch`
    is told before each fit what it is for, how many are done and how many there are. Raises
    `InputError` where the history is too short to forecast any of it.
    """
    started = time.perf_counter()
    settings = settings or EvaluationSettings()
    folds = rolling_folds(study, panel, settings.origins)
    others = variants(study, panel) if settings.specifications else {}
    trials = planned_trials(panel, settings.placebos, study.inference.seed)
    light = lighter(study, settings)
    total = (base is None) + len(folds.origins) * (2 + len(others)) + len(cuts(panel)) + len(trials)
    bench = Bench(total + settings.seeds + settings.jitters + settings.weeks, watch)
    base = base or bench.fit("the study as it is", study, panel)
    read = response(base)
    rows = {
        MODEL: forecast_scores(MODEL, light, panel, folds, bench),
        NO_MEDIA: forecast_scores(NO_MEDIA, *without_media(light, panel), folds, bench),
    }
    compared, refused = _others(others, settings, panel, folds, bench)
    return Evaluation(
        study=study.study,
        seed=study.inference.seed,
        panel_sha256=data_sha256(panel),
        versions=dict(base.versions),
        backtest=backtest(
            pd.concat([*rows.values(), naive_scores(NAIVE, panel, folds)], ignore_index=True), folds
        ),
        stability=stability(read, light, panel, bench),
        placebo=placebo(light, panel, trials, bench),
        seeds=seeds(base, study, panel, settings.seeds, bench),
        perturbation=perturbation(
            read, light, panel, settings.jitters, settings.weeks, bench
        ),
        residuals=residuals(read),
        specifications=specifications(
            pd.concat([*rows.values(), *compared], ignore_index=True), refused
        )
        if settings.specifications
        else None,
        cost=Cost(
            bench.done, bench.seconds, time.perf_counter() - started,
            light.inference.chains, light.inference.draws,
        ),
    )  # fmt: skip


def _others(
    others: Mapping[str, Study],
    settings: EvaluationSettings,
    panel: Panel,
    folds: Folds,
    bench: Bench,
) -> tuple[list[pd.DataFrame], dict[str, str]]:
    """Scores of other specifications, and of those that the data refuses why."""
    found, refused = [], {}
    for name, other in others.items():
        try:
            found.append(forecast_scores(name, lighter(other, settings), panel, folds, bench))
        except MMMError as refusal:
            refused[name] = str(refusal)
    return found, refused
