"""A table seen through a study: its rows' dates, geos and numbers, with what could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.config.study import Study
from mmm.data.parse import Dates, Numbers, is_missing, parse_dates, parse_numbers
from mmm.data.table import Table
from mmm.dims import NATIONAL


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """A column the study asks for: `key` is the place in the study file that names it. `gaps`
    says that its cells may be empty."""

    column: str
    key: str
    off_when_missing: bool = False
    gaps: bool = False


def column_uses(study: Study) -> tuple[ColumnUse, ...]:
    """Every column holding numbers that the study names, in the study's order."""
    uses = [ColumnUse(study.outcome.column, "outcome.column")]
    if isinstance(study.outcome.value_per_unit, str):
        uses.append(ColumnUse(study.outcome.value_per_unit, "outcome.value_per_unit"))
    for index, channel in enumerate(study.channels):
        for key, column in (("spend", channel.spend), ("exposure", channel.exposure)):
            if column is not None:
                place = f"channels[{index}].{key}"
                uses.append(ColumnUse(column, place, channel.off_when_missing))
    off = {channel.media_column for channel in study.channels if channel.off_when_missing}
    for index, path in enumerate(study.paths):
        fill = path.off_when_missing or path.column in off
        uses.append(ColumnUse(path.column, f"paths[{index}].column", fill))
    uses += [ColumnUse(name, f"controls[{i}]") for i, name in enumerate(study.controls)]
    if study.data.population is not None:
        uses.append(ColumnUse(study.data.population, "data.population"))
    for index, survey in enumerate(study.brand.surveys):
        for key in ("column", "standard_error", "sample_size"):
            column = getattr(survey, key)
            if isinstance(column, str):
                uses.append(ColumnUse(column, f"brand.survey[{index}].{key}", gaps=True))
    return tuple(uses)


@dataclass(frozen=True, slots=True)
class Keys:
    """Date and geo of every row, where all of them are known.

    `dates` and `codes` have shape (rows,); `codes` index the sorted names in `geos`.
    """

    dates: pd.DatetimeIndex
    codes: np.ndarray
    geos: np.ndarray

    def in_time(self) -> list[np.ndarray]:
        """The rows of each geo, in the order of their dates."""
        order = np.lexsort((self.dates, self.codes))
        return np.split(order, np.cumsum(np.bincount(self.codes))[:-1])

    def within(self, values: np.ndarray) -> np.ndarray:
        """Values less their geo's mean: the variation an effect is learned from (rows,)."""
        rows = np.bincount(self.codes)
        return values - (np.bincount(self.codes, weights=values) / rows)[self.codes]


@dataclass(frozen=True, slots=True)
class Observations:
    """What the checks read. Arrays have shape (rows,), in the order of the source.

    `dates` and `geos` are None where their column does not exist; `geos` holds names, ""
    where the cell is empty; `keys` joins them where every row has both. `numbers` has an
    entry for every column that exists.
    """

    study: Study
    source: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    index_name: str | None
    cells: Mapping[str, pd.Series]
    dates: Dates | None
    geos: np.ndarray | None
    keys: Keys | None
    numbers: Mapping[str, Numbers]

    def __len__(self) -> int:
        return len(self.rows)

    def clean(self, column: str | None) -> np.ndarray | None:
        """Values of a column that is there and wholly readable, else None."""
        numbers = self.numbers.get(column) if column is not None else None
        return numbers.values if numbers is not None and numbers.clean else None

    @property
    def known_dates(self) -> pd.DatetimeIndex | None:
        """The date of every row, None unless all could be read."""
        return None if self.dates is None or self.dates.problems else self.dates.values

    def varies(self, values: np.ndarray) -> bool:
        """Whether values differ between the periods of any geo (of the whole, without keys)."""
        if self.keys is None:
            return bool(values.min() != values.max())
        low, high = np.full(len(self.keys.geos), np.inf), np.full(len(self.keys.geos), -np.inf)
        np.minimum.at(low, self.keys.codes, values)
        np.maximum.at(high, self.keys.codes, values)
        return bool((low != high).any())

    def label(self, row: int) -> str:
        """`row 17 (2024-01-29, north)`."""
        parts = []
        if self.dates is not None and row not in self.dates.problems:
            parts.append(f"{self.dates.values[row]:%Y-%m-%d}")
        if self.study.data.geo is not None and self.geos is not None and self.geos[row]:
            parts.append(str(self.geos[row]))
        return self.rows[row] + (f" ({', '.join(parts)})" if parts else "")

    def place(self, column: str, row: int | None = None) -> str:
        """`data.csv: column 'tv_spend', row 17 (2024-01-29, north)`."""
        column = f"{self.source}: column '{column}'"
        return column if row is None else f"{column}, {self.label(row)}"


def observe(study: Study, table: Table) -> Observations:
    """Reads the columns a study names. Never raises: what cannot be read is marked."""
    uses = column_uses(study)
    off = {use.column for use in uses if use.off_when_missing}
    strict = {use.column for use in uses if not use.off_when_missing}
    numbers: dict[str, Numbers] = {}
    for column in dict.fromkeys(use.column for use in uses):
        if column in table.cells:
            parsed = parse_numbers(table.cells[column], table.from_text)
            fill = column in off and column not in strict
            numbers[column] = parsed.with_missing_as_zero() if fill else parsed
    date_cells = table.cells.get(study.data.date)
    dates = None if date_cells is None else parse_dates(date_cells)
    geos = _geos(study, table)
    return Observations(
        study=study,
        source=table.name,
        columns=table.columns,
        rows=table.rows,
        index_name=table.index_name,
        cells=table.cells,
        dates=dates,
        geos=geos,
        keys=_keys(dates, geos),
        numbers=numbers,
    )


def _keys(dates: Dates | None, geos: np.ndarray | None) -> Keys | None:
    if dates is None or geos is None or dates.problems or (geos == "").any():
        return None
    names, codes = np.unique(geos.astype(str), return_inverse=True)
    return Keys(dates.values, codes, names)


def _geos(study: Study, table: Table) -> np.ndarray | None:
    if study.data.geo is None:
        return np.full(len(table.rows), NATIONAL, dtype=object)
    cells = table.cells.get(study.data.geo)
    if cells is None:
        return None
    # a region may well be called NA or None: only what is empty is missing
    empty = [not isinstance(cell, str) and is_missing(cell) for cell in cells]
    names = [
        "" if missing else str(cell).strip() for cell, missing in zip(cells, empty, strict=True)
    ]
    return np.array(names, dtype=object)
