"""One table as many groups: a snapshot of its rows, their digests, and one group at a time.

The rows are read once, into a temporary DuckDB file, so that all studies of a batch see the same
moment and a database that goes away later is not missed.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from mmm.batch.database import read_database
from mmm.batch.names import CHECK, within
from mmm.config.batch import TableSource
from mmm.errors import InputError, did_you_mean, input_error

BATCH_ROWS = 100_000
MEMORY = "1GB"
SUFFIXES = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}


@dataclass(frozen=True, slots=True)
class Group:
    """One combination of key values, and the digest of its rows: column names, types, cells."""

    values: tuple[str, ...]
    data_sha256: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The rows as they were read. `text` says that no cell was converted (CSV without query)."""

    connection: Any
    keys: tuple[str, ...]
    order: tuple[str, ...]
    text: bool

    def groups(self) -> Iterator[Group]:
        """All groups in the order of their key values, in one pass over the rows."""
        query = f"SELECT *, {self._values} FROM rows ORDER BY {self._places}"
        reader = self.connection.cursor().sql(query).to_arrow_reader(BATCH_ROWS)
        current: tuple[str, ...] | None = None
        digests: list[_Digest] = []
        width = len(reader.schema.names) - len(self.keys)
        for batch in reader:
            columns = [_Cells(batch.column(place)) for place in range(width)]
            values = [batch.column(width + number).to_pylist() for number in range(len(self.keys))]
            for start, stop in _stretches(values):
                found = tuple(column[start] for column in values)
                if found != current:
                    if current is not None:
                        yield Group(current, _joined(digests))
                    current = found
                    digests = [_Digest(reader.schema.field(place)) for place in range(width)]
                for digest, cells in zip(digests, columns, strict=True):
                    cells.update(digest, start, stop)
        if current is not None:
            yield Group(current, _joined(digests))

    def file(self, values: Sequence[str], *, keys: bool = True) -> tuple[str, bytes]:
        """Name and content of the data file of one group, with or without its key columns: CSV
        where cells are text."""
        columns = "*" if keys else f"* EXCLUDE ({', '.join(map(_quoted, self.keys))})"
        wanted = " AND ".join(f"CAST({_quoted(key)} AS VARCHAR) = ?" for key in self.keys)
        query = f"SELECT {columns} FROM rows WHERE {wanted} ORDER BY {self._places}"
        table = self.connection.cursor().sql(query, params=list(values)).to_arrow_table()
        buffer = io.BytesIO()
        if self.text:
            pyarrow.csv.write_csv(table, buffer)
            return "data.csv", buffer.getvalue()
        pyarrow.parquet.write_table(table, buffer)
        return "data.parquet", buffer.getvalue()

    @property
    def _values(self) -> str:
        return ", ".join(
            f"CAST({_quoted(key)} AS VARCHAR) AS __key_{number}"
            for number, key in enumerate(self.keys)
        )

    @property
    def _places(self) -> str:
        keys = [f"CAST({_quoted(key)} AS VARCHAR)" for key in self.keys]
        return ", ".join([*keys, *map(_quoted, self.order)])


