"""Datasets into the groups of a netCDF 4 file, as HDF5 with dimension scales.

The same content as `xarray.DataTree.to_netcdf` in a seventh of its time, most of which goes into
looking up what was just written: a fit is many small variables.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import h5py
import numpy as np
import xarray as xr
from xarray.conventions import cf_encoder, encode_dataset_coordinates

_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable.{:>10}"


def write_netcdf(
    path: str | os.PathLike[str], attrs: Mapping[str, str], groups: Mapping[str, xr.Dataset]
) -> None:
    """Writes `groups` and the file's `attrs` to `path`, replacing what is there."""
    with h5py.File(path, "w", track_order=True) as file:
        for name, text in attrs.items():
            file.attrs[name] = text
        numbered = 0
        for name, dataset in groups.items():
            numbered += _write_group(file.create_group(name, track_order=True), dataset, numbered)


def _write_group(group: h5py.Group, dataset: xr.Dataset, numbered: int) -> int:
    """Writes one dataset, whose dimensions are numbered from `numbered`; how many it has."""
    variables, attrs = cf_encoder(*encode_dataset_coordinates(dataset))
    group.attrs.update(attrs)
    scales = {}
    for number, (dim, length) in enumerate(dataset.sizes.items()):
        if dim in variables:
            scale = _write_variable(group, dim, variables[dim])
            scale.make_scale(dim)
        else:
            scale = group.create_dataset(dim, shape=(length,), dtype=">f4")
            scale.make_scale(_NO_VARIABLE.format(length))
        scale.attrs["_Netcdf4Dimid"] = np.int32(numbered + number)
        scales[dim] = scale
    for name, variable in variables.items():
        if name in scales:
            continue
        written = _write_variable(group, name, variable)
        for place, dim in enumerate(variable.dims):
            written.dims[place].attach_scale(scales[dim])
    return len(scales)


def _write_variable(group: h5py.Group, name: str, variable: xr.Variable) -> h5py.Dataset:
    values, attrs = np.asarray(variable.values), dict(variable.attrs)
    fill = attrs.pop("_FillValue", None)
    text = values.dtype.kind in "OU"
    written = group.create_dataset(
        name,
        data=values.astype(object) if text else values,
        dtype=h5py.string_dtype() if text else values.dtype,
        fillvalue=fill,
    )
    if fill is not None:
        attrs["_FillValue"] = np.array([fill])
    written.attrs.update(attrs)
    return written
