"""Datasets into the groups of a netCDF 4 file, as HDF5 with dimension scales.

The same content as `xarray.DataTree.to_netcdf` in an eighth of its time, most of which goes into
looking up what was just written: a fit is many small variables.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping

import h5py
import numpy as np
import xarray as xr
from h5py import h5d, h5ds, h5p, h5s, h5t
from xarray.conventions import encode_cf_variable

_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable.{:>10}"


def write_netcdf(
    path: str | os.PathLike[str], attrs: Mapping[str, str], groups: Mapping[str, xr.Dataset]
) -> None:
    """Writes `groups` and the file's `attrs` to `path`, replacing what is there.

    Of a dataset its variables, with the coordinates that are named like their dimension; numbers
    that are missing are NaN.
    """
    with h5py.File(path, "w", track_order=True) as file:
        for name, text in attrs.items():
            file.attrs[name] = text
        for name, dataset in groups.items():
            _write_group(file.create_group(name, track_order=True), dataset)


def _write_group(group: h5py.Group, dataset: xr.Dataset) -> None:
    group.attrs.update(dataset.attrs)
    scales = {}
    for dim, length in dataset.sizes.items():
        if dim in dataset.variables:
            scale = _write_variable(group, dim, dataset.variables[dim])
            scale.make_scale(dim)
        else:
            scale = group.create_dataset(dim, shape=(length,), dtype=">f4")
            scale.make_scale(_NO_VARIABLE.format(length))
        scales[dim] = scale
    for name, variable in dataset.variables.items():
        if name not in scales:
            written = _write_variable(group, name, variable)
            for place, dim in enumerate(variable.dims):
                h5ds.attach_scale(written.id, scales[dim].id, place)


def _write_variable(group: h5py.Group, name: Hashable, variable: xr.Variable) -> h5py.Dataset:
    if variable.dtype.kind not in "fiuO":  # dates and truth values are numbers in netCDF
        variable = encode_cf_variable(variable, name=name)
    values = variable.values
    if values.dtype.kind in "OU":
        values, dtype = np.ascontiguousarray(values.astype(object)), h5py.string_dtype()
    else:
        values = np.ascontiguousarray(values)
        dtype = values.dtype
    written = _write_values(group, str(name), values, dtype)
    if variable.attrs:
        written.attrs.update(variable.attrs)
    return written


def _write_values(
    group: h5py.Group, name: str, values: np.ndarray, dtype: np.dtype
) -> h5py.Dataset:
    """What `create_dataset` does, without asking for all that it can be asked for."""
    space, kind = h5s.create_simple(values.shape), h5t.py_create(dtype, logical=True)
    kept = h5p.create(h5p.DATASET_CREATE)
    kept.set_obj_track_times(False)  # else the same fit would be other bytes a second later
    written = h5d.create(group.id, name.encode(), kind, space, kept)
    if values.size:
        written.write(h5s.ALL, h5s.ALL, values, mtype=h5t.py_create(dtype))
    return h5py.Dataset(written)
