"""Convergence over every sampled parameter and every channel's total, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import xarray as xr

from mmm.errors import Finding, Severity
from mmm.inference.convergence import convergence

RHAT_TRUSTED, RHAT_REJECTED = 1.01, 1.05
ESS_TRUSTED, ESS_REJECTED = 400.0, 100.0
DIVERGENT_REJECTED = 0.01
EBFMI_CAUTION = 0.3


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """Worst values over all sampled parameters and channel totals (Vehtari et al., 2021)."""

    rhat_max: float
    ess_bulk_min: float
    ess_tail_min: float
    divergences: int
    ebfmi_min: float
    worst: str
    draws: int


class Trust(StrEnum):
    TRUSTED = "trusted"
    CAUTION = "caution"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far the fit may be trusted, and every reason against it with the next action."""

    label: Trust
    reasons: tuple[str, ...]


def diagnose(posterior: xr.Dataset, totals: xr.DataArray, statistics: xr.Dataset) -> Diagnostics:
    """Diagnostics of `posterior` and of `totals` (chain, draw, channel)."""
    variables = {str(name): one for name, one in posterior.data_vars.items()}
    variables["total_contribution"] = totals
    names, draws = [], []
    for name, one in variables.items():
        label = next(dim for dim in one.dims if dim not in ("chain", "draw"))
        names += [f"{name}[{value}]" for value in one[label].values]
        draws.append(one.transpose(label, "chain", "draw").values)
    found = convergence(np.concatenate(draws))
    # a chain that never moved has no R-hat; that is the worst there is
    rhat = np.where(np.isfinite(found.rhat), found.rhat, np.inf)
    return Diagnostics(
        rhat_max=float(rhat.max()),
        ess_bulk_min=_least(found.ess_bulk),
        ess_tail_min=_least(found.ess_tail),
        divergences=int(statistics["diverging"].sum()),
        ebfmi_min=energy_mixing(statistics["energy"].transpose("chain", "draw").values),
        worst=names[int(rhat.argmax())],
        draws=int(posterior.sizes["chain"] * posterior.sizes["draw"]),
    )


def energy_mixing(energy: np.ndarray) -> float:
    """The least E-BFMI of the chains of `energy` (chain, draw): squared steps over the squared
    distances from the mean (Betancourt, 2016, "Diagnosing suboptimal cotangent disintegrations in
    Hamiltonian Monte Carlo", equation 3)."""
    steps = (np.diff(energy, axis=1) ** 2).sum(axis=1)
    spread = ((energy - energy.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return float((steps / spread).min())


def worst_of(parts: Mapping[str, Diagnostics]) -> Diagnostics:
    """Diagnostics of several regressions sampled apart as those of one: the worst of each, the
    divergences of all. Keys name them; the outcome's own is empty."""
    name, worst = max(parts.items(), key=lambda item: item[1].rhat_max)
    return Diagnostics(
        rhat_max=worst.rhat_max,
        ess_bulk_min=min(part.ess_bulk_min for part in parts.values()),
        ess_tail_min=min(part.ess_tail_min for part in parts.values()),
        divergences=sum(part.divergences for part in parts.values()),
        ebfmi_min=min(part.ebfmi_min for part in parts.values()),
        worst=f"{name}: {worst.worst}" if name else worst.worst,
        draws=worst.draws,
    )


def _least(values: np.ndarray) -> float:
    return float(np.where(np.isfinite(values), values, 0.0).min())


def judge(diagnostics: Diagnostics, findings: tuple[Finding, ...]) -> Verdict:
    """The verdict by stated rules: rejected by sampling failure or an error among `findings`,
    caution by anything short of R-hat 1.01, ESS 400, no divergences and no warnings, else trusted.
    Rules are not weighed: one is enough."""
    rejected, caution = [], []
    d = diagnostics
    if d.rhat_max > RHAT_REJECTED:
        rejected.append(
            f"the chains disagree: R-hat is {d.rhat_max:.3f} for {d.worst} "
            f"(trusted up to {RHAT_TRUSTED}); raise 'tune' and 'draws' or simplify the model."
        )
    elif d.rhat_max > RHAT_TRUSTED:
        caution.append(
            f"R-hat is {d.rhat_max:.3f} for {d.worst} (trusted up to {RHAT_TRUSTED}); "
            "raise 'draws'."
        )
    least = min(d.ess_bulk_min, d.ess_tail_min)
    if least < ESS_REJECTED:
        rejected.append(
            f"the smallest effective sample size is {least:.0f} (trusted from "
            f"{ESS_TRUSTED:.0f}); raise 'draws'."
        )
    elif least < ESS_TRUSTED:
        caution.append(
            f"the smallest effective sample size is {least:.0f} (trusted from "
            f"{ESS_TRUSTED:.0f}); raise 'draws'."
        )
    if d.divergences:
        text = (
            f"{d.divergences} of {d.draws} draws diverged; raise 'target_accept' or give "
            "tighter priors to the channels in question."
        )
        (rejected if d.divergences > DIVERGENT_REJECTED * d.draws else caution).append(text)
    if d.ebfmi_min < EBFMI_CAUTION:
        caution.append(
            f"the energy of a chain mixes badly (E-BFMI {d.ebfmi_min:.2f}, good from "
            f"{EBFMI_CAUTION}); raise 'tune'."
        )
    rejected += [str(one) for one in findings if one.severity is Severity.ERROR]
    caution += [str(one) for one in findings if one.severity is Severity.WARNING]
    if rejected:
        return Verdict(Trust.REJECTED, (*rejected, *caution))
    if caution:
        return Verdict(Trust.CAUTION, tuple(caution))
    return Verdict(Trust.TRUSTED, ())
