"""Every check of the data, in the order their findings are reported.

A check is a function from `Observations` to findings. To add one, write it in the file of
its theme and name it in that file's `CHECKS`. A check on a column that is missing or cannot
be read stays silent: another has already named that problem.
"""

from __future__ import annotations

from mmm.data.checks import (
    calendar,
    copies,
    finance,
    levels,
    media,
    moving,
    outcome,
    paths,
    priors,
    structure,
    study,
    survey,
    values,
)
from mmm.data.observations import Observations
from mmm.errors import Finding, Severity

CHECKS = (
    *study.CHECKS,
    *structure.CHECKS,
    *calendar.CHECKS,
    *values.CHECKS,
    *media.CHECKS,
    *moving.CHECKS,
    *survey.CHECKS,
    *paths.CHECKS,
    *outcome.CHECKS,
    *levels.CHECKS,
    *copies.CHECKS,
    *priors.CHECKS,
    *finance.CHECKS,
)
"""All checks, cheapest and most fundamental first."""

_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def run_checks(observations: Observations) -> tuple[Finding, ...]:
    """All findings, errors first. Data without rows gets that one finding only."""
    if not len(observations):
        return tuple(
            finding
            for check in (*study.CHECKS, structure.columns_exist, structure.has_rows)
            for finding in check(observations)
        )
    findings = [finding for check in CHECKS for finding in check(observations)]
    return tuple(sorted(findings, key=lambda finding: _RANK[finding.severity]))


__all__ = ["CHECKS", "run_checks"]
