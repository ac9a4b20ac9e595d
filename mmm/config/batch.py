"""The batch file: many studies, where they come from, and when a new fit is deployed."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from mmm.config.block import Block

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$"
_SIZES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class TableSource(Block):
    """One table for many studies, split by its key columns.

    Exactly one of `file` (CSV or Parquet), `folder` (of either) and `database` (the name of the
    environment variable that holds the SQLAlchemy address) says where the rows are; the address
    itself never stands in a file. `query` is a single SELECT: over the view `data` of a file or
    folder (DuckDB), or in the database, where it is required. `template` is a study file without
    `data.file`; `overrides` maps `value/value` of the keys, `*` for any, to what differs there.
    """

    file: str | None = None
    folder: str | None = None
    database: str | None = None
    query: str | None = None
    keys: Annotated[tuple[str, ...], Field(min_length=1)]
    template: str
    overrides: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("file", "folder", "database") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(
                "a table has exactly one of 'file', 'folder' and 'database'; "
                f"{'give one of them' if not given else 'keep one of ' + ', '.join(given)}"
            )
        if self.database and not self.query:
            raise ValueError("'database' needs 'query'; add the SELECT that gives the rows")
        return self

    @field_validator("database")
    @classmethod
    def _names_a_variable(cls, value: str | None) -> str | None:
        if value is not None and not _VARIABLE.fullmatch(value):
            raise ValueError(
                "'database' is the name of an environment variable, never the address itself; "
                "put the address in a variable such as MMM_DATABASE and write its name here"
            )
        return value

    @field_validator("query")
    @classmethod
    def _single_select(cls, value: str | None) -> str | None:
        return None if value is None else single_select(value)

    @field_validator("keys")
    @classmethod
    def _keys_differ(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a key column is given twice; name each once")
        return value

    @model_validator(mode="after")
    def _overrides_fit(self) -> Self:
        for pattern, change in self.overrides.items():
            if len(pattern.split("/")) != len(self.keys):
                raise ValueError(
                    f"the override '{pattern}' needs one value a key ({'/'.join(self.keys)}); "
                    "join them with '/', with '*' for any"
                )
            data = change.get("data")
            if "study" in change or (isinstance(data, dict) and "file" in data):
                raise ValueError(
                    f"the override '{pattern}' may change neither 'study' nor 'data.file'; "
                    "name and rows come from the table"
                )
        return self


def single_select(query: str) -> str:
    """`query` without its closing semicolon. Raises `ValueError` unless it is one SELECT: any
    other semicolon is refused, within quotes too, so that no dialect's quoting can hide one."""
    text = query.strip().removesuffix(";").rstrip()
    if ";" in text:
        raise ValueError("a query is a single statement; remove the semicolon within it")
    if not re.match(r"(select|with)\b", text, re.IGNORECASE):
        raise ValueError("a query starts with SELECT or WITH; it only reads")
    return text


class Promote(Block):
    """When a new fit takes the place of the deployed one.

    `verdict` is the lowest that is deployed. A channel has moved when its return on the dates
    both fits have seen changed by more than `max_roi_shift` of the deployed one's and the two
    posteriors overlap by less than `min_overlap`. `min_forecast` is the two-sided predictive
    probability below which the deployed model's forecast of the weeks since counts as wrong.
    `max_drift` is how far inputs of the new weeks may be from those before, in standard
    deviations of as long a stretch; `max_restated` how much of a column's sum on common dates
    may have been rewritten.
    """

    verdict: Literal["trusted", "caution", "rejected"] = "caution"
    max_roi_shift: Annotated[float, Field(gt=0)] = 0.25
    min_overlap: Annotated[float, Field(ge=0, le=1)] = 0.3
    min_forecast: Annotated[float, Field(ge=0, lt=1)] = 0.001
    max_drift: Annotated[float, Field(gt=0)] = 6.0
    max_restated: Annotated[float, Field(gt=0)] = 0.05


class Retention(Block):
    """What is kept of each study: the last `runs`, and nothing older than `days`. What is
    deployed and the latest run are always kept; left out, everything is."""

    runs: Annotated[int, Field(ge=1)] | None = None
    days: Annotated[float, Field(gt=0)] | None = None


def _bytes(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = _SIZE.fullmatch(value.strip())
    if not found:
        raise ValueError(f"'{value}' is not an amount of memory; write it as 4GB or 800MB")
    unit = found[2].upper()
    base = 2 ** (10 * " KMGT".index(unit)) if found[3] and unit else _SIZES[unit]
    return int(float(found[1]) * base)


Size = Annotated[int, Field(gt=0), BeforeValidator(_bytes)]
"""A number of bytes, or text such as 4GB, 800MB, 1.5GiB."""


class Batch(Block):
    """A whole batch: its studies, by pattern or from one table, and the rules around them.

    Paths are relative to the batch file and stay within its folder. `time_limit` is in seconds
    of one study, `memory_limit` a number of bytes or text such as 4GB; `retries` counts the
    attempts after the first where a worker is lost or the machine fails, not where the data is
    wrong. `artefacts: core` keeps the fit, its verdict and its returns, from which the others
    can be made later; `report` says whether each run gets its page. `learn` gives channels
    without a stated prior one from the deployed fits of the other studies. `mlflow` is the
    experiment that MLflow files complete runs under; where it is stands in the environment.
    """

    batch: Annotated[str, Field(pattern=NAME, max_length=120)]
    studies: tuple[str, ...] = ()
    table: TableSource | None = None
    promote: Promote = Promote()
    retention: Retention = Retention()
    retries: Annotated[int, Field(ge=0, le=10)] = 1
    time_limit: Annotated[float, Field(gt=0)] | None = None
    memory_limit: Size | None = None
    artefacts: Literal["all", "core"] = "all"
    report: bool = True
    learn: bool = False
    mlflow: Annotated[str, Field(min_length=1, max_length=250)] | None = None

    @model_validator(mode="after")
    def _has_studies(self) -> Self:
        if bool(self.studies) == (self.table is not None):
            raise ValueError("a batch has either 'studies' or 'table'; give one of the two")
        return self
