"""What is known of one run: the record that makes it visible in the store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mmm.errors import StoredFitError

DONE, FAILED = "done", "failed"
PROMOTE, HOLD, ALARM = "promote", "hold", "alarm"


@dataclass(frozen=True, slots=True)
class ChannelReturn:
    """Return of a channel as in `efficiency.csv`: spend in money, `roi` quantiles (null without
    cost). log_mean and log_sd are of the log return within the window, which is what a prior
    states (null where it may be below zero); learned_mean and learned_sd of the prior for it
    that came from other studies."""

    channel: str
    spend: float
    roi_mean: float | None
    roi_p05: float | None
    roi_p50: float | None
    roi_p95: float | None
    log_mean: float | None = None
    log_sd: float | None = None
    learned_mean: float | None = None
    learned_sd: float | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One run of one study. `created` is ISO 8601 in universal time, to the microsecond.

    `decision` is promote, hold or alarm with its `because`, empty for a failed run; `against` is
    the run it was compared with. `spend_per_year` is in `currency`; `start` and `end` are the
    first and last date of the data.
    """

    study: str
    run: str
    created: str
    status: str
    data_sha256: str
    study_sha256: str
    version: str
    batch: str = ""
    reason: str = ""
    verdict: str = ""
    verdict_reasons: tuple[str, ...] = ()
    decision: str = ""
    because: tuple[str, ...] = ()
    against: str = ""
    start: str = ""
    end: str = ""
    currency: str = ""
    spend_per_year: float = 0.0
    channels: tuple[ChannelReturn, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    report: bool = False
    study_file: str = ""


_ADAPTER = TypeAdapter(Record)


def record_to_json(record: Record) -> bytes:
    return json.dumps(asdict(record), indent=1, ensure_ascii=False, allow_nan=False).encode()


def record_from_json(content: bytes, place: str) -> Record:
    """Raises `StoredFitError` where `content` is no record; `place` says where it stood."""
    try:
        return _ADAPTER.validate_json(content)
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise StoredFitError(
            f"{place}: not a record of a run ({problem}). Remove it and run again."
        ) from error


def run_id(data_sha256: str, study_sha256: str, version: str) -> str:
    """The name of a run: the same data, study and library give the same one."""
    text = json.dumps([data_sha256, study_sha256, version])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def content_sha256(content: Any) -> str:
    """Digest of JSON-like content, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def now() -> str:
    """The time as records state it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
