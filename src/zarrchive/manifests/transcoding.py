"""Values as chunks that a manifest holds itself, stored the way another array stores its own."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from zarr.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

from zarrchive.manifests._zarr import array_document, changed_metadata
from zarrchive.manifests.chunk_manifest import ChunkManifest, InlineChunk
from zarrchive.manifests.manifest_array import ManifestArray
from zarrchive.manifests.values import values_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["stored_like"]


def stored_like(
    values: np.ndarray[Any, Any], model: ManifestArray, *, attributes: Mapping[str, Any]
) -> ManifestArray:
    """Encode values with the data type, chunk shape, codecs and fill value of `model`.

    Parameters
    ----------
    values
        As many dimensions as `model`, of its data type in any byte order.
    model
        The array that the result is to be joined with.
    attributes
        Of the result.

    Raises
    ------
    ValueError
        If the codecs cannot encode, or the values would not come back as they are.
    """
    if not model.is_regular:
        raise ValueError("the chunks of its model have no one shape")
    metadata = changed_metadata(model.metadata, shape=values.shape, attributes=attributes)
    grid = tuple(-(-n // chunk) for n, chunk in zip(values.shape, model.chunk_shape, strict=True))
    if not values.size:
        return ManifestArray(metadata, ChunkManifest.empty(grid), name=model.name)
    held: dict[str, Any] = {}
    with warnings.catch_warnings(), zarr.config.set({"array.write_empty_chunks": True}):
        # zarr warns of data types and codecs without a final specification.
        warnings.simplefilter("ignore")
        store = MemoryStore(held)
        document = json.dumps(array_document(metadata, {})).encode()
        held["zarr.json"] = default_buffer_prototype().buffer.from_bytes(document)
        try:
            zarr.open_array(store, mode="r+", zarr_format=3)[...] = values
        except Exception as error:
            raise ValueError(f"its codecs cannot encode: {error}") from error
    chunks = {_index(key): InlineChunk(held[key].to_bytes()) for key in held if key != "zarr.json"}
    result = ManifestArray(
        metadata, ChunkManifest.from_entries(chunks, grid_shape=grid), name=model.name
    )
    if not _same_bits(values_of(result), values):
        raise ValueError("its codecs change values")
    return result


def _index(key: str) -> tuple[int, ...]:
    return tuple(int(number) for number in key.split("/")[1:])


def _same_bits(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> bool:
    if left.dtype.hasobject or left.dtype.kind == "T":
        return bool((left == right).all())
    mine, theirs = (np.ascontiguousarray(one.astype(left.dtype)) for one in (left, right))
    return mine.tobytes() == theirs.tobytes()
