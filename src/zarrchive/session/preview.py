"""A quick look at a variable, read through our own references and decoded by xarray."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from zarrchive.combine.contents import dims_of
from zarrchive.manifests import ManifestGroup
from zarrchive.manifests.store import ManifestStore
from zarrchive.session.nodes import find_array, find_group
from zarrchive.session.plain import attribute_text
from zarrchive.session.reading_cost import Cost, cost_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarrchive.manifests import ManifestArray

__all__ = ["Wanted", "preview", "preview_cost"]

_MAX_SIDE: Final = 512
_MAX_LINE: Final = 4096
_MAX_TEXT_VALUES: Final = 200
_NUMERIC: Final = frozenset("biufc")
_NO_INDEX: Final[Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person wants to see of a variable; the rest is proposed."""

    x: str | None = None
    y: str | None = None
    index: Mapping[str, int] = field(default_factory=lambda: _NO_INDEX)
    """Position along dimensions that are not drawn; 0 where nothing is said."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """Which values of the variable are read."""

    shown: tuple[str, ...]
    """Dimensions of the picture: none, (x,) or (y, x)."""
    fixed: dict[str, int]
    """Index along every other dimension."""
    steps: dict[str, int]
    """Every how many-th value is taken, along the dimensions of the picture."""

    def indexers(self) -> dict[str, int | slice]:
        """Return the selection, by dimension."""
        return {**self.fixed, **{dim: slice(None, None, n) for dim, n in self.steps.items()}}


def preview_cost(array: ManifestArray, wanted: Wanted) -> Cost:
    """Return what `preview` would read; nothing is read."""
    indexers = _cut(array, wanted).indexers()
    return cost_of(array, [indexers[dim] for dim in dims_of(array)])


def preview(
    root: ManifestGroup,
    path: str,
    wanted: Wanted,
    *,
    storage_options: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Any], bytes]:
    """Read a line or an image of a variable, thinned out to at most 512 x 512 values.

    Parameters
    ----------
    root, path
        The variable `path` of a hierarchy.

    Returns
    -------
    What the picture shows, and its values as float32 in row-major order (NaN: missing).
    """
    array = find_array(root, path)
    if array is None:
        raise KeyError(path)
    cut = _cut(array, wanted)
    cost = preview_cost(array, wanted)
    dataset = _open(root, path, array, storage_options)
    variable = dataset[path.rpartition("/")[2]]
    # xarray joins characters into strings, and their dimension is gone.
    left = set(map(str, variable.dims))
    cut = replace(cut, shown=tuple(dim for dim in cut.shown if dim in left))
    indexers = {dim: part for dim, part in cut.indexers().items() if dim in left}
    picked = variable.isel(indexers).transpose(*cut.shown).load()
    sizes = dict(zip(dims_of(array), map(int, array.shape), strict=True))
    y_dim, x_dim = (None, None, *cut.shown)[-2:]
    document: dict[str, Any] = {
        "name": path.rpartition("/")[2],
        "long_name": _attribute(variable, "long_name", "standard_name"),
        "units": _attribute(variable, "units"),
        "dtype": str(picked.dtype),
        "shape": list(picked.shape),
        "dims": [{"name": dim, "size": size} for dim, size in sizes.items()],
        "x_dim": x_dim,
        "y_dim": y_dim,
        "step": [cut.steps[dim] for dim in cut.shown],
        "sliders": [_slider(dataset, dim, sizes[dim], at) for dim, at in cut.fixed.items()],
        "bytes": cost.nbytes,
        "requests": cost.requests,
        "text": "",
        "x": None,
        "y": None,
    }
    if picked.dtype.kind not in _NUMERIC or not picked.ndim:
        return {**document, **_as_text(picked.values)}, b""
    for side, dim in (("x", x_dim), ("y", y_dim)):
        document[side] = None if dim is None else _axis(dataset, dim, cut.steps[dim], sizes[dim])
    numbers, buffer = _as_numbers(picked.values)
    kind = "line" if picked.ndim == 1 else "image"
    return {**document, **numbers, "kind": kind}, buffer


def _cut(array: ManifestArray, wanted: Wanted) -> _Cut:
    """Choose the dimensions of the picture: as wanted, else the last two that are not 1 long."""
    dims = dims_of(array)
    sizes = dict(zip(dims, map(int, array.shape), strict=True))
    is_numeric = array.dtype.kind in _NUMERIC
    x = wanted.x if wanted.x in sizes else None
    y = wanted.y if wanted.y in sizes and wanted.y != x else None
    long = [dim for dim in dims if sizes[dim] > 1] or list(dims)
    if x is None:
        x = next((dim for dim in reversed(long) if dim != y), None)
    if y is None and wanted.x is None and (is_numeric or array.dtype == np.dtype("S1")):
        y = next((dim for dim in reversed(long) if dim != x), None)
    shown = tuple(dim for dim in (y, x) if dim is not None)
    most = _MAX_SIDE if len(shown) == 2 else _MAX_LINE if is_numeric else _MAX_TEXT_VALUES
    fixed = {
        dim: min(max(wanted.index.get(dim, 0), 0), max(sizes[dim] - 1, 0))
        for dim in dims
        if dim not in shown
    }
    return _Cut(shown, fixed, {dim: max(1, ceil(sizes[dim] / most)) for dim in shown})


def _open(
    root: ManifestGroup,
    path: str,
    array: ManifestArray,
    storage_options: Mapping[str, Any] | None,
) -> xr.Dataset:
    """Open the variable with its coordinates only, however large the file is."""
    folder, _, name = path.rpartition("/")
    arrays = {name: array}
    for dim in dims_of(array):
        found = _coordinate(root, folder, dim)
        if found is not None:
            arrays.setdefault(dim, found)
    store = ManifestStore(ManifestGroup(arrays=arrays), storage_options=storage_options)
    with warnings.catch_warnings():
        # What xarray and zarr have to say about a file belongs to its export, not to a look.
        warnings.simplefilter("ignore")
        try:
            return _open_zarr(store, decode_times=True)
        except (ValueError, OverflowError, TypeError):
            return _open_zarr(store, decode_times=False)


def _coordinate(root: ManifestGroup, folder: str, dim: str) -> ManifestArray | None:
    """Find the coordinate of a dimension in the group of a variable, or above it."""
    here: str | None = folder
    while here is not None:
        group = find_group(root, here)
        found = None if group is None else group.arrays.get(dim)
        if found is not None and dims_of(found) == (dim,):
            return found
        here = here.rpartition("/")[0] if here else None
    return None


def _open_zarr(store: Any, *, decode_times: bool) -> xr.Dataset:  # noqa: ANN401 - xarray does not declare stores
    return xr.open_dataset(
        store,
        engine="zarr",
        consolidated=False,
        chunks=None,
        decode_times=decode_times,
        decode_timedelta=False,
    )


def _as_numbers(values: np.ndarray[Any, Any]) -> tuple[dict[str, Any], bytes]:
    document: dict[str, Any] = {}
    if values.dtype.kind == "c":
        values = np.abs(values)
        document["text"] = "magnitude of complex values"
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    document["missing"] = int(values.size - known.size)
    document["min"] = float(known.min()) if known.size else None
    document["max"] = float(known.max()) if known.size else None
    with np.errstate(over="ignore"):
        return document, np.ascontiguousarray(values, dtype=np.float32).tobytes()


def _as_text(values: np.ndarray[Any, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {"kind": "text", "min": None, "max": None, "missing": 0}
    if values.ndim == 0:
        kind = "values" if values.dtype.kind in _NUMERIC else "text"
        return {**document, "kind": kind, "text": _value_text(values[()])}
    flat = values.reshape(-1)
    lines = [_value_text(value) for value in flat[:_MAX_TEXT_VALUES]]
    if flat.size > _MAX_TEXT_VALUES:
        lines.append(f"... ({flat.size} values)")
    return {**document, "text": "\n".join(lines)}


def _value_text(value: object) -> str:
    if isinstance(value, np.datetime64):
        return _time_text(value)
    return attribute_text(value)


def _time_text(value: np.datetime64) -> str:
    """Return a time in ISO 8601 without zeros that say nothing."""
    if np.isnat(value):
        return "missing"
    text = str(value.astype("datetime64[ms]")).removesuffix(".000").removesuffix(":00")
    return text.removesuffix("T00:00")


def _axis(dataset: xr.Dataset, dim: str, step: int, size: int) -> dict[str, Any]:
    """Return name, units and values of an axis; positions where there is no coordinate."""
    axis: dict[str, Any] = {
        "name": dim,
        "units": "",
        "long_name": "",
        "size": size,
        "kind": "index",
        "values": list(range(0, size, step)),
    }
    if dim not in dataset.variables:
        return axis
    coordinate = dataset[dim]
    values = coordinate.isel({dim: slice(None, None, step)}).values
    axis["long_name"] = _attribute(coordinate, "long_name", "standard_name")
    axis["units"] = _attribute(coordinate, "units")
    if values.dtype.kind in "iuf":
        axis.update(kind="number", values=values.tolist())
    elif values.dtype.kind == "M":
        milliseconds = values.astype("datetime64[ms]").astype(np.int64).astype(float)
        axis.update(kind="time", values=np.where(np.isnat(values), np.nan, milliseconds).tolist())
    else:
        axis.update(kind="label", labels=[_value_text(value) for value in values])
    return axis


def _slider(dataset: xr.Dataset, dim: str, size: int, at: int) -> dict[str, Any]:
    label = ""
    if dim in dataset.variables and size:
        coordinate = dataset[dim]
        label = _value_text(coordinate.isel({dim: at}).values[()])
        units = _attribute(coordinate, "units")
        label = f"{label} {units}".strip() if coordinate.dtype.kind in "iuf" else label
    return {"dim": dim, "size": size, "index": at, "label": label}


def _attribute(variable: xr.DataArray, *names: str) -> str:
    for holder in (variable.attrs, variable.encoding):
        for name in names:
            if name in holder and " since " not in str(holder[name]):
                return attribute_text(holder[name])
    return ""
