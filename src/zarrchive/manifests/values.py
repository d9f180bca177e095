"""The decoded values of a virtual array, where they are wanted after all."""

from __future__ import annotations

import warnings
from itertools import accumulate
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from zarr.codecs import BytesCodec

from zarrchive.manifests.hierarchy import ManifestGroup
from zarrchive.manifests.store import ManifestStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["values_of", "values_of_each"]


def values_of(
    array: ManifestArray, *, storage_options: Mapping[str, Any] | None = None
) -> np.ndarray[Any, np.dtype[Any]]:
    """Return the values of an array, in the byte order of this machine.

    Reads all its chunks, unless the array is a single raw inline chunk, which costs a copy.
    CF attributes (scale, offset, missing values) are not applied.

    Parameters
    ----------
    array
        Any virtual array.
    storage_options
        What the file systems of the source files need, as fsspec takes it.

    Raises
    ------
    LocationError, StaleSourceError
        If a source file cannot be read, or is not the one that was scanned.
    """
    if not array.size:
        return np.empty(array.shape, dtype=_native(array.dtype))
    raw = _raw_inline(array)
    if raw is not None:
        values = np.frombuffer(raw, dtype=array.dtype, count=array.size)
        return values.reshape(array.shape).astype(_native(array.dtype))
    with warnings.catch_warnings():
        # zarr warns of data types and codecs without a final specification.
        warnings.simplefilter("ignore")
        with ManifestStore(
            ManifestGroup(arrays={"values": array}), storage_options=storage_options
        ) as store:
            opened = zarr.open_array(store, path="values", mode="r", zarr_format=3)
            # Of an array without dimensions zarr returns a scalar, text cut to its length.
            return np.asarray(opened[...], dtype=opened.dtype)


def values_of_each(arrays: Sequence[ManifestArray]) -> list[np.ndarray[Any, np.dtype[Any]]]:
    """Return the values of arrays of one dimension and one data type; see `values_of`.

    Single raw inline chunks, as coordinates of many files are, are decoded together.
    """
    blobs: list[bytes] = []
    raw_nbytes: dict[int, int | None] = {}
    for array in arrays:
        key, manifest = id(array.metadata), array.manifest
        if key not in raw_nbytes:
            raw_nbytes[key] = _raw_nbytes(array)
        if manifest.grid_shape != (1,) or not manifest.inlined:
            return [values_of(array) for array in arrays]
        if len(manifest.inlined[0]) != raw_nbytes[key]:
            return [values_of(array) for array in arrays]
        blobs.append(manifest.inlined[0])
    whole = np.frombuffer(b"".join(blobs), dtype=arrays[0].dtype).astype(_native(arrays[0].dtype))
    stored = [len(blob) // whole.itemsize for blob in blobs]
    starts = [0, *accumulate(stored)][:-1]
    return [
        whole[start : start + array.metadata.shape[0]]
        for start, array in zip(starts, arrays, strict=True)
    ]


def _raw_inline(array: ManifestArray) -> bytes | None:
    """Return the only chunk, if it begins with the elements as they are and the manifest holds it.

    Along the first axis the chunk may be longer than the array.
    """
    if not array.manifest.inlined or array.manifest.size != 1:
        return None
    (data,) = array.manifest.inlined
    return data if len(data) == _raw_nbytes(array) else None


def _raw_nbytes(array: ManifestArray) -> int | None:
    """Return the bytes of a chunk that holds elements as they are, and the rows of the array.

    None where chunks hold something else. It depends on the metadata alone.
    """
    if not array.is_regular or array.chunk_shape[1:] != array.shape[1:]:
        return None
    codec = array.metadata.codecs[0]
    if len(array.metadata.codecs) > 1 or type(codec) is not BytesCodec or array.dtype.hasobject:
        return None
    stated = getattr(codec.endian, "value", codec.endian)
    meant = {"<": "little", ">": "big"}.get(array.dtype.str[0])
    if stated is not None and meant not in (None, stated):
        return None
    return prod(array.chunk_shape) * array.itemsize


def _native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    # Variable-length text has no byte order, and NumPy refuses to be asked.
    return dtype if dtype.kind == "T" else dtype.newbyteorder("=")
