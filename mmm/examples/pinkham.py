"""Advertising and sales of the Lydia E. Pinkham Medicine Company, 1907 to 1960.

One product, advertising near half of sales, no sales force and almost no change of price:
the best-known series on how long advertising lasts. Both columns are in thousand US dollars
a year.

Source of the figures and of the estimates: Palda, K. S. (1964), The Measurement of
Cumulative Advertising Effects, Englewood Cliffs: Prentice-Hall. Later authors dispute that
carry-over lasts beyond a year.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from mmm.config import (
    Brand,
    Channel,
    DataSource,
    Finance,
    Outcome,
    OutcomeKind,
    PlanSettings,
    Role,
    Study,
)
from mmm.data.panel import Panel

PALDA_SHORT_RUN: Final = 0.54
"""Sales in the same year per dollar of advertising, Palda (1964)."""

PALDA_RETENTION: Final = 0.63
"""Part of the effect that lasts from one year to the next, Palda (1964)."""

PALDA_LONG_RUN: Final = 1.44
"""Sales over all years per dollar of advertising, Palda (1964)."""

HEADING: Final = """\
Lydia E. Pinkham Medicine Company, 1907 to 1960, in thousand US dollars a year.
Source: Palda, K. S. (1964), The Measurement of Cumulative Advertising Effects,
Prentice-Hall. The finance block is an illustration, not the company's own figures."""

FIRST_YEAR: Final = 1907

ADVERTISING: Final = (
    *(608, 451, 529, 543, 525, 549, 525, 578, 609, 504),
    *(752, 613, 862, 866, 1016, 1360, 1482, 1608, 1800, 1941),
    *(1229, 1373, 1611, 1568, 983, 1046, 1453, 1504, 807, 339),
    *(562, 745, 749, 862, 1034, 1054, 1164, 1102, 1145, 1012),
    *(836, 941, 981, 974, 766, 920, 964, 811, 789, 802),
    *(770, 639, 644, 564),
)
"""Thousand US dollars a year from 1907 on, ten years a line."""

SALES: Final = (
    *(1016, 921, 934, 976, 930, 1052, 1184, 1089, 1087, 1154),
    *(1330, 1980, 2223, 2203, 2514, 2726, 3185, 3351, 3438, 2917),
    *(2359, 2240, 2196, 2111, 1806, 1644, 1814, 1770, 1518, 1103),
    *(1266, 1473, 1423, 1767, 2161, 2336, 2602, 2518, 2637, 2177),
    *(1920, 1910, 1984, 1787, 1689, 1866, 1896, 1684, 1633, 1657),
    *(1569, 1390, 1387, 1289),
)
"""Thousand US dollars a year from 1907 on, ten years a line."""


def pinkham_study() -> tuple[Study, pd.DataFrame]:
    """The study and its data: columns `year` (1 January), `advertising`, `sales`.

    Money is in thousand US dollars, so a value of 1,000 in a report is a million dollars.
    The brand half-life prior runs from a quarter to four years (Palda's retention is a half-life
    of a year and a half). The finance block is an illustration.
    """
    frame = pd.DataFrame(
        {
            "year": pd.date_range(f"{FIRST_YEAR}-01-01", periods=len(SALES), freq="YS"),
            "advertising": ADVERTISING,
            "sales": SALES,
        }
    )
    study = Study(
        study="pinkham",
        data=DataSource(file="data.csv", date="year", frequency="YS"),
        outcome=Outcome(column="sales", kind=OutcomeKind.REVENUE, currency="USD"),
        channels=(Channel(name="advertising", spend="advertising", role=Role.BOTH),),
        brand=Brand(half_life=(13.0, 208.0)),
        plan=PlanSettings(horizon=3),
        finance=Finance(
            currency="USD",
            margin=0.7,
            discount_rate=0.06,
            tax_rate=0.25,
            horizon=10,
        ),
    )
    return study, frame


def is_pinkham(panel: Panel) -> bool:
    """Whether a panel holds exactly these figures, so that published estimates apply to it."""
    data = panel.dataset
    return (
        data["outcome"].shape == (len(SALES), 1)
        and data["spend"].shape == (len(SALES), 1, 1)
        and data["outcome"].values.ravel().tolist() == list(SALES)
        and data["spend"].values.ravel().tolist() == list(ADVERTISING)
    )
