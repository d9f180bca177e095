"""A group of virtual arrays as an xarray Dataset."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from zarrchive.bridge._xarray import assembled_dataset
from zarrchive.bridge.choices import Choices
from zarrchive.bridge.decoding import Decoded, DecodeTimes, Origin, decode_group
from zarrchive.bridge.dimensions import Scope, name_dimensions
from zarrchive.bridge.encoding import from_dataset
from zarrchive.bridge.notes import Notes, set_notes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zarrchive.manifests import ManifestGroup

_LARGEST_SHARED: Final = 2**16
"""Bytes of values up to which an index is remembered."""

__all__ = ["assemble", "build_indexes", "from_dataset", "source_of", "to_dataset"]


def to_dataset(  # noqa: PLR0913 - as the public open functions
    group: ManifestGroup,
    *,
    loadable_variables: str | Iterable[str] | None = None,
    drop_variables: str | Iterable[str] | None = None,
    decode_times: DecodeTimes | None = None,
    storage_options: Mapping[str, Any] | None = None,
    where: str | None = None,
    path: str = "/",
) -> xr.Dataset:
    """Return the arrays of `group` (not those of the groups below it) as a Dataset.

    Loaded variables are decoded by xarray, so that they equal those of `xarray.open_dataset`;
    dimension coordinates among them have an index. All others are `ManifestArray`, with the
    data type of the file and all attributes but ``coordinates``.

    Parameters
    ----------
    group
        A hierarchy from a reader.
    loadable_variables
        Names (or paths) of the variables to load; ``"all"``; by default the dimension
        coordinates. What the reader has not kept in `group` is read from the files now.
    drop_variables
        Names (or paths) to leave out.
    decode_times
        As in `xarray.open_dataset`; by default true.
    storage_options
        What the file systems of the files need, as fsspec takes it.
    where, path
        File and group that `group` is, for problems and for paths in the arguments above.

    Raises
    ------
    ManifestError
        ``variable-unknown``, ``selection-type``.
    """
    choices = Choices.of(loadable_variables, drop_variables, decode_times)
    where = source_of(group) if where is None else where
    choices.check([(path, group)], path=path, where=where)
    origin = Origin(where, path, storage_options)
    named = name_dimensions(choices.kept(group, path), Scope(), path=path, where=where)
    decoded = decode_group(
        group,
        named.dims,
        choices.loaded(named.dims, path),
        decode_times=choices.decode_times,
        origin=origin,
    )
    indexes = build_indexes(decoded, origin)
    notes = Notes(
        problems=(*group.problems, *named.problems, *decoded.problems),
        decode_times=choices.decode_times,
    )
    return assemble(decoded, indexes, notes, where=where)


def source_of(group: ManifestGroup) -> str:
    """Name the file that a hierarchy refers to first; for problems."""
    for _, array in group.walk_arrays():
        if array.manifest.files:
            return array.manifest.files[0].url
    return "virtual dataset"


def build_indexes(decoded: Decoded, origin: Origin) -> dict[str, xr.indexes.PandasIndex]:
    """Index the loaded dimension coordinates of a group; one that cannot be is a Problem."""
    indexes = {}
    for name, variable in decoded.variables.items():
        if variable.dims != (name,) or not isinstance(variable.data, np.ndarray):
            continue
        try:
            indexes[name] = _index(name, variable)
        except Exception as error:  # noqa: BLE001 - pandas refuses values in many ways
            what = f"pandas cannot index its values ({error}); it is a coordinate without index"
            hint = "select by position along this dimension"
            decoded.problems.append(origin.problem("index-failed", name, what, hint))
    return indexes


def _index(name: str, variable: xr.Variable) -> xr.indexes.PandasIndex:
    """Index a coordinate; the files of a series share the indexes of their grids."""
    values = variable.data
    if values.dtype.kind in "iuf" and values.nbytes <= _LARGEST_SHARED:
        return _shared_index(name, values.dtype, values.tobytes())
    if values.dtype.kind == "M":
        # As xarray makes it, without asking what the values are.
        times = pd.DatetimeIndex(values, copy=False, name=name)
        return xr.indexes.PandasIndex(times, name, coord_dtype=values.dtype)
    return xr.indexes.PandasIndex.from_variables({name: variable}, options={})


@lru_cache(maxsize=256)
def _shared_index(name: str, dtype: np.dtype[Any], raw: bytes) -> xr.indexes.PandasIndex:
    variable = xr.Variable((name,), np.frombuffer(raw, dtype=dtype))
    return xr.indexes.PandasIndex.from_variables({name: variable}, options={})


def assemble(
    decoded: Decoded,
    indexes: Mapping[str, xr.indexes.PandasIndex],
    notes: Notes,
    *,
    where: str,
) -> xr.Dataset:
    """Build a Dataset from variables and indexes that are ready: nothing is computed again."""
    coords: dict[str, xr.Variable] = {}
    data_vars: dict[str, xr.Variable] = {}
    for name, variable in decoded.variables.items():
        if name in indexes:
            created = indexes[name].create_variables({name: variable})
            coords.update((str(key), value) for key, value in created.items())
        elif name in decoded.coordinates or variable.dims == (name,):
            coords[name] = variable
        else:
            data_vars[name] = variable
    dataset = assembled_dataset(data_vars | coords, set(coords), indexes, decoded.attributes)
    dataset.encoding = {"source": where}
    set_notes(dataset, notes)
    return dataset
