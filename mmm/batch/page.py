"""The portfolio page of a store, from its index and the records of each study's last runs."""

from __future__ import annotations

import pandas as pd

from mmm.batch.index import read_records, record_path
from mmm.batch.record import ALARM, DONE, FAILED, PROMOTE, ChannelReturn, Record
from mmm.batch.store import Store
from mmm.report.portfolio import (
    PortfolioInputs,
    PortfolioStudy,
    ReturnLine,
    render_portfolio,
)

PAGE = "portfolio.html"
TOTAL = "total"
_LAST = 3
"""Rows of a study read for the page: the last two complete runs, and a failure after them."""


def write_portfolio(store: Store, index: pd.DataFrame, batch: str, created: str) -> None:
    """Writes `portfolio.html` beside the runs."""
    inputs = portfolio_inputs(store, index, batch, created)
    store.write(PAGE, render_portfolio(inputs).encode())


def portfolio_inputs(
    store: Store, index: pd.DataFrame, batch: str, created: str
) -> PortfolioInputs:
    """Every study in the index by its last attempt, with the returns of its last complete run
    beside those of the one before."""
    rows = index.groupby("study", sort=True).tail(_LAST)
    wanted = rows[["study", "run", "status"]].itertuples(index=False, name=None)
    by_study: dict[str, list[Record]] = {}
    for record in read_records(store, [record_path(*row) for row in wanted]):
        by_study.setdefault(record.study, []).append(record)
    deployed = set(index.loc[index["promoted"], "run"])
    studies = tuple(_study(records, deployed) for records in by_study.values())
    return PortfolioInputs(batch, f"{created[:10]} {created[11:16]} UTC", studies)


def _study(records: list[Record], deployed: set[str]) -> PortfolioStudy:
    records.sort(key=lambda record: record.created)
    last = records[-1]
    done = [record for record in records if record.status == DONE]
    shown = done[-1] if done else None
    before = done[-2] if len(done) > 1 else None
    lines = _returns(shown, before)
    return PortfolioStudy(
        name=last.study,
        state=_state(last, deployed),
        verdict=shown.verdict if shown else "",
        reasons=(last.reason,) if last.status == FAILED else last.because,
        when=last.created[:10],
        complete=shown.created[:10] if shown else "",
        window=f"{shown.start} to {shown.end}" if shown else "",
        spend=shown.spend_per_year if shown else 0.0,
        currency=shown.currency if shown else "",
        returns=tuple(line for line in lines if line.channel != TOTAL),
        total=next((line for line in lines if line.channel == TOTAL), None),
        link=f"runs/{shown.study}/{shown.run}/report.html" if shown and shown.report else "",
        since=_since(before, shown) if before and shown else "",
    )


def _since(before: Record, shown: Record) -> str:
    """What changed between two runs of a study."""
    changes = []
    if before.end != shown.end:
        changes.append(f"data to {shown.end}, before to {before.end}")
    elif before.data_sha256 != shown.data_sha256:
        changes.append("data rewritten")
    if before.study_sha256 != shown.study_sha256:
        changes.append("study changed")
    if before.version != shown.version:
        changes.append(f"library {before.version} to {shown.version}")
    return "; ".join(changes) or "nothing: run again"


def _state(record: Record, deployed: set[str]) -> str:
    if record.status == FAILED:
        return "failed"
    if record.run in deployed or record.decision == PROMOTE:
        return "deployed"
    return "alarm" if record.decision == ALARM else "held"


def _returns(shown: Record | None, before: Record | None) -> list[ReturnLine]:
    if shown is None:
        return []
    former = {} if before is None else {one.channel: one.roi_p50 for one in before.channels}
    return [
        line for one in shown.channels if (line := _line(one, former.get(one.channel))) is not None
    ]


def _line(one: ChannelReturn, before: float | None) -> ReturnLine | None:
    if one.roi_p05 is None or one.roi_p50 is None or one.roi_p95 is None:
        return None
    return ReturnLine(one.channel, one.roi_p05, one.roi_p50, one.roi_p95, before)
