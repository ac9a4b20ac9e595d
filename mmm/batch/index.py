"""The index: one row a run, derived from the records, for DuckDB and for planning."""

from __future__ import annotations

import io
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pandas as pd

from mmm.batch.record import DONE, FAILED, Record, record_from_json
from mmm.batch.runs import deployed_runs
from mmm.batch.store import Store
from mmm.errors import input_error

INDEX = "index.parquet"
COLUMNS = (
    "study", "run", "created", "status", "reason", "verdict", "promoted", "data_sha256",
    "study_sha256", "version", "batch", "decision",
)  # fmt: skip
READERS = 16
"""Records read at once: on an object store each costs a round trip."""


def read_index(store: Store) -> pd.DataFrame:
    """The index as it was last written, with `COLUMNS`; empty where there is none."""
    try:
        content = store.read(INDEX)
    except FileNotFoundError:
        return _frame([])
    return pd.read_parquet(io.BytesIO(content), columns=list(COLUMNS))


def rebuild_index(store: Store, *, anew: bool = False) -> pd.DataFrame:
    """Writes the index from the records and returns it, ordered by study and time.

    Records of complete runs never change, so those that the index has are not read again
    unless `anew`.
    """
    known = _frame([]) if anew else read_index(store)
    known = known[known["status"] == DONE]
    names = set(store.names("records"))
    listed = known["study"] + "/" + known["run"] + ".json"
    kept = known[listed.isin(names)]
    fresh = _rows(read_records(store, sorted(names - set(listed))))
    frame = _frame([*kept.to_dict("records"), *fresh])
    done = frame["status"] == DONE
    visible = set(zip(frame.loc[done, "study"], frame.loc[done, "run"], strict=True))
    deployed = deployed_runs(store, visible)
    frame["promoted"] = done & (frame["study"].map(deployed) == frame["run"])
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    store.write(INDEX, buffer.getvalue())
    return frame


def read_records(store: Store, names: Iterable[str]) -> list[Record]:
    """The records with these paths below `records/`; those gone meanwhile are left out."""

    def read(name: str) -> Record | None:
        try:
            return record_from_json(store.read(f"records/{name}"), name)
        except FileNotFoundError:
            return None

    with ThreadPoolExecutor(READERS) as readers:
        return [record for record in readers.map(read, names) if record is not None]


def history(store: Store, study: str) -> list[Record]:
    """All runs of a study, oldest first, with the last failure of those that never ended well.
    Raises `InputError` for a study the store does not know."""
    records = read_records(store, [f"{study}/{name}" for name in store.names(f"records/{study}")])
    if not records:
        message = "the store has no run of this study."
        raise input_error("store", study, message, "See its index for the studies it has.")
    return sorted(records, key=lambda record: record.created)


def latest(index: pd.DataFrame) -> pd.DataFrame:
    """The last row of each study."""
    return index.groupby("study", sort=True).tail(1)


def record_path(study: str, run: str, status: str) -> str:
    """Where the record of an index row is, below `records/`."""
    return f"{study}/{run}.failed.json" if status == FAILED else f"{study}/{run}.json"


def _rows(records: Iterable[Record]) -> list[dict[str, object]]:
    return [
        {name: getattr(record, name) for name in COLUMNS if name != "promoted"}
        for record in records
    ]


def _frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    text = [name for name in COLUMNS if name != "promoted"]
    frame[text] = frame[text].astype(str)
    frame["promoted"] = frame["promoted"].eq(True)
    return frame.sort_values(["study", "created"], kind="stable", ignore_index=True)
