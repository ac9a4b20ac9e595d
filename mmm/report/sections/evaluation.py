"""Where the model has been wrong: the evaluation, part by part, and what it does to the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from markupsafe import Markup

from mmm.report import words
from mmm.report.blocks import Block, Section, Table, Text
from mmm.report.inputs import ReportInputs
from mmm.report.tables import Column, html_table, stacked
from mmm.report.words import HARD_SPACE

PARTS: Final = {
    "backtest": ("Forecasts", "from earlier dates"),
    "stability": ("Returns on the same dates", "without the last periods"),
    "placebo": ("Channels that do nothing", "copies shifted in time"),
    "seeds": ("Other seeds", "the same, drawn again"),
    "perturbation": ("Slightly other outcomes", "noise added, odd periods smoothed"),
    "residuals": ("What is left unexplained", "residuals"),
    "specifications": ("Other specifications", "at the same dates"),
}
_FORECASTERS: Final = {
    "model": ("This model", ""),
    "no_media": ("The same without media", "baseline alone"),
    "seasonal_naive": ("Last year's figures", "seasonal-naive"),
}
_WEIGHTS: Final = {"error": "rejects", "warning": "limits trust", "info": "good to know"}
_GRAVEST: Final = tuple(_WEIGHTS)
_SAYS: Final = {
    "trusted": "nothing that was found speaks against it",
    "caution": "the answers hold with the reservations named on the first page",
    "rejected": "the answers are not to be used until this is mended",
}


def evaluation_section(inputs: ReportInputs) -> Section | None:
    """The evaluation's parts, and its forecasts beside others; None without an evaluation."""
    found = inputs.evaluation
    if found is None:
        return None
    blocks: list[Block] = [Text(_summary(inputs.verdict, found)), _parts(found), _forecasts(found)]
    return Section("evaluation", "Where the model has been wrong", tuple(blocks))


def _summary(verdict: str, found: Mapping[str, Any]) -> str:
    fits = words.counted(int(found["cost"]["fits"]), "time")
    grave = [_WEIGHTS[one["severity"]] for one in found["findings"]]
    against = grave.count("limits trust") + grave.count("rejects")
    said = (
        f"{words.counted(against, 'thing')} that this brought to light "
        f"{'speaks' if against == 1 else 'speak'} against trust"
        if against
        else "Nothing that this brought to light speaks against trust"
    )
    return (
        f"The model was fitted {fits} more: to earlier dates only, to slightly other figures, and "
        f"with channels that cannot have an effect. {said}. With data, calculation and this taken "
        f"together the verdict is {verdict}: {_SAYS[verdict]}. One serious finding is enough for "
        "it, and nothing is averaged away."
    )


def _parts(found: Mapping[str, Any]) -> Table:
    rows = []
    for part, (title, below) in PARTS.items():
        content = found.get(part)
        if content is None:
            continue
        own = [one["severity"] for one in found["findings"] if one["part"] == part]
        gravest = min(own, key=_GRAVEST.index, default=None)
        weight = (
            Markup("<span class='severity {}'>{}</span>").format(gravest, _WEIGHTS[gravest])
            if gravest
            else "holds"
        )
        todo = " ".join(content["advice"]) or "Nothing."
        rows.append((stacked(title, below), weight, content["reading"], todo))
    columns = (Column("Test"), Column("Weight"), Column("What came of it"), Column("What to do"))
    return Table(
        "Test by test",
        html_table("evaluation-table", columns, rows),
        "Each test looks for one way of being wrong. What limits trust is among the reasons on "
        "the first page.",
    )


def _forecasts(found: Mapping[str, Any]) -> Table:
    backtest = found["backtest"]
    scores = {one["forecaster"]: one for one in backtest["scores"] if one["steps"] == "all"}
    rows = [
        (
            stacked(title, below),
            words.percent(words.number(scores[name]["crps_relative"])),
            words.short(words.number(scores[name]["mase"])),
            *(words.percent(words.number(scores[name][f"coverage_{level}"])) for level in (50, 90)),
        )
        for name, (title, below) in _FORECASTERS.items()
    ]
    columns = (
        Column("Forecast by"),
        Column("Error, of the mean outcome", "right"),
        Column("Error of the middle", "right"),
        Column(f"Held by 50{HARD_SPACE}% intervals", "right"),
        Column(f"Held by 90{HARD_SPACE}% intervals", "right"),
    )
    origins = words.counted(len(backtest["origins"]), "date")
    least = words.percent(words.number(backtest["least_coverage_90"]))
    return Table(
        "Forecasts beside simpler ones",
        html_table("backtest-table", columns, rows),
        f"Forecast {words.counted(int(backtest['horizon']), 'period')} ahead from {origins}, with "
        "spending and controls as they then were. The error counts intervals too (CRPS); that of "
        "the middle is over the error of last year's figures within the data (MASE). Chance alone "
        f"may bring the last column down to {least}.",
    )
