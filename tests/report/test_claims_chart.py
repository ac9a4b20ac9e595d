"""The bars of claims, model and record: end to end, in scale, for any number of channels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmm.report import render_report, words
from mmm.report.charts import claims as charts
from mmm.report.charts.claims import claims_chart

ENDS = ("mean", "p05", "p50", "p95")


def reconciliation(claimed: dict[str, float], found: dict[str, float], actual: float, other=0.0):
    """A table as the run writes it, intervals of a tenth both ways."""

    def row(kind, channel="", amount=np.nan, model=np.nan, source=""):
        spread = {
            f"model_{end}": model * by for end, by in zip(ENDS, (1, 0.9, 1, 1.1), strict=True)
        }
        ratios = {f"ratio_{end}": amount / spread[f"model_{end}"] for end in ENDS}
        return {
            "kind": kind,
            "channel": channel,
            "source": source,
            "claimed": amount,
            **spread,
            **ratios,
            "probability_exceeds": 0.5 if np.isfinite(amount * model) else np.nan,
            "claimed_of_actual": amount / actual,
            "model_of_actual": model / actual,
        }

    rows = [row("channel", name, claimed.get(name, np.nan), found[name]) for name in found]
    rows += [row("other", amount=other, source="partner")] if other else []
    caused = sum(found.values())
    rows += [
        row("claims", amount=sum(claimed.values()) + other, model=caused),
        row("marketing", model=caused),
        row("rest", model=actual - caused),
        row("actual", model=actual),
    ]
    return pd.DataFrame(rows)


def pieces_of(figure_of, monkeypatch) -> pd.DataFrame:
    """The pieces of the bars as they are given to the drawing."""
    seen = []
    plain = charts.chart
    monkeypatch.setattr(charts, "chart", lambda frame: seen.append(frame) or plain(frame))
    figure_of()
    return next(frame for frame in seen if "start" in frame)


@pytest.mark.parametrize("count", [1, 5, 12])
@pytest.mark.parametrize("baseline", [70.0, -20.0])
def test_bars_are_as_long_as_what_they_stand_for(count, baseline, monkeypatch):
    found = {f"c{n}": 10.0 + n for n in range(count)}
    actual = baseline + sum(found.values())
    table = reconciliation(dict.fromkeys(found, 30.0), found, actual, other=8.0)
    pieces = pieces_of(lambda: claims_chart(table, "orders", ""), monkeypatch)
    length = (pieces["end"] - pieces["start"]).groupby(pieces["label"]).sum()
    assert length["Claimed"] == pytest.approx(30.0 * count + 8.0)
    assert length["Found by the model"] == length["Recorded"] == pytest.approx(actual)
    for _, bar in pieces[pieces["end"] > pieces["start"]].groupby("label"):
        np.testing.assert_allclose(bar["start"].iloc[1:], bar["end"].iloc[:-1])


def test_a_channel_keeps_its_colour_whatever_its_name(monkeypatch):
    found = {"baseline": 10.0, "actual": 20.0}
    table = reconciliation({"baseline": 5.0, "actual": 9.0}, found, 100.0)
    pieces = pieces_of(lambda: claims_chart(table, "orders", ""), monkeypatch)
    claimed = pieces[pieces["label"] == "Claimed"]["colour"].to_list()
    model = pieces[pieces["label"] == "Found by the model"]["colour"].to_list()
    assert model[1:] == claimed
    assert len(set(model)) == 3


def test_claims_for_nothing_but_partners_are_drawn():
    table = reconciliation({}, {"tv": 10.0}, 100.0, other=50.0)
    figure = claims_chart(table, "orders", "")
    assert "50  (0.50 times)" in figure.svgs[0]
    assert "claimed for what is no channel here" in [entry.label for entry in figure.key]


def test_the_page_has_the_section_after_the_waterfall_and_escapes_names(make):
    evil = "<script>alert(1)</script>"
    table = reconciliation({evil: 30.0}, {evil: 10.0, "tv": 5.0}, 20.0, other=12.0)
    inputs = replace(make["weekly"](periods=20), reconciliation=table)
    html = render_report(inputs)
    assert "<script" not in html
    assert (
        html.index('id="waterfall"') < html.index('id="reconciliation"') < html.index('id="curves"')
    )
    assert words.ratio(2.1) + " times what happened" in html
    with pytest.raises(ValueError, match="'reconciliation' lacks columns: claimed"):
        replace(inputs, reconciliation=table.drop(columns="claimed"))
