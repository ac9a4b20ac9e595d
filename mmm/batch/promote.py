"""Whether a new fit takes the place of the deployed one: promote, hold or alarm, with reasons."""

from __future__ import annotations

from dataclasses import dataclass

from mmm.batch.compare import Comparison
from mmm.batch.record import ALARM, HOLD, PROMOTE
from mmm.config.batch import Promote

ORDER = ("rejected", "caution", "trusted")


@dataclass(frozen=True, slots=True)
class Decision:
    """promote, hold or alarm, and why, a sentence each."""

    action: str
    because: tuple[str, ...]


def decide(
    verdict: str, comparison: Comparison | None, rules: Promote, *, study_changed: bool = False
) -> Decision:
    """The decision on a fit with this verdict. `comparison` is None where nothing is deployed.

    The world has changed (alarm) where the deployed model's forecast was wrong or a return moved
    although the study did not; a person should look first (hold) where the verdict is too low,
    returns moved with a changed study, or inputs drifted or were rewritten.
    """
    hold = _verdict_reasons(verdict, rules)
    if comparison is None:
        return Decision(HOLD, hold) if hold else Decision(PROMOTE, ("Nothing was deployed yet.",))
    moved = _moved(comparison, rules)
    alarm = _forecast_reasons(comparison, rules) + (() if study_changed else moved)
    hold += moved if study_changed else ()
    hold += _input_reasons(comparison, rules)
    if alarm:
        return Decision(ALARM, alarm + hold)
    if hold:
        return Decision(HOLD, hold)
    return Decision(PROMOTE, (_all_well(comparison),))


def _verdict_reasons(verdict: str, rules: Promote) -> tuple[str, ...]:
    if ORDER.index(verdict) >= ORDER.index(rules.verdict):
        return ()
    return (f"The fit's verdict is {verdict}; the batch deploys {rules.verdict} or better.",)


def _moved(comparison: Comparison, rules: Promote) -> tuple[str, ...]:
    return tuple(
        f"The return of {shift.channel} on the same dates went from {shift.before:.2f} to "
        f"{shift.after:.2f} ({shift.change:+.0%}; the posteriors overlap by {shift.overlap:.0%})."
        for shift in comparison.shifts
        if abs(shift.change) > rules.max_roi_shift and shift.overlap < rules.min_overlap
    )


def _forecast_reasons(comparison: Comparison, rules: Promote) -> tuple[str, ...]:
    score = comparison.forecast
    if score is None:
        return ()
    since = f"the {score.periods} periods since the deployed fit"
    reasons = []
    if score.probability < rules.min_forecast:
        reasons.append(
            f"The outcome of {since} came out {abs(score.error):.1%} "
            f"{'above' if score.error > 0 else 'below'} what it forecast for the spending that "
            f"came, to which it gave a probability of {score.probability:.1g}."
        )
    # where one channel changes, the errors follow others too that were active with it
    by_doubt = sorted(score.channels, key=lambda one: one.probability)
    reasons += [
        f"In {since}, {moved.channel} earned {max(moved.factor, 0.0):.0%} of what was forecast "
        f"of it, which had a probability of {moved.probability:.1g}."
        for moved in by_doubt[:1]
        if moved.probability < rules.min_forecast and abs(moved.factor - 1.0) > rules.max_roi_shift
    ]
    return tuple(reasons)


def _input_reasons(comparison: Comparison, rules: Promote) -> tuple[str, ...]:
    reasons = [
        f"In the new periods {change.column} is {abs(change.drift):.0f} standard deviations "
        f"{'above' if change.drift > 0 else 'below'} what it was."
        for change in comparison.inputs
        if abs(change.drift) > rules.max_drift
    ]
    reasons += [
        f"The past of {change.column} was rewritten by {change.restated:+.0%}."
        for change in comparison.inputs
        if abs(change.restated) > rules.max_restated
    ]
    if comparison.channels_gone:
        reasons.append(f"The study has lost {', '.join(comparison.channels_gone)}.")
    if comparison.channels_new:
        reasons.append(f"New in the study: {', '.join(comparison.channels_new)}.")
    return tuple(reasons)


def _all_well(comparison: Comparison) -> str:
    most = max(comparison.shifts, key=lambda shift: abs(shift.change), default=None)
    words = "No return to compare."
    if most is not None:
        words = (
            f"No return has moved; the largest change is {most.change:+.0%}, of {most.channel}, "
            f"with posteriors that overlap by {most.overlap:.0%}."
        )
    if comparison.forecast is not None:
        words += (
            f" The deployed fit forecast the {comparison.forecast.periods} periods since within "
            f"{abs(comparison.forecast.error):.1%}."
        )
    return words
