"""One dataset as a virtual array."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.errors import ManifestError
from zarrchive.manifests._zarr import ArrayV3Metadata, array_metadata
from zarrchive.manifests.chunk_manifest import ChunkManifest
from zarrchive.manifests.manifest_array import ManifestArray
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.storage import Absent, Inlined, Referenced

if TYPE_CHECKING:
    from collections.abc import Hashable

    from zarrchive.codecs.hdf5 import CodecDocument
    from zarrchive.readers.hdf5.datatypes import DataType
    from zarrchive.readers.hdf5.dimensions import Axes

__all__ = ["Arrays", "Variable", "grown"]

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


@dataclass(frozen=True, slots=True)
class Arrays:
    """The arrays of a file; those that only differ in where their values are, are made once."""

    _known: dict[Hashable, tuple[Variable, ManifestArray]] = field(default_factory=dict)
    """With the variable each was made of, which holds what the key tells by identity."""

    def of(
        self, name: str, variable: Variable, names: tuple[str, ...], shape: tuple[int, ...]
    ) -> ManifestArray | Reason:
        """Build the virtual array with dimensions `names`, grown to `shape` by missing chunks."""
        storage = variable.storage
        chunk_shape = storage.chunk_shape
        grid = tuple([-(-n // chunk) for n, chunk in zip(shape, chunk_shape, strict=True)])
        key = (name, names, shape, *_key(variable))
        known = self._known.get(key)
        try:
            if isinstance(storage, Absent):
                manifest = ChunkManifest.empty(grid)
            else:
                manifest = grown(storage.manifest, grid)
            if known is not None:
                return known[1].referring(manifest)
            array = ManifestArray(_metadata(variable, names, shape), manifest, name=name)
        except (ValueError, TypeError, KeyError, NotImplementedError) as error:
            return _no_zarr(variable, error)
        self._known[key] = variable, array
        return array


def _key(variable: Variable) -> tuple[Hashable, ...]:
    """Return what metadata are made of; what cannot be compared quickly is told by identity."""
    storage, attributes, fill = variable.storage, variable.attributes, variable.fill
    codecs = storage.codecs if isinstance(storage, Referenced) else ()
    return (
        id(variable.kind),
        storage.chunk_shape,
        *map(id, codecs),
        *attributes,
        *map(_told, (fill, *attributes.values())),
    )


def _told(value: object) -> Hashable:
    """Return what tells a value from others; bits tell NaN from NaN, and zero from minus zero."""
    if isinstance(value, np.number):
        return type(value), value.dtype.str, value.tobytes()
    return value if type(value) is str else id(value)


def _metadata(
    variable: Variable, names: tuple[str, ...], shape: tuple[int, ...]
) -> ArrayV3Metadata:
    storage, kind = variable.storage, variable.kind
    codecs = storage.codecs if isinstance(storage, Referenced) else ()
    is_big = kind.dtype is not None and kind.dtype.byteorder == ">"
    first = _STRINGS if kind.is_vlen_string else (_BIG if is_big else _LITTLE)
    return array_metadata(
        shape=shape,
        dtype="string" if kind.is_vlen_string or kind.dtype is None else kind.dtype,
        chunk_shape=storage.chunk_shape,
        codecs=[first, *codecs],
        fill_value=variable.fill,
        dimension_names=names,
        attributes=variable.attributes,
    )


def _no_zarr(variable: Variable, error: Exception) -> Reason:
    storage = variable.storage
    codecs = storage.codecs if isinstance(storage, Referenced) else ()
    words = error.problem.what if isinstance(error, ManifestError) else str(error)
    return Reason(
        code="hdf5-no-zarr",
        what=f"Zarr cannot describe {variable.kind.dtype} with codecs "
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
