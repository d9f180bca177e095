"""Variables of netCDF classic files as virtual arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from zarrchive.manifests import ChunkManifest, ManifestArray
from zarrchive.manifests._zarr import array_metadata
from zarrchive.readers.contiguous_runs import run_shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from zarrchive.location.identity import SourceFile
    from zarrchive.readers.netcdf3.layout import Extent

__all__ = ["ArrayModel"]

_UNWRITTEN: Final = {
    "i1": -127,
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


class _Places(NamedTuple):
    """Where the chunks of an array lie, in C order of the grid."""

    offset: npt.NDArray[np.uint64]
    length: npt.NDArray[np.uint32] | npt.NDArray[np.uint64]


_MANY: Final = 2**12
"""Chunks from which their places are not kept for the next file."""


@dataclass(frozen=True, slots=True, eq=False)
class ArrayModel:
    """A virtual array but for the file that it is of."""

    array: ManifestArray
    """With no chunk stored."""
    extent: Extent

    @classmethod
    def of(  # noqa: PLR0913 - what makes an array
        cls,
        name: str,
        dtype: np.dtype[Any],
        extent: Extent,
        *,
        dimensions: Sequence[str],
        attributes: Mapping[str, Any],
        is_held: bool,
        largest_run: int | None,
    ) -> ArrayModel:
        """Make a model.

        Parameters
        ----------
        name, dtype, dimensions, attributes
            Of the variable; the type as it is stored.
        extent
            Where its values lie.
        is_held
            Whether the array is to hold its values, in one chunk.
        largest_run
            Bytes of the largest chunk of values that follow one another; None: they are not cut.

        Raises
        ------
        ValueError, TypeError, KeyError
            If Zarr cannot say it.
        """
        whole = tuple([max(1, size) for size in extent.shape])
        chunk_shape = whole if is_held else _chunk_shape(extent, dtype.itemsize, largest_run)
        grid = tuple([-(-n // chunk) for n, chunk in zip(extent.shape, chunk_shape, strict=True)])
        metadata = array_metadata(
            shape=extent.shape,
            dtype=dtype,
            chunk_shape=chunk_shape,
            codecs=[{"name": "bytes", "configuration": {"endian": _order(dtype)}}],
            fill_value=_fill_value(dtype, attributes.get("_FillValue")),
            dimension_names=dimensions,
            attributes=attributes,
        )
        return cls(ManifestArray(metadata, ChunkManifest.empty(grid), name=name), extent)

    def referring(self, file: SourceFile) -> ManifestArray:
        """Return the array whose values lie in `file`, all of them."""
        grid = self.array.manifest.grid_shape
        if not prod(grid):
            return self.array
        places = _places if prod(grid) > _MANY else _kept_places
        offset, length = places(self.extent, grid)
        manifest = ChunkManifest.of_file(grid, file, offset=offset, length=length)
        return self.array.referring(manifest)

    def holding(self, values: bytes) -> ManifestArray:
        """Return the array that holds its values itself."""
        grid = self.array.manifest.grid_shape
        return self.array.referring(ChunkManifest.of_bytes(grid, values)) if values else self.array


def _chunk_shape(extent: Extent, itemsize: int, largest_run: int | None) -> tuple[int, ...]:
    """Return the shape of chunks that are runs of bytes; records that lie apart are cut anyway."""
    shape = tuple([max(1, size) for size in extent.shape])
    first, inner = ((), shape) if extent.is_one_run else ((1,), shape[1:])
    if largest_run is None:
        return (*first, *inner)
    return (*first, *run_shape(inner, itemsize, most=largest_run))


def _places(extent: Extent, grid: tuple[int, ...]) -> _Places:
    n_chunks = prod(grid)
    n_runs = 1 if extent.is_one_run else extent.count
    length = extent.count * extent.nbytes // n_chunks
    runs = np.arange(n_runs, dtype=np.uint64) * np.uint64(extent.stride) + np.uint64(extent.begin)
    within = np.arange(n_chunks // n_runs, dtype=np.uint64) * np.uint64(length)
    offset = (runs[:, None] + within).reshape(-1)
    if length < 2**32:
        return _Places(offset, np.full(n_chunks, length, dtype=np.uint32))
    return _Places(offset, np.full(n_chunks, length, dtype=np.uint64))


_kept_places = lru_cache(maxsize=1024)(_places)


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
