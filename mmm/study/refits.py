"""The evaluation of a fit that is at hand."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmm.config import Study
    from mmm.data.panel import Panel
    from mmm.evaluate.suite import Evaluation
    from mmm.inference.fit import Fit


def evaluated(fitted: Fit, *, quick: bool = False, progress: bool = False) -> Evaluation:
    """The evaluation of a fit that is at hand."""
    from mmm.evaluate.settings import QUICK
    from mmm.evaluate.suite import evaluate_study
    from mmm.study.progress import refit_progress

    with ExitStack() as stack:
        watch = stack.enter_context(refit_progress()) if progress else None
        settings = QUICK if quick else None
        return evaluate_study(fitted.study, fitted.panel, settings, watch=watch, base=fitted)


def refuse_short(study: Study, panel: Panel) -> None:
    """Raises `InputError` where the history is too short to be evaluated, before it is fitted."""
    from mmm.evaluate.folds import rolling_folds

    rolling_folds(study, panel, 1)
