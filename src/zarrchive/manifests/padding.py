"""Arrays that have fewer places than others along an axis, in chunks that are shorter for it.

Where a file stores a whole dimension in one chunk, and another has more places along it, their
chunks are of unlike shapes. The codec ``zarrchive.crop`` shows the shorter ones within the longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zarrchive.codecs.crop import CropCodec, Padded
from zarrchive.manifests._zarr import changed_metadata, codec_documents
from zarrchive.manifests.missing_chunks import with_fill_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["is_padded", "padded_alike"]


class _Part(NamedTuple):
    """An array within the places that are wanted."""

    shape: tuple[int, ...]
    """Elements of a chunk as it is stored."""
    start: tuple[int, ...]
    """Where they begin in a chunk as it is wanted."""
    wanted: tuple[int, ...]
    """Elements of a chunk as it is wanted."""


def is_padded(array: ManifestArray) -> bool:
    """Whether some chunks of an array hold a part of what they show."""
    codecs: Any = array.metadata.codecs
    return any(isinstance(codec, CropCodec) and codec.padded for codec in codecs)


def padded_alike(
    arrays: Sequence[ManifestArray],
    indexers: Sequence[Mapping[int, npt.NDArray[np.int64]]],
    fill_value: object,
) -> list[ManifestArray] | None:
    """Give arrays the same places along some axes, each in one chunk; nothing is read.

    Parameters
    ----------
    arrays
        At least one; with one chunk along these axes, whose elements are stored as they are
        before compression.
    indexers
        Of each array, by axis: for each place that is wanted the element that is there, or -1.
        An axis that is not named stays as it is.
    fill_value
        What places without an element read as.

    Returns
    -------
    list of ManifestArray
        With one chain of codecs. None where elements would have to change their order or be
        left out, where chunks of unlike shapes cannot be told apart, or others differ.

    Raises
    ------
    ManifestError
        ``fill-differs`` where chunks that are not stored read as something else.
    """
    axes = sorted({axis for one in indexers for axis in one})
    parts = [_part(array, one, axes) for array, one in zip(arrays, indexers, strict=True)]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or len({part.wanted for part in known}) > 1:
        return None
    if any(array.ndim != arrays[0].ndim or not _is_plain(array) for array in arrays):
        return None
    wanted = known[0].wanted
    kinds = [Padded(part.shape, part.start) for part in known if part.shape != wanted]
    distinct = tuple(dict.fromkeys(kinds))
    if len({int(np.prod(one.shape)) for one in distinct}) < len(distinct):
        return None  # the number of elements does not say which it is
    return [
        _padded(with_fill_value(array, fill_value), distinct, wanted, one)
        for array, one in zip(arrays, indexers, strict=True)
    ]


def _is_plain(array: ManifestArray) -> bool:
    names = [document["name"] for document in codec_documents(array.metadata)]
    return names[0] == "bytes" and not array.dtype.hasobject and array.dtype.kind != "T"


def _part(
    array: ManifestArray, indexers: Mapping[int, npt.NDArray[np.int64]], axes: Sequence[int]
) -> _Part | None:
    """Say where the chunks of an array lie; None where they are not one block of what is wanted."""
    if not array.is_regular or any(array.chunk_shape[axis] != array.shape[axis] for axis in axes):
        return None
    start, wanted = [0] * array.ndim, list(array.chunk_shape)
    for axis, indexer in indexers.items():
        places = np.flatnonzero(np.asarray(indexer) >= 0)
        count = array.shape[axis]
        if places.size != count or not count:
            return None
        first = int(places[0])
        if not np.array_equal(indexer[first : first + count], np.arange(count)):
            return None
        start[axis], wanted[axis] = first, len(indexer)
    return _Part(array.chunk_shape, tuple(start), tuple(wanted))


def _padded(
    array: ManifestArray,
    kinds: tuple[Padded, ...],
    chunk_shape: tuple[int, ...],
    indexers: Mapping[int, npt.NDArray[np.int64]],
) -> ManifestArray:
    first, *others = codec_documents(array.metadata)
    endian = (first.get("configuration") or {}).get("endian")
    codec = CropCodec(endian=getattr(endian, "value", endian), stored_shapes=(), padded=kinds)
    metadata = changed_metadata(
        array.metadata,
        shape=[len(indexers.get(axis, range(n))) for axis, n in enumerate(array.shape)],
        chunk_lengths=chunk_shape,
        codecs=[codec.to_dict() if kinds else first, *others],
    )
    return array.replaced(metadata, array.manifest)
