"""Cells that are numbers, finite, there, and of a possible sign."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from mmm.data.checks.finding import at_rows, error, warning
from mmm.data.observations import ColumnUse, Observations, column_uses
from mmm.errors import Finding

FEWEST_POINTS = 12
"""Cells with a point, all with three digits after it, that are thousands rather than chance."""
_THOUSANDS = re.compile(r"0|[1-9][0-9]{0,2}(?:\.[0-9]{3})?")


def cells_are_numbers(observations: Observations) -> Iterator[Finding]:
    """Text and infinity are refused, never coerced."""
    for use in _columns(observations):
        numbers = observations.numbers[use.column]
        if numbers.text.any():
            cell = observations.cells[use.column].iloc[int(np.flatnonzero(numbers.text)[0])]
            yield at_rows(
                observations,
                "text",
                use.column,
                numbers.text,
                f"{_quoted(cell)} is not a number.",
                "Write a plain number such as 1234.5: no currency sign, no thousands separator, "
                "true and false as 1 and 0.",
            )
        if numbers.infinite.any():
            yield at_rows(
                observations,
                "infinity",
                use.column,
                numbers.infinite,
                "the number is infinite, or so large that it might as well be.",
                "Replace it by what was measured; it often comes from a division by zero.",
            )


def points_are_decimal(observations: Observations) -> Iterator[Finding]:
    """Money is not given to a thousandth: three digits after every point are thousands."""
    study = observations.study
    money = [study.outcome.column, *(one.spend for one in study.channels if one.spend)]
    for column in dict.fromkeys(money):
        cells = observations.cells.get(column)
        if cells is None or observations.clean(column) is None:
            continue
        texts = [cell.strip() if isinstance(cell, str) else "" for cell in cells]
        pointed = np.array(["." in text for text in texts])
        if pointed.sum() < FEWEST_POINTS or not all(map(_THOUSANDS.fullmatch, texts)):
            continue
        row = int(np.flatnonzero(pointed)[0])
        read = float(texts[row])
        yield warning(
            "points_as_thousands",
            observations.place(column, row),
            f"every point in this column has three digits after it, as '{texts[row]}' here, which "
            f"is read as {read:,.3f}; it may be meant as {1000 * read:,.0f}.",
            "Where points part thousands, save the file without them: '.' is the decimal point.",
        )


def cells_are_there(observations: Observations) -> Iterator[Finding]:
    """No empty cell, except in a channel declared as off when missing."""
    for use in _columns(observations):
        missing = observations.numbers[use.column].missing
        if use.gaps or not missing.any():
            continue
        if use.key.startswith(("channels", "paths")):
            block = use.key.partition(".")[0]
            remedy = (
                f"Fill it in; where an empty cell means the {block.partition('s[')[0]} was off, "
                f"set 'off_when_missing: true' on {block}."
            )
        elif use.key.startswith("controls"):
            remedy = "Fill it in, or drop the control; nothing is filled in silently."
        else:
            remedy = "Fill it in, or cut the data so that it starts or ends where it is known."
        cell = observations.cells[use.column].iloc[int(np.flatnonzero(missing)[0])]
        said = isinstance(cell, str) and cell.strip()
        message = f"{_quoted(cell)} stands for an empty cell." if said else "the cell is empty."
        yield at_rows(observations, "missing_value", use.column, missing, message, remedy)


def signs_possible(observations: Observations) -> Iterator[Finding]:
    """Spend and exposure are not negative; value per unit and population are above zero."""
    for use in _columns(observations):
        values = observations.numbers[use.column].values
        if use.key.startswith("channels") and (values < 0).any():
            kind = use.key.partition(".")[2]
            yield at_rows(
                observations,
                "negative",
                use.column,
                values < 0,
                f"{kind} is negative ({values[values < 0][0]:g}).",
                "Book refunds and corrections on the period they belong to, or set them to 0.",
            )
        elif use.key.startswith("paths") and (values < 0).any():
            yield at_rows(
                observations,
                "negative",
                use.column,
                values < 0,
                f"a path counts something, and here it is negative ({values[values < 0][0]:g}).",
                "Book corrections on the period they belong to, or set them to 0.",
            )
        elif use.key in ("outcome.value_per_unit", "data.population") and (values <= 0).any():
            yield at_rows(
                observations,
                "not_positive",
                use.column,
                values <= 0,
                f"{use.key} must be above 0, got {values[values <= 0][0]:g}.",
                "Correct it.",
            )


def population_constant(observations: Observations) -> Iterator[Finding]:
    """The population of a geo is one number."""
    column = observations.study.data.population
    values = observations.clean(column)
    keys = observations.keys
    if column is None or values is None or keys is None:
        return
    for code, geo in enumerate(keys.geos):
        rows = np.flatnonzero(keys.codes == code)
        differs = values[rows] != values[rows[0]]
        if differs.any():
            row = int(rows[np.flatnonzero(differs)[0]])
            yield error(
                "population",
                observations.place(column, row),
                f"the population of '{geo}' changes from {values[rows[0]]:g} to {values[row]:g}.",
                "Give each geo one population, the same on every date.",
            )


def controls_vary(observations: Observations) -> Iterator[Finding]:
    """A control that never changes says nothing the baseline does not."""
    for name in observations.study.controls:
        values = observations.clean(name)
        if values is not None and not observations.varies(values):
            yield error(
                "constant_control",
                observations.place(name),
                "the control never changes over time, so the baseline already holds it.",
                "Drop it from 'controls', or correct the column.",
            )


def _columns(observations: Observations) -> list[ColumnUse]:
    """The columns that exist, each once, under the first key that names it."""
    uses: dict[str, ColumnUse] = {}
    for use in column_uses(observations.study):
        if use.column in observations.numbers:
            uses.setdefault(use.column, use)
    return list(uses.values())


def _quoted(cell: object) -> str:
    text = str(cell)
    return f"'{text if len(text) <= 40 else text[:37] + '...'}'"


CHECKS = (
    cells_are_numbers,
    points_are_decimal,
    cells_are_there,
    signs_possible,
    population_constant,
    controls_vary,
)
