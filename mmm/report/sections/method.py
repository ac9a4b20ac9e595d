"""What the data check found, where each figure comes from, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from markupsafe import Markup

from mmm.errors import Severity
from mmm.report import words
from mmm.report.blocks import Block, Bullets, Section, Table, Text
from mmm.report.inputs import ReportInputs
from mmm.report.sections.terms import period
from mmm.report.tables import Column, badge, breakable, html_table, stacked

MOST_FINDINGS: Final = 25
MOST_QUANTITIES: Final = 8
QUANTITY_NAMES: Final = {
    "roi": "return",
    "mroi": "marginal return",
    "npv": "net present value",
}
_ORDER: Final = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
_WORDS: Final = {
    Severity.ERROR: "rejects",
    Severity.WARNING: "limits trust",
    Severity.INFO: "good to know",
}


def findings_section(inputs: ReportInputs) -> Section:
    """One row a finding, the gravest first."""
    title = "What the data check found"
    if not inputs.findings:
        text = "The data passed every check: nothing is missing, doubled, out of order or odd."
        return Section("findings", title, (Text(text),))
    ranked = sorted(inputs.findings, key=lambda one: _ORDER[Severity(one.severity)])
    rows = [
        (
            Markup("<span class='severity {}'>{}</span>").format(
                Severity(one.severity).value, _WORDS[Severity(one.severity)]
            ),
            stacked(one.message[:1].upper() + one.message[1:], one.where),
            one.remedy,
        )
        for one in ranked[:MOST_FINDINGS]
    ]
    blocks: list[Block] = [
        Table(
            "Findings",
            html_table(
                "findings-table",
                (Column("Weight"), Column("What we saw"), Column("What to do")),
                rows,
            ),
            "Each row is something in the data that a reader of these figures should know.",
        )
    ]
    left = len(ranked) - MOST_FINDINGS
    if left > 0:
        blocks.append(Text(f"{left} more are listed in checks.json."))
    return Section("findings", title, tuple(blocks))


def method_section(inputs: ReportInputs) -> Section:
    """The ledger, diagnostics in words, and provenance."""
    geos = inputs.fitted["geo"].nunique()
    dates = inputs.fitted["date"].nunique()
    spread = f" in {geos} regions" if geos > 1 else ""
    blocks: list[Block] = [
        Text(
            f"A statistical model explains the {words.plain_name(inputs.outcome_name)} of "
            f"{words.counted(dates, period(inputs))}{spread} by a baseline (trend, season, other "
            "drivers) and by each channel, allowing for effects that last beyond the spending "
            "(carry-over) and for more money buying less and less (saturation). It does not give "
            "one answer but thousands that the data allow, and every figure on this page, from "
            "return to net present value, is read from those same thousands.",
            "Method in short",
        ),
        *_ledger(inputs.ledger),
        _diagnostics(inputs.diagnostics),
        _provenance(inputs.manifest),
    ]
    return Section("method", "How these figures were made", tuple(blocks))


def _ledger(ledger: pd.DataFrame) -> tuple[Block, ...]:
    if ledger.empty:
        return ()
    quantities = list(dict.fromkeys(ledger["quantity"].astype(str)))[:MOST_QUANTITIES]
    channels = list(dict.fromkeys(ledger["channel"].map(_name)))
    cells = {
        (str(row["quantity"]), _name(row["channel"])): _tier(row) for _, row in ledger.iterrows()
    }
    rows = [
        (
            breakable(channel or "whole study"),
            *(cells.get((quantity, channel), "") for quantity in quantities),
        )
        for channel in channels
        if any((quantity, channel) in cells for quantity in quantities)
    ]
    columns = (
        Column("Channel"),
        *(Column(QUANTITY_NAMES.get(name, words.plain_name(name))) for name in quantities),
    )
    counts = ledger["tier"].astype(str).value_counts()
    told = words.listed(f"{count} on {tier}" for tier, count in counts.items())
    return (
        Table(
            "Where each figure comes from",
            html_table("ledger-table", columns, rows),
            f"How many of the {len(ledger)} quantities rest on what: {told}. The percentage says "
            "how much of the doubt there was beforehand was taken away.",
        ),
    )


def _name(channel: object) -> str:
    return "" if channel is None or channel != channel else str(channel)


def _tier(row: pd.Series) -> Markup:
    contraction = words.number(row["contraction"])
    learned = words.chance(contraction) if np.isfinite(contraction) else ""
    return stacked(badge(str(row["tier"])), learned)


def _diagnostics(diagnostics: Mapping[str, float | str]) -> Table:
    def found(name: str) -> float:
        return words.number(diagnostics.get(name))

    def show(value: float, layout: str) -> str:
        return format(value, layout) if np.isfinite(value) else words.UNKNOWN

    rows = [
        (
            stacked("Agreement of independent runs", "R-hat, worst"),
            show(found("rhat_max"), ".3f"),
            "at most 1.01: runs from different starts found the same answer",
        ),
        (
            stacked("Independent draws, centre", "bulk effective sample size, smallest"),
            show(found("ess_bulk_min"), ",.0f"),
            "at least 400: enough to trust the averages",
        ),
        (
            stacked("Independent draws, edges", "tail effective sample size, smallest"),
            show(found("ess_tail_min"), ",.0f"),
            "at least 400: enough to trust the ends of the intervals",
        ),
        (
            stacked("Steps that went wrong", "divergences"),
            show(found("divergences"), ",.0f"),
            "0: no part of the answer was skipped",
        ),
        (
            stacked("Ease of exploring", "energy fraction (E-BFMI), smallest"),
            show(found("ebfmi_min"), ".2f"),
            "above 0.3: the search moved freely",
        ),
    ]
    worst = diagnostics.get("worst")
    caption = f"The quantity that was hardest to settle: {worst}." if worst else ""
    columns = (Column("Check"), Column("Found", "right"), Column("Wanted"))
    return Table("Did the calculation settle?", html_table("diagnostics", columns, rows), caption)


def _provenance(manifest: Mapping[str, object]) -> Bullets:
    items = []
    versions = manifest.get("versions")
    if isinstance(versions, Mapping):
        named = ", ".join(f"{name} {version}" for name, version in versions.items())
        items.append(f"Software: {named}.")
    if manifest.get("seed") is not None:
        items.append(f"Random seed: {manifest['seed']}; the same seed gives the same figures.")
    for key, label in (("data_sha256", "Data"), ("study_sha256", "Study file")):
        if manifest.get(key):
            items.append(f"{label} fingerprint (SHA-256): {manifest[key]}.")
    timings = manifest.get("timings")
    if isinstance(timings, Mapping):
        total = words.number(timings.get("total_s"))
        sampling = words.number(timings.get("sample_s"))
        if np.isfinite(total):
            text = f"Cost of the run: {_seconds(total)}"
            if np.isfinite(sampling):
                text += f", of which {_seconds(sampling)} drawing answers"
            memory = words.number(manifest.get("peak_rss_mb"))
            if np.isfinite(memory):
                text += f"; {words.short(memory)} MB of memory"
            items.append(f"{text}.")
    return Bullets(tuple(items), "Provenance")


def _seconds(seconds: float) -> str:
    if seconds < 100:
        return words.counted(float(f"{seconds:.2g}"), "second")
    return words.counted(round(seconds / 60), "minute")
