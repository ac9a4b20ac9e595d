"""Whether what is believed of channels leaves room for anything else."""

from __future__ import annotations

from collections.abc import Iterator

from mmm.config import OutcomeKind
from mmm.config.channel import Channel
from mmm.data.checks.finding import error
from mmm.data.costs import variable_cost_rate
from mmm.data.observations import Observations
from mmm.errors import Finding


def returns_leave_a_baseline(observations: Observations) -> Iterator[Finding]:
    """The least that priors of returns say channels caused is less than all there was."""
    earned = whole_value(observations)
    if earned is None or earned <= 0:
        return
    least = {}
    for channel in observations.study.channels:
        cost = None if channel.prior.roi is None else total_cost(observations, channel)
        if cost is not None and channel.prior.roi is not None:
            least[channel.name] = channel.prior.roi[0] * cost / earned
    for name, part in least.items():
        if part > 1.0:
            yield error(
                "prior_above_outcome",
                f"channel '{name}': prior.roi",
                f"the lower end of the return stated, times the channel's cost, is {part:,.3g} "
                "times the value of the whole outcome.",
                "Give value of outcome per unit of loaded cost (2.0 is twice the cost, not 2 % or "
                "200), in the money that spend and outcome are in.",
            )
    together = sum(least.values())
    if together > 1.0 and max(least.values()) <= 1.0:
        yield error(
            "prior_above_outcome",
            f"channels {', '.join(least)}: prior.roi",
            f"the lower ends of the returns stated, times cost, add up to {together:,.3g} times "
            "the value of the whole outcome.",
            "Lower them: what would have been sold without marketing is in the outcome too.",
        )


def whole_value(observations: Observations) -> float | None:
    """Money value of all the outcome, None where it cannot be read or no value is stated."""
    study = observations.study
    stated = study.outcome.value_per_unit
    is_money = study.outcome.kind in (OutcomeKind.REVENUE, OutcomeKind.PIPELINE)
    outcome = observations.clean(study.outcome.column)
    value = observations.clean(stated) if isinstance(stated, str) else stated
    if outcome is None or value is None or (stated == 1.0 and not is_money):
        return None
    return float((outcome * value).sum())


def total_cost(observations: Observations, channel: Channel) -> float | None:
    """Loaded cost of a channel over the window, None where its column cannot be read."""
    used = observations.clean(channel.spend or channel.exposure)
    keys = observations.keys
    if used is None or keys is None:
        return None
    periods = len(set(keys.dates))
    return (
        float(used.sum()) * variable_cost_rate(channel) + channel.costs.fixed_per_period * periods
    )


CHECKS = (returns_leave_a_baseline,)
