"""Priors from siblings: what the other studies of a portfolio say of a channel's return.

The log return of a channel in study i is theta_i ~ N(mu, tau^2), and its fit says y_i with
variance v_i. mu and tau^2 are estimated without the study itself (DerSimonian and Laird, 1986),
and a further study's return is predicted as Higgins, Thompson and Spiegelhalter (2009) have it,

    mu +- t_{k-2} sqrt(tau^2 + se(mu)^2),

so that few siblings say little. What a sibling was once told by its own siblings is divided out
of what it says, or the portfolio would go on convincing itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from mmm.batch.payload import Payload, merged
from mmm.batch.record import ChannelReturn, Record
from mmm.config.load import content_to_yaml, mapping_from_yaml

FEWEST = 3
"""Siblings from which a prior is made."""
LEAST_SD = 0.3
"""Of a learned prior of a log return: a 90 % interval from 0.6 to 1.6 times its median, so that
a long history outweighs it."""
NEWS = 0.1
"""Part of its precision that a sibling must have from its own data to be heard."""
Z90 = 1.6448536269514722
STATED = ".stated"
"""Ending of the study file as it was before priors were added, kept beside it."""


@dataclass(frozen=True, slots=True)
class LearnedPrior:
    """Mean and standard deviation of a channel's log return, from so many other studies."""

    channel: str
    mean: float
    sd: float
    studies: int

    @property
    def interval(self) -> tuple[float, float]:
        """The 90 % interval of the return."""
        return (
            float(np.exp(self.mean - Z90 * self.sd)),
            float(np.exp(self.mean + Z90 * self.sd)),
        )


class Portfolio:
    """What every study's deployed fit says, ready to be asked about each without itself."""

    def __init__(self, records: Iterable[Record]) -> None:
        said: dict[str, list[tuple[str, float, float]]] = {}
        for record in records:
            for one in record.channels:
                own = own_evidence(one)
                if own is not None and one.channel != "total":
                    said.setdefault(one.channel, []).append((record.study, *own))
        self._said = {
            channel: (
                np.array([row[0] for row in rows], dtype=object),
                np.array([row[1] for row in rows]),
                np.array([row[2] for row in rows]),
            )
            for channel, rows in said.items()
        }

    def priors_for(self, study: str) -> tuple[LearnedPrior, ...]:
        """A prior a channel that enough other studies have."""
        found = []
        for channel, (studies, means, sds) in self._said.items():
            others = studies != study
            if others.sum() >= FEWEST:
                mean, sd = predicted(means[others], sds[others])
                found.append(LearnedPrior(channel, mean, max(sd, LEAST_SD), int(others.sum())))
        return tuple(found)


def own_evidence(one: ChannelReturn) -> tuple[float, float] | None:
    """Mean and standard deviation of a log return by the study's own data: the posterior less
    the prior it learned, both normal. None where little is left."""
    if one.log_mean is None or one.log_sd is None or one.log_sd <= 0:
        return None
    if one.learned_mean is None or one.learned_sd is None:
        return one.log_mean, one.log_sd
    precision = 1.0 / one.log_sd**2
    own = precision - 1.0 / one.learned_sd**2
    if own < NEWS * precision:
        return None
    mean = (one.log_mean * precision - one.learned_mean / one.learned_sd**2) / own
    return mean, own**-0.5


def predicted(means: np.ndarray, sds: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of a further study's effect from those of k others, each (k,),
    three at least. The deviation is that of the normal whose 90 % interval is the predicted."""
    weights = sds**-2.0
    centre = weights @ means / weights.sum()
    excess = weights @ (means - centre) ** 2 - (len(means) - 1)
    between = max(0.0, excess / (weights.sum() - weights @ weights / weights.sum()))
    weights = 1.0 / (sds**2 + between)
    centre = float(weights @ means / weights.sum())
    wider = stdtrit(len(means) - 2, 0.95) / Z90
    return centre, float(wider * np.sqrt(between + 1.0 / weights.sum()))


def with_priors(
    payload: Payload, priors: Sequence[LearnedPrior], batch: str
) -> tuple[Payload, tuple[LearnedPrior, ...]]:
    """The payload with learned priors in its study file, and those of them that were put there:
    of channels with a cost and no prior of their own. The file as it was stays beside it."""
    text = payload.files[payload.study_file]
    content = mapping_from_yaml(text.decode("utf-8-sig"), payload.study_file)
    known = {prior.channel: prior for prior in priors}
    taken = [
        known[channel["name"]]
        for channel in content.get("channels") or []
        if isinstance(channel, Mapping) and channel.get("name") in known and _open(channel)
    ]
    if not taken:
        return payload, ()
    changes = [{"name": prior.channel, "prior": _stated(prior, batch)} for prior in taken]
    changed = merged(content, {"channels": changes})
    files = {
        **payload.files,
        payload.study_file: content_to_yaml(changed).encode(),
        payload.study_file + STATED: text,
    }
    return Payload(payload.study_file, files), tuple(taken)


def _stated(prior: LearnedPrior, batch: str) -> dict[str, Any]:
    source = f"{prior.studies} other studies of batch {batch}"
    return {"roi": [round(end, 6) for end in prior.interval], "source": source}


def _open(channel: Mapping[str, Any]) -> bool:
    """Whether a channel has a cost, and no prior of its own."""
    prior, costs = channel.get("prior") or {}, channel.get("costs") or {}
    costly = channel.get("spend") is not None or costs.get("unit_cost") is not None
    return costly and prior.get("roi") is None and prior.get("share") is None
