"""The record of forecasts in the file of the fit it belongs to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from mmm.plan.record import Record

GROUP = "record"
"""Where a saved fit has it."""


def save_record(record: Record, path: Path) -> None:
    """Adds the record to a saved fit, as a group of its own."""
    numbers = record.table.drop(columns="origin").astype(float)
    variables = {str(name): ("row", numbers[name].to_numpy()) for name in numbers}
    origin = np.array(record.table["origin"].astype(str).to_list(), dtype=object)
    dataset = xr.Dataset(variables, coords={"origin": ("row", origin)})
    dataset.to_netcdf(path, mode="a", group=GROUP, engine="h5netcdf")


def load_record(path: Path) -> Record | None:
    """The record of a saved fit, None where it has none."""
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        if GROUP not in tree.children:
            return None
        dataset = tree[GROUP].to_dataset().load()
    table = pd.DataFrame(
        {
            "origin": dataset["origin"].values.astype(str),
            **{str(name): dataset[name].values for name in dataset.data_vars},
        }
    )
    table["periods"] = table["periods"].astype(int)
    return Record(table, len(table) - 1)
