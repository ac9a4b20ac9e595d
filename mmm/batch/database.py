"""Rows of a SQL database through SQLAlchemy: one SELECT, in a transaction that cannot write."""

from __future__ import annotations

import os
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError

from mmm.batch.names import CHECK
from mmm.errors import InputError, input_error

CHUNK = 20_000


def read_database(variable: str, query: str) -> pa.Table:
    """The rows of `query` in the database whose address the environment variable holds.

    Raises `InputError` where the variable is not set or the database cannot be read; the
    address and its password are in no message.
    """
    address = os.environ.get(variable)
    if not address:
        raise _unreadable(
            variable,
            "the environment variable is not set.",
            f"Set {variable} to the address of the database, as postgresql+psycopg://...",
        )
    try:
        engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise _unreadable(
            variable,
            f"the address in the environment variable cannot be used ({type(error).__name__}).",
            "Write it as SQLAlchemy has it, and install the driver that it names.",
        ) from None
    try:
        return _rows(engine, query, variable)
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or type(error).__name__)
        raise _unreadable(
            variable,
            f"the database cannot be read: {_without_secrets(cause, engine.url)}",
            "Check that it answers and that the query is right; then run the batch again.",
        ) from None
    finally:
        engine.dispose()


def _rows(engine: sqlalchemy.Engine, query: str, variable: str) -> pa.Table:
    options: dict[str, object] = {"stream_results": True}
    if engine.dialect.name == "postgresql":
        options["postgresql_readonly"] = True
    with engine.connect().execution_options(**options) as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA query_only=ON")
        with connection.execute(sqlalchemy.text(_literal(query))) as result:
            names = list(result.keys())
            tables = [_chunk(names, rows, variable) for rows in result.partitions(CHUNK)]
        connection.rollback()
    if not tables:
        raise _unreadable(variable, "the query gives no rows.", "Correct it.")
    return pa.concat_tables(tables, promote_options="permissive")


def _chunk(names: list[str], rows: Sequence[Sequence[Any]], variable: str) -> pa.Table:
    columns = []
    for name, cells in zip(names, zip(*rows, strict=True), strict=True):
        numbers = [float(cell) if isinstance(cell, Decimal) else cell for cell in cells]
        try:
            columns.append(pa.array(numbers))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise _unreadable(
                variable,
                f"the column '{name}' holds values of several types ({error}).",
                "Cast it to one type in the query.",
            ) from None
    return pa.table(columns, names=names)


def _literal(query: str) -> str:
    """The query with its colons kept from being read as parameters."""
    return query.replace("\\:", ":").replace(":", "\\:")


def _without_secrets(message: str, url: sqlalchemy.URL) -> str:
    line = " ".join(message.split())
    for secret in (url.render_as_string(hide_password=False), url.password):
        if secret:
            line = line.replace(str(secret), "***")
    return line


def _unreadable(variable: str, message: str, remedy: str) -> InputError:
    return input_error(CHECK, f"database in {variable}", message, remedy)