@contextmanager
def snapshot(source: TableSource, base: Path, order: Sequence[str] | None) -> Generator[Snapshot]:
    """The table's rows, sorted within a group by the columns of `order` that it has, or by all of
    its columns.

    Raises `InputError` for files that are missing, damaged or outside `base`, a query that is
    wrong or more than one SELECT, key columns that are missing or empty, and a database that
    cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="mmm-table-") as folder:
        connection = duckdb.connect(f"{folder}/rows.duckdb")
        try:
            connection.execute(f"SET memory_limit='{MEMORY}'")
            connection.execute(f"SET temp_directory={_text(folder + '/spill')}")
            text = _fill(connection, source, base)
            columns = [row[0] for row in connection.execute("DESCRIBE rows").fetchall()]
            _check_keys(connection, source, columns)
            wanted = columns if order is None else order
            present = tuple(column for column in wanted if column in columns)
            yield Snapshot(connection, source.keys, present, text)
        finally:
            connection.close()


def _fill(connection: Any, source: TableSource, base: Path) -> bool:
    """Makes the table `rows`; whether its cells are text."""
    if source.database and source.query:
        connection.register("found", read_database(source.database, source.query))
        connection.execute("CREATE TABLE rows AS SELECT * FROM found")
        connection.unregister("found")
        return False
    kind, files = _files(source, base)
    text = kind == "csv" and source.query is None
    allowed = ", ".join(_text(str(file)) for file in files)
    connection.execute(f"SET allowed_paths=[{allowed}]")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")
    options = "header=true, union_by_name=true" + (", all_varchar=true" if text else "")
    scan = (
        f"read_csv([{allowed}], {options})"
        if kind == "csv"
        else f"read_parquet([{allowed}], union_by_name=true)"
    )
    try:
        connection.execute(f"CREATE VIEW data AS SELECT * FROM {scan}")
        query = source.query or "SELECT * FROM data"
        statements = connection.extract_statements(query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise _bad_table("query", "is not a single SELECT.", "Write one that only reads.")
        connection.execute(f"CREATE TABLE rows AS {query}")
    except duckdb.Error as error:
        place = "query" if source.query else str(source.file or source.folder)
        problem = str(error).splitlines()[0]
        raise _bad_table(
            place, f"cannot be read: {problem}", "Correct the file or the query."
        ) from error
    return text


def _files(source: TableSource, base: Path) -> tuple[str, list[Path]]:
    """csv or parquet, and the files of that kind."""
    if source.file:
        files = [within(base, source.file, "table.file")]
    else:
        name = source.folder or "."
        folder = within(base, name, "table.folder")
        if not folder.is_dir():
            raise _bad_table(name, "there is no such folder.", "Correct 'table.folder'.")
        inside = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        files = [within(folder, str(path.relative_to(folder)), "file") for path in inside]
        if not files:
            raise _bad_table(name, "holds no .csv or .parquet file.", "Correct 'table.folder'.")
    kinds = {SUFFIXES.get(path.suffix.lower(), "") for path in files}
    if "" in kinds or len(kinds) > 1:
        raise _bad_table(
            str(source.file or source.folder),
            "is neither CSV nor Parquet." if "" in kinds else "holds both CSV and Parquet.",
            "Give .csv or .parquet, one kind in a folder.",
        )
    missing = [path for path in files if not path.is_file()]
    if missing:
        raise _bad_table(missing[0].name, "there is no such file.", "Correct 'table.file'.")
    return kinds.pop(), files


def _check_keys(connection: Any, source: TableSource, columns: list[str]) -> None:
    for key in source.keys:
        if key not in columns:
            raise _bad_table(
                f"keys: {key}", "the table has no such column;", did_you_mean(key, columns)
            )
        count = f"SELECT count(*) FROM rows WHERE {_quoted(key)} IS NULL"
        ((empty,),) = connection.execute(count).fetchall()
        if empty:
            raise _bad_table(
                f"keys: {key}", f"{empty} rows have no value.", "Fill it in or leave them out."
            )


class _Cells:
    """A stretch of one column as bytes that do not depend on how Arrow packed it."""

    def __init__(self, column: pa.Array) -> None:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = column.cast(pa.large_string())
            offsets, data = column.buffers()[1:]
            ends = np.frombuffer(offsets, "<i8")[column.offset : column.offset + len(column) + 1]
            missing = column.is_null().to_numpy(zero_copy_only=False)
            self.mark = np.where(missing, -1, np.diff(ends))
            self.ends, self.data = ends, memoryview(data) if data else memoryview(b"")
            return
        if pa.types.is_temporal(column.type):
            width = pa.int32() if column.type.bit_width == 32 else pa.int64()
            column = column.cast(width)
        elif pa.types.is_decimal(column.type):
            column = column.cast(pa.float64())
        self.mark = column.is_null().to_numpy(zero_copy_only=False)
        filled = column.fill_null(False if pa.types.is_boolean(column.type) else 0)
        self.ends = None
        self.numbers = np.ascontiguousarray(filled.to_numpy(zero_copy_only=False))

    def update(self, digest: _Digest, start: int, stop: int) -> None:
        digest.marks.update(self.mark[start:stop].tobytes())
        if self.ends is None:
            digest.cells.update(self.numbers[start:stop].tobytes())
        else:
            digest.cells.update(self.data[self.ends[start] : self.ends[stop]])


class _Digest:
    """Of one column of one group: what is missing or how long each text is, and the cells.
    Apart, so that it does not matter in which stretches the rows arrive."""

    __slots__ = ("cells", "marks")

    def __init__(self, field: pa.Field) -> None:
        self.marks = hashlib.sha256(f"{field.name}\0{field.type}\0".encode())
        self.cells = hashlib.sha256()


def _joined(digests: list[_Digest]) -> str:
    parts = (part.digest() for digest in digests for part in (digest.marks, digest.cells))
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _stretches(values: list[list[str]]) -> Iterator[tuple[int, int]]:
    """Runs of rows with equal keys, from `start` up to `stop`."""
    rows = list(zip(*values, strict=True))
    start = 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or rows[place] != rows[start]:
            yield start, place
            start = place


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _bad_table(place: str, message: str, remedy: str) -> InputError:
    return input_error(CHECK, f"table: {place}", message, remedy)
