"""Raw tables: the cells of a CSV or Parquet file or a data frame, each with its row's name."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mmm.errors import Finding, InputError, Severity, input_error

CHECK = "data_file"
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")
WORKBOOK_STARTS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""First bytes of what spreadsheet programs write: a zip archive, or the older format."""


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as they stand in the source, nothing converted.

    `cells` holds one Series a column (the first, where a name stands twice), `rows` how to
    name each row in a message, `from_text` whether numbers and dates still are text (CSV).
    """

    name: str
    columns: tuple[str, ...]
    cells: Mapping[str, pd.Series]
    rows: tuple[str, ...]
    from_text: bool
    index_name: str | None = None


def read_table(path: Path, key: str = "data.file") -> Table:
    """Reads `.csv` (UTF-8, comma-separated, header first) or `.parquet`.

    `key` is the place in the study file that names it. Raises `InputError` when the file is
    missing, of another kind or damaged.
    """
    suffix = path.suffix.lower()
    if suffix in WORKBOOKS:
        raise _workbook(path)
    if suffix not in (".csv", ".parquet", ".pq"):
        raise input_error(
            CHECK,
            str(path),
            f"a data file of type '{suffix or path.name}' cannot be read.",
            "Give a .csv or a .parquet file.",
        )
    try:
        return _read_csv(path) if suffix == ".csv" else _read_parquet(path)
    except FileNotFoundError:
        raise input_error(
            CHECK,
            str(path),
            "there is no such file.",
            f"Check '{key}' in the study file; its path is relative to the study file.",
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise input_error(
            CHECK,
            str(path),
            f"the file cannot be read ({reason}).",
            "Check path and access rights.",
        ) from error


def _workbook(path: Path) -> InputError:
    of = f" of type '{path.suffix.lower()}'" if path.suffix.lower() in WORKBOOKS else ""
    return input_error(
        CHECK,
        str(path),
        f"the file is a workbook{of}, not a table of text.",
        "Save the sheet as 'CSV UTF-8' and give that .csv or a .parquet file.",
    )


def table_from_frame(frame: pd.DataFrame, name: str) -> Table:
    """The cells of a data frame; rows are named by the frame's index."""
    rows = tuple(f"row {label}" for label in frame.index)
    index_name = frame.index.name
    return _table(frame, name, rows, None if index_name is None else str(index_name))


def _read_parquet(path: Path) -> Table:
    import pyarrow as pa

    try:
        frame = pd.read_parquet(path)
    except pa.ArrowInvalid as error:
        raise input_error(
            CHECK, str(path), f"the file is not valid Parquet ({error}).", "Write it again."
        ) from error
    rows = tuple(f"row {number}" for number in range(1, len(frame) + 1))
    return _table(frame, path.name, rows, None)


def _table(frame: pd.DataFrame, name: str, rows: tuple[str, ...], index_name: str | None) -> Table:
    columns = tuple(str(column) for column in frame.columns)
    cells: dict[str, pd.Series] = {}
    for position, column in enumerate(columns):
        cells.setdefault(column, frame.iloc[:, position].reset_index(drop=True))
    return Table(name, columns, cells, rows, from_text=False, index_name=index_name)


def _read_csv(path: Path) -> Table:
    header: list[str] = []
    records: list[list[str]] = []
    rows: list[str] = []
    ragged: list[Finding] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            header = next(reader, [])
            line = reader.line_num
            for record in reader:
                # a quoted cell may span lines: the row is named by the line it starts on
                start, line = line + 1, reader.line_num
                if not record:
                    continue
                if len(record) != len(header):
                    ragged.append(_ragged(path.name, start, len(record), len(header)))
                records.append(record)
                rows.append(f"row {start}")
    except UnicodeDecodeError as error:
        if path.read_bytes()[:4] in WORKBOOK_STARTS:
            raise _workbook(path) from None
        raise input_error(
            CHECK, path.name, "the file is not UTF-8 text.", "Save it as 'CSV UTF-8'."
        ) from error
    except csv.Error as error:
        raise input_error(
            CHECK, path.name, f"the file is not valid CSV ({error}).", "Write it again as CSV."
        ) from error
    if not header:
        raise input_error(CHECK, path.name, "the file is empty.", "Give a header and data rows.")
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        raise input_error(
            CHECK,
            f"{path.name}: row 1",
            "the columns are not separated by commas.",
            "Save the file with ',' between columns and '.' as the decimal point.",
        )
    if ragged:
        raise InputError(ragged)
    cells: dict[str, pd.Series] = {}
    for position, column in enumerate(header):
        values = [record[position] for record in records]
        cells.setdefault(column, pd.Series(values, dtype=object))
    return Table(path.name, tuple(header), cells, tuple(rows), from_text=True)


def _ragged(name: str, line: int, found: int, wanted: int) -> Finding:
    return Finding(
        CHECK,
        Severity.ERROR,
        f"{name}: row {line}",
        f"the row has {found} cells where the header has {wanted}.",
        "Correct the row; a cell that holds a comma needs quotes around it.",
    )
