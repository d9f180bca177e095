"""Arrays whose values the manifest itself holds."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

import numcodecs
import numpy as np

from zarrchive.errors import ManifestError, Problem
from zarrchive.manifests import ChunkManifest, InlineChunk, ManifestArray
from zarrchive.manifests._zarr import array_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

__all__ = ["inline_array"]

_VLEN_UTF8: Final = numcodecs.VLenUTF8()


def inline_array(
    values: npt.NDArray[Any],
    *,
    name: str,
    dims: Sequence[str],
    attributes: Mapping[str, Any],
) -> ManifestArray:
    """Hold `values` as one inline chunk: raw bytes, or ``vlen-utf8`` for text.

    Parameters
    ----------
    values
        Numbers, booleans, fixed-length bytes or structs of them, or strings of any kind.
    name, dims, attributes
        Of the variable.

    Raises
    ------
    ManifestError
        ``values-not-storable`` for Python objects other than strings, and data types that
        Zarr does not have.
    """
    is_text = values.dtype.kind in "OUT"
    data = _text(values, name) if is_text else np.ascontiguousarray(values)
    if data.dtype.kind == "S" and not data.dtype.itemsize:
        data = data.astype("S1")
    chunk_shape = tuple(max(1, size) for size in values.shape)
    try:
        metadata = array_metadata(
            shape=values.shape,
            dtype="string" if is_text else data.dtype,
            chunk_shape=chunk_shape,
            codecs=[{"name": "vlen-utf8"}] if is_text else [_bytes_codec(data.dtype)],
            fill_value="" if is_text else np.zeros((), data.dtype)[()],
            dimension_names=list(dims),
            attributes=attributes,
        )
    except (TypeError, ValueError, KeyError) as error:
        raise ManifestError(
            _not_storable(name, f"values of type {values.dtype}: {error}")
        ) from error
    grid = tuple(min(1, size) for size in values.shape)
    if not prod(grid):
        return ManifestArray(metadata, ChunkManifest.empty(grid), name=name)
    raw = bytes(_VLEN_UTF8.encode(data.reshape(-1))) if is_text else data.tobytes()
    manifest = ChunkManifest.from_entries({(0,) * len(grid): InlineChunk(raw)}, grid_shape=grid)
    return ManifestArray(metadata, manifest, name=name)


def _bytes_codec(dtype: np.dtype[Any]) -> dict[str, Any]:
    if dtype.itemsize == 1 or dtype.kind in "SV":
        return {"name": "bytes"}
    endian = "big" if dtype.byteorder == ">" else "little"
    return {"name": "bytes", "configuration": {"endian": endian}}


def _text(values: npt.NDArray[Any], name: str) -> npt.NDArray[np.object_]:
    texts: npt.NDArray[np.object_] = values.astype(object)
    if strange := [item for item in texts.reshape(-1).tolist() if not isinstance(item, str)]:
        what = f"{strange[0]!r} of type {type(strange[0]).__name__} among its values"
        raise ManifestError(_not_storable(name, what))
    return texts


def _not_storable(name: str, what: str) -> Problem:
    return Problem(
        code="values-not-storable",
        where="dataset",
        what=f"Zarr cannot hold {what}",
        hint="convert the variable to numbers, times or strings, or drop it",
        variable=name,
    )
