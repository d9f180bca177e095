"""Write the netCDF-4 file format with h5py alone.

Follows the NetCDF-4 format specification (appendix "NetCDF-4 File Format Specification" of the
netCDF documentation): dimensions are HDF5 dimension scales, a dimension without a variable is a
scale with a reserved name, and every scale carries its number in ``_Netcdf4Dimid``.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final, Self

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

__all__ = ["NetCDF4File", "NetCDF4Group", "pack"]

_PURE_DIMENSION: Final = "This is a netCDF dimension but not a netCDF variable.%10d"
_PROPERTIES: Final = "version=2,zarrchive-demo=1"
_DEFLATE: Final = 4


def pack(values: np.ndarray, *, scale: float, offset: float, fill: int) -> np.ndarray:
    """Pack `values` into int16 as CF describes it; NaN becomes `fill`."""
    packed = np.rint((values - offset) / scale)
    return np.where(np.isnan(packed), fill, np.clip(packed, -32766, 32767)).astype("<i2")


class NetCDF4Group:
    """A group of a netCDF4 file that is being written."""

    def __init__(self, node: h5py.Group, dimids: Iterator[int]) -> None:
        self._node = node
        self._dimids = dimids

    def group(self, name: str, attributes: Mapping[str, Any]) -> NetCDF4Group:
        """Make a group below this one."""
        child = NetCDF4Group(self._node.create_group(name, track_order=True), self._dimids)
        child.set_attributes(attributes)
        return child

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Write attributes of the group."""
        _set_attributes(self._node, attributes)

    def dimension(self, name: str, size: int) -> None:
        """Make a dimension that has no coordinate values."""
        dataset = self._node.create_dataset(name, shape=(size,), dtype=">f4", track_order=True)
        self._make_scale(dataset, _PURE_DIMENSION % size)

    def coordinate(
        self,
        name: str,
        values: np.ndarray,
        attributes: Mapping[str, Any],
        *,
        unlimited: bool = False,
    ) -> None:
        """Make a dimension and the 1-D variable of the same name."""
        growing: dict[str, Any] = {"maxshape": (None,), "chunks": (512,)} if unlimited else {}
        dataset = self._node.create_dataset(name, data=values, track_order=True, **growing)
        self._make_scale(dataset, name)
        _set_attributes(dataset, attributes)

    def variable(
        self,
        name: str,
        values: np.ndarray | np.generic,
        dims: Sequence[str],
        attributes: Mapping[str, Any],
        *,
        chunks: tuple[int, ...] | None = None,
    ) -> None:
        """Make a variable; with `chunks` it is compressed, and its first axis may grow."""
        layout: dict[str, Any] = {}
        if chunks is not None:
            layout = {"chunks": chunks, "maxshape": (None, *values.shape[1:])}
            layout |= {"shuffle": True, "compression": "gzip", "compression_opts": _DEFLATE}
        if "_FillValue" in attributes:
            layout["fillvalue"] = attributes["_FillValue"]
        dataset = self._node.create_dataset(name, data=values, track_order=True, **layout)
        for axis, dim in enumerate(dims):
            dataset.dims[axis].attach_scale(self._node[dim])
        _set_attributes(dataset, attributes)

    def strings(self, name: str, values: Sequence[str] | str, dims: Sequence[str] = ()) -> None:
        """Make a variable of variable-length strings (NC_STRING)."""
        data = np.array(values, dtype=object)
        dataset = self._node.create_dataset(name, data=data, dtype=h5py.string_dtype())
        for axis, dim in enumerate(dims):
            dataset.dims[axis].attach_scale(self._node[dim])

    def _make_scale(self, dataset: h5py.Dataset, name: str) -> None:
        dataset.make_scale(name)
        dataset.attrs["_Netcdf4Dimid"] = np.int32(next(self._dimids))


class NetCDF4File(NetCDF4Group):
    """A netCDF4 file that is being written; use it in a ``with`` statement."""

    def __init__(self, path: Path, attributes: Mapping[str, Any]) -> None:
        # The HDF5 version bound and the tracked creation order are those of netCDF-C.
        self._file = h5py.File(path, "w", libver=("v108", "v108"), track_order=True)
        super().__init__(self._file, count())
        self.set_attributes({"_NCProperties": _PROPERTIES, **attributes})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def _set_attributes(node: h5py.HLObject, attributes: Mapping[str, Any]) -> None:
    for name, value in attributes.items():
        node.attrs[name] = _as_stored(value)


def _as_stored(value: Any) -> np.ndarray | np.bytes_:  # noqa: ANN401 - text or any number
    """Text as NC_CHAR, a number as a list of one: how netCDF-C writes attributes."""
    return np.bytes_(value.encode()) if isinstance(value, str) else np.atleast_1d(value)
