"""The part of an analysis that deploying a fit takes: its verdict and its returns."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from mmm.efficiency.roi import efficiency_table
from mmm.errors import Finding
from mmm.inference.diagnose import Diagnostics, Verdict
from mmm.inference.fit import Fit
from mmm.results.respond import response
from mmm.study.analysis import judged


@dataclass(frozen=True, slots=True)
class CoreAnalysis:
    """What `Analysis` has under these names; the rest can be read from the fit later."""

    fit: Fit
    findings: tuple[Finding, ...]
    diagnostics: Diagnostics
    verdict: Verdict
    efficiency: pd.DataFrame


def analyse_core(fit: Fit, findings: tuple[Finding, ...] = ()) -> CoreAnalysis:
    """The verdict and the returns of `fit`, the same as `analyse` finds."""
    read = response(fit)
    efficiency = efficiency_table(read)
    found = judged(read, efficiency, findings)
    return CoreAnalysis(fit, found.findings, found.diagnostics, found.verdict, efficiency)
