"""Names of dimensions and variables, in one place, and how long a period is."""

from __future__ import annotations

from typing import Final

DATE: Final = "date"
GEO: Final = "geo"
CHANNEL: Final = "channel"
CONTROL: Final = "control"
SURVEY: Final = "survey_name"
PATH: Final = "path"

NATIONAL: Final = "national"
"""Name of the only geo of a study that has no geo column."""

DAYS_PER_WEEK: Final = 7.0
DAYS_PER_YEAR: Final = 365.2425
