"""One dataset as a virtual array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.errors import ManifestError
from zarrchive.manifests._zarr import array_metadata
from zarrchive.manifests.chunk_manifest import ChunkManifest
from zarrchive.manifests.manifest_array import ManifestArray
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.storage import Absent, Inlined, Referenced

if TYPE_CHECKING:
    from zarrchive.codecs.hdf5 import CodecDocument
    from zarrchive.readers.hdf5.datatypes import DataType
    from zarrchive.readers.hdf5.dimensions import Axes

__all__ = ["Variable", "array_of", "grown"]

_LITTLE: Final[CodecDocument] = {"name": "bytes", "configuration": {"endian": "little"}}
_BIG: Final[CodecDocument] = {"name": "bytes", "configuration": {"endian": "big"}}
_STRINGS: Final[CodecDocument] = {"name": "vlen-utf8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A dataset that was looked at; what is left is to name its dimensions."""

    kind: DataType
    shape: tuple[int, ...]
    axes: Axes
    storage: Referenced | Inlined | Absent
    fill: Any
    """Scalar that unwritten values read as."""
    attributes: dict[str, Any]
    unlimited: tuple[bool, ...]
    """Whether each dimension may grow."""
    is_padded_with_fill: bool
    """Whether what its chunks hold beyond its edge is the fill value."""
    is_inlined: bool


def array_of(
    variable: Variable, names: tuple[str, ...], shape: tuple[int, ...]
) -> ManifestArray | Reason:
    """Build the virtual array with dimension `names`, grown to `shape` by missing chunks."""
    storage, kind = variable.storage, variable.kind
    chunk_shape = storage.chunk_shape
    grid = tuple(-(-size // chunk) for size, chunk in zip(shape, chunk_shape, strict=True))
    codecs = storage.codecs if isinstance(storage, Referenced) else ()
    is_big = kind.dtype is not None and kind.dtype.byteorder == ">"
    first = _STRINGS if kind.is_vlen_string else (_BIG if is_big else _LITTLE)
    try:
        metadata = array_metadata(
            shape=shape,
            dtype="string" if kind.is_vlen_string or kind.dtype is None else kind.dtype,
            chunk_shape=chunk_shape,
            codecs=[first, *codecs],
            fill_value=variable.fill,
            dimension_names=names,
            attributes=variable.attributes,
        )
        if isinstance(storage, Absent):
            return ManifestArray(metadata, ChunkManifest.empty(grid))
        return ManifestArray(metadata, grown(storage.manifest, grid))
    except (ValueError, TypeError, KeyError, NotImplementedError) as error:
        words = error.problem.what if isinstance(error, ManifestError) else str(error)
        return Reason(
            code="hdf5-no-zarr",
            what=f"Zarr cannot describe {kind.dtype} with codecs "
            f"{[codec['name'] for codec in codecs]}: {' '.join(words.split())}",
            hint="read this variable with h5py; all others can be used",
        )


def grown(manifest: ChunkManifest, grid: tuple[int, ...]) -> ChunkManifest:
    """Return `manifest` on a grid that is longer along some dimensions."""
    if manifest.grid_shape == grid:
        return manifest
    stored = manifest.stored()
    positions = stored.position
    if positions.size:
        index = np.unravel_index(positions.astype(np.int64), manifest.grid_shape)
        positions = np.ravel_multi_index(index, grid).astype(np.uint64)
    return ChunkManifest.from_columns(
        grid,
        files=manifest.files,
        path_id=stored.path_id,
        offset=stored.offset,
        length=stored.length,
        positions=positions,
        inlined=manifest.inlined,
    )
