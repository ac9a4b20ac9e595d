"""The part of an analysis that deploying a fit takes: its verdict, its returns, their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mmm.efficiency.roi import efficiency_table
from mmm.errors import Finding
from mmm.inference.diagnose import Diagnostics, Verdict
from mmm.inference.fit import Fit, save_fit
from mmm.results.respond import response
from mmm.study.analysis import judged
from mmm.study.directory import MANIFEST
from mmm.study.files import write_json, write_table

if TYPE_CHECKING:
    from mmm.study.analysis import Analysis


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


def write_core(analysis: CoreAnalysis, manifest: Mapping[str, Any], directory: Path) -> None:
    """Writes the few artefacts that the others can be made from."""
    write_table(analysis.efficiency, directory / "efficiency.csv")
    write_json(checks_rows(analysis), directory / "checks.json")
    write_json(asdict(analysis.diagnostics), directory / "diagnostics.json")
    save_fit(analysis.fit, directory / "fit.nc")
    write_json(dict(manifest), directory / MANIFEST)


def checks_rows(analysis: Analysis | CoreAnalysis) -> list[dict[str, str]]:
    return [
        {key: str(value) for key, value in asdict(finding).items()} for finding in analysis.findings
    ]
