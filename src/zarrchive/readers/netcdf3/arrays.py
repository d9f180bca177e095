"""Variables of netCDF classic files as virtual arrays."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.manifests import ChunkManifest, ManifestArray
from zarrchive.manifests._zarr import array_metadata
from zarrchive.readers.contiguous_runs import run_shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zarrchive.location.identity import SourceFile
    from zarrchive.readers.netcdf3.layout import Extent

__all__ = ["array_of"]

_UNWRITTEN: Final = {
    "i1": -127,
    "S1": b"",
    "i2": -32767,
    "i4": -2147483647,
    "f4": float.fromhex("0x1.ep+122"),
    "f8": float.fromhex("0x1.ep+122"),
    "u1": 255,
    "u2": 65535,
    "u4": 4294967295,
    "i8": -9223372036854775806,
    "u8": 18446744073709551614,
}
"""What the netCDF library stores where nothing was written (``NC_FILL_BYTE`` and so on)."""


def array_of(  # noqa: PLR0913 - what makes an array
    name: str,
    dtype: np.dtype[Any],
    extent: Extent,
    *,
    dimensions: Sequence[str],
    attributes: Mapping[str, Any],
    file: SourceFile,
    values: bytes | None,
    largest_run: int | None,
) -> ManifestArray:
    """Make a virtual array.

    Parameters
    ----------
    name, dtype, dimensions, attributes
        Of the variable; the type as it is stored.
    extent
        Where its values lie in `file`.
    values
        All of them, to be held by the array itself; None: they are referred to.
    largest_run
        Bytes of the largest chunk of values that follow one another; None: they are not cut.

    Raises
    ------
    ValueError, TypeError, KeyError
        If Zarr cannot say it.
    """
    chunk_shape = tuple(max(1, size) for size in extent.shape)
    if values is None:
        chunk_shape = _chunk_shape(extent, dtype.itemsize, largest_run)
    grid = tuple(-(-size // chunk) for size, chunk in zip(extent.shape, chunk_shape, strict=True))
    if not prod(grid):
        manifest = ChunkManifest.empty(grid)
    elif values is not None:
        manifest = ChunkManifest.of_bytes(grid, values)
    else:
        manifest = _manifest(extent, grid, file)
    metadata = array_metadata(
        shape=extent.shape,
        dtype=dtype,
        chunk_shape=chunk_shape,
        codecs=[{"name": "bytes", "configuration": {"endian": _order(dtype)}}],
        fill_value=_fill_value(dtype, attributes.get("_FillValue")),
        dimension_names=dimensions,
        attributes=attributes,
    )
    return ManifestArray(metadata, manifest, name=name)


def _chunk_shape(extent: Extent, itemsize: int, largest_run: int | None) -> tuple[int, ...]:
    """Return the shape of chunks that are runs of bytes; records that lie apart are cut anyway."""
    shape = tuple(max(1, size) for size in extent.shape)
    first, inner = ((), shape) if extent.is_one_run else ((1,), shape[1:])
    if largest_run is None:
        return (*first, *inner)
    return (*first, *run_shape(inner, itemsize, most=largest_run))


def _manifest(extent: Extent, grid: tuple[int, ...], file: SourceFile) -> ChunkManifest:
    n_runs = 1 if extent.is_one_run else extent.count
    length = extent.count * extent.nbytes // prod(grid)
    runs = np.arange(n_runs, dtype=np.uint64) * np.uint64(extent.stride) + np.uint64(extent.begin)
    within = np.arange(prod(grid) // n_runs, dtype=np.uint64) * np.uint64(length)
    offset = (runs[:, None] + within).reshape(-1)
    lengths = np.full(len(offset), length, dtype=np.uint64)
    return ChunkManifest.of_file(grid, file, offset=offset, length=lengths)


def _order(dtype: np.dtype[Any]) -> str:
    return "big" if dtype.byteorder == ">" else "little"


def _fill_value(dtype: np.dtype[Any], own: object) -> object:
    """Return what the netCDF library stores where nothing was written.

    All values of these files are written; joined to others, they may leave gaps.
    """
    native = dtype.newbyteorder("=")
    if isinstance(own, np.generic) and own.dtype == native:
        return own
    if dtype.kind == "S":
        raw = own.encode("latin-1", "replace") if isinstance(own, str) else b""
        return np.bytes_(raw if len(raw) == 1 else b"")
    return native.type(_UNWRITTEN[native.str[1:]])
