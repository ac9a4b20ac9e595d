"""The exception family, and the finding: a problem that names its place and its remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

SHORT = 2
"""A name of this length or less may be in another one by chance."""


class Severity(StrEnum):
    """How much a finding matters: an error stops the run, or rejects its answers where it is found
    after it; a warning limits trust."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of `checks.json`.

    `where` names file, column, row or date; `remedy` says what to do about it.
    """

    check: str
    severity: Severity
    where: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message} {self.remedy}"


class MMMError(Exception):
    """Anything `mmm` refuses to do. The message names the place and the fix."""


class InputError(MMMError):
    """Bad study file or bad data. Carries every problem found, not only the first."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


class ModelError(MMMError):
    """A model that cannot be built or sampled from the data as given."""


class StoredFitError(MMMError):
    """A saved fit that cannot be read back: damaged, or of another version."""


def input_error(check: str, where: str, message: str, remedy: str) -> InputError:
    """An `InputError` with one finding."""
    return InputError([Finding(check, Severity.ERROR, where, message, remedy)])


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`"did you mean 'tv_spend'?"`, or the list of known names when nothing is near."""
    known = list(known)
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    if not near:  # ROI for roi
        lower = {one.lower(): one for one in reversed(known)}
        near = [lower[one] for one in get_close_matches(name.lower(), lower, n=1, cutoff=0.6)]
    if not near and len(name) > SHORT:  # profit for expected_profit
        holding = [one for one in known if name.lower() in one.lower()]
        near = holding if len(holding) == 1 else []
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known names: {', '.join(known)}." if known else "there are none."
