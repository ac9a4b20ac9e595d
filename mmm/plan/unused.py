"""Settings of a plan that do not reach what they are meant for."""

from __future__ import annotations

import numpy as np

from mmm.config import PlanSettings
from mmm.errors import Finding, Severity

LIMITS = (
    "spend_all", "bounds", "fixed", "groups", "brand_share", "pacing", "min_flight", "free_geos",
    "risk_aversion",
)  # fmt: skip
"""Settings that only a plan to be optimised is held to."""


def unused_settings(settings: PlanSettings) -> tuple[Finding, ...]:
    """Settings that do nothing, as no plan is optimised."""
    if settings.optimised:
        return ()
    usual = PlanSettings()
    stated = [name for name in LIMITS if getattr(settings, name) != getattr(usual, name)]
    if settings.target is None and settings.level != usual.level:
        stated.append("level")
    if not stated:
        return ()
    return (
        Finding(
            "plan_unused",
            Severity.WARNING,
            ", ".join(f"plan.{name}" for name in stated),
            "not used: such a setting is about a plan that is optimised, and neither 'objective' "
            "nor 'budget' asks for one.",
            "Add 'objective: expected_profit' or a 'budget', or leave it out.",
        ),
    )


def unpaced(settings: PlanSettings, names: tuple[str, ...], money: np.ndarray) -> tuple[
    Finding, ...
]:  # fmt: skip
    """Fixed channels whose money as it is, of `money` (H, G, C), moves by more than `pacing`."""
    if not settings.optimised or settings.pacing is None:
        return ()
    found = []
    for name in settings.fixed:
        by_period = money[:, :, names.index(name)].sum(axis=1)
        steps = np.abs(np.diff(by_period))
        largest = float(steps.max(initial=0.0))
        if largest > (settings.pacing + 1e-9) * by_period.mean():
            found.append(f"{name} by up to {largest / by_period.mean():.2g}")
    if not found:
        return ()
    return (
        Finding(
            "plan_unused",
            Severity.INFO,
            "plan.pacing",
            f"not kept by channels in 'fixed', which stay as they are: {', '.join(found)} of "
            "their mean period.",
            "Take them out of 'fixed' to have them paced.",
        ),
    )
