"""Chunks of unlike length along an axis: arrays whose files end within chunks, joined all the same.

Zarr calls such a chunk grid rectilinear (extension ``rectilinear`` of Zarr v3, from zarr 3.2 on).
Chunks that show only a part of what is stored need the codec ``zarrchive.crop`` in addition.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.codecs.crop import CropCodec
from zarrchive.manifests._zarr import HAS_RECTILINEAR, changed_metadata, codec_documents
from zarrchive.manifests.chunk_lengths import chunk_ends, grid_shape_of, longest_chunk
from zarrchive.manifests.chunk_manifest import ChunkManifest
from zarrchive.manifests.cutting import is_empty
from zarrchive.manifests.padding import is_padded
from zarrchive.manifests.splitting import common_chunk_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.manifests._zarr import ChunkLengths
    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = [
    "ends_within_chunk",
    "joined_lengths",
    "line_up",
    "obstacle_to_lengths",
    "with_common_lengths",
    "with_lengths_stated",
]

_MOST_SHAPES: Final = 100
"""In which chunks of one array may be stored."""


def ends_within_chunk(array: ManifestArray, axis: int) -> bool:
    """Whether the last chunk along an axis shows a part only, so that no array can follow it."""
    length = array.chunk_lengths[axis]
    return isinstance(length, int) and array.shape[axis] % length > 0


def obstacle_to_lengths(array: ManifestArray, axis: int) -> str:
    """Return why chunks of an array cannot have a length each; nothing if they can."""
    if not HAS_RECTILINEAR:
        return "chunks of unlike length need zarr 3.2 or newer, and with it Python 3.12 or newer"
    length, size = array.chunk_lengths[axis], array.shape[axis]
    if isinstance(length, tuple) or size % length == 0 or is_empty(array):
        return ""
    names = [document["name"] for document in codec_documents(array.metadata)]
    serialiser = names[1:2] if names[:1] == ["transpose"] else names[:1]
    if is_padded(array):
        return "its chunks are padded, and would have to show in more shapes"
    if serialiser not in (["bytes"], [CropCodec.codec_id]) or array.dtype.hasobject:
        return f"the codec {names[0]} does not say how much of a chunk at the edge is padding"
    if not _can_be_told_apart(_shapes_stored(array)):
        return "chunks are stored in too many shapes to tell which of them has padding"
    return ""


def with_lengths_stated(array: ManifestArray, axis: int) -> ManifestArray:
    """Return the same array with the length of each chunk along `axis`; nothing is read.

    A chunk at the end gets the length that shows, so that another array can follow it.

    Parameters
    ----------
    array
        One to which `obstacle_to_lengths` has nothing to say.
    axis
        Not negative.
    """
    size, length = array.shape[axis], array.chunk_lengths[axis]
    if isinstance(length, tuple) or not size:
        return array
    lengths = np.diff(chunk_ends(size, length), prepend=0).tolist()
    codecs = codec_documents(array.metadata)
    if size % length and not is_empty(array):
        codecs = _cropping(array)
    metadata = changed_metadata(
        array.metadata,
        codecs=codecs,
        chunk_lengths=[tuple(lengths) if i == axis else n for i, n in _lengths(array)],
    )
    return array.replaced(metadata, array.manifest)


def with_common_lengths(arrays: Sequence[ManifestArray], axis: int) -> Sequence[ManifestArray]:
    """Have arrays state the lengths of their chunks alike, where one of them does.

    Arrays that cannot, or do not agree, are returned as they are: joining them then says why.

    Parameters
    ----------
    arrays
        Of any kind.
    axis
        Along which they are to be joined; not negative.
    """
    if all(array.is_regular for array in arrays) or len({array.ndim for array in arrays}) > 1:
        return arrays
    stated = [
        i
        for i in range(arrays[0].ndim)
        if i == axis or any(isinstance(array.chunk_lengths[i], tuple) for array in arrays)
    ]
    if any(obstacle_to_lengths(array, i) for array in arrays for i in stated):
        return arrays
    found = list(arrays)
    for i in stated:
        found = [with_lengths_stated(array, i) for array in found]
    return _with_one_crop(_with_empty_ones(found, axis))


def line_up(arrays: Sequence[ManifestArray], axis: int | None) -> bool:
    """Whether there is one chunk grid for arrays joined along `axis`, as they are or cut.

    `axis` is None for joining along a new one.
    """
    if all(array.is_regular for array in arrays):
        return common_chunk_shape(arrays, axis) is not None
    if axis is not None:
        arrays = with_common_lengths(arrays, axis)
    first, *others = arrays
    mine = [n for i, n in _lengths(first) if i != axis]
    if any([n for i, n in _lengths(array) if i != axis] != mine for array in others):
        return False
    # Where they are joined, a list of lengths says where the next begins.
    along = [] if axis is None else [array.chunk_lengths[axis] for array in arrays]
    return all(
        isinstance(n, tuple) or not array.shape[axis or 0]
        for n, array in zip(along, arrays, strict=False)
    )


def joined_lengths(arrays: Sequence[ManifestArray], axis: int) -> ChunkLengths:
    """Return the chunk lengths of arrays that are joined along `axis`; beside it, they agree."""
    lengths = list(arrays[0].chunk_lengths)
    if any(isinstance(array.chunk_lengths[axis], tuple) for array in arrays):
        parts = [array.chunk_lengths[axis] for array in arrays if array.shape[axis]]
        lengths[axis] = tuple(n for part in parts if isinstance(part, tuple) for n in part)
    return tuple(lengths)


def _lengths(array: ManifestArray) -> list[tuple[int, int | tuple[int, ...]]]:
    return list(enumerate(array.chunk_lengths))


def _cropping(array: ManifestArray) -> list[dict[str, Any]]:
    """Return the codecs of chunks of which only a part may show."""
    documents = codec_documents(array.metadata)
    first = 1 if documents[0]["name"] == "transpose" else 0
    return [
        *documents[:first],
        _crop_of(documents[first], _shapes_stored(array)),
        *documents[first + 1 :],
    ]


def _shapes_stored(array: ManifestArray) -> list[tuple[int, ...]]:
    """Return every shape in which a chunk may be stored: one that shows, or one known before."""
    documents = codec_documents(array.metadata)
    first = 1 if documents[0]["name"] == "transpose" else 0
    order = documents[0]["configuration"]["order"] if first else range(array.ndim)
    lengths = [array.chunk_lengths[i] for i in order]
    distinct = [(n,) if isinstance(n, int) else tuple(dict.fromkeys(n)) for n in lengths]
    known = _cropped_shapes(documents[first])
    if prod(map(len, distinct)) > _MOST_SHAPES:
        return [*known, *[longest_chunk(array.chunk_lengths)] * 2]  # not to be told apart
    return list(dict.fromkeys([*known, *product(*distinct)]))


def _can_be_told_apart(shapes: Sequence[tuple[int, ...]]) -> bool:
    """Whether the number of elements says which of the shapes a chunk is stored in."""
    return len(set(map(prod, shapes))) == len(shapes)


def _cropped_shapes(document: dict[str, Any]) -> list[tuple[int, ...]]:
    if document["name"] != CropCodec.codec_id:
        return []
    return [tuple(shape) for shape in document["configuration"]["stored_shapes"]]


def _crop_of(document: dict[str, Any], shapes: Sequence[tuple[int, ...]]) -> dict[str, Any]:
    endian = (document.get("configuration") or {}).get("endian")
    endian = getattr(endian, "value", endian)
    return CropCodec(endian=endian, stored_shapes=tuple(shapes)).to_dict()


def _with_one_crop(arrays: Sequence[ManifestArray]) -> Sequence[ManifestArray]:
    """Give all arrays the codec that knows the stored shapes of all of them."""
    chains = [codec_documents(array.metadata) for array in arrays]
    places = [1 if chain and chain[0]["name"] == "transpose" else 0 for chain in chains]
    shapes = dict.fromkeys(
        shape
        for chain, place in zip(chains, places, strict=True)
        for shape in _cropped_shapes(chain[place])
    )
    if not shapes or not _can_be_told_apart(list(shapes)):
        return arrays
    result = []
    for array, chain, place in zip(arrays, chains, places, strict=True):
        codecs = [*chain[:place], _crop_of(chain[place], list(shapes)), *chain[place + 1 :]]
        metadata = changed_metadata(array.metadata, codecs=codecs)
        result.append(array.replaced(metadata, array.manifest))
    return result


def _with_empty_ones(arrays: Sequence[ManifestArray], axis: int) -> list[ManifestArray]:
    """Give arrays of which nothing is stored the chunks of the others beside `axis`."""
    stored = next((array for array in arrays if not is_empty(array)), None)
    if stored is None:
        return list(arrays)
    return [_as_beside(array, stored, axis) if is_empty(array) else array for array in arrays]


def _as_beside(array: ManifestArray, model: ManifestArray, axis: int) -> ManifestArray:
    sides = [one.shape[:axis] + one.shape[axis + 1 :] for one in (array, model)]
    if sides[0] != sides[1]:
        return array
    lengths = tuple(
        array.chunk_lengths[i] if i == axis else length for i, length in _lengths(model)
    )
    metadata = changed_metadata(array.metadata, chunk_lengths=lengths)
    return array.replaced(metadata, ChunkManifest.empty(grid_shape_of(array.shape, lengths)))
