"""Cutting chunks of uncompressed data: each new chunk is a byte range of a stored one."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from zarrchive.errors import ManifestError
from zarrchive.manifests._zarr import changed_metadata, codec_documents
from zarrchive.manifests.canonical import INLINE, MISSING
from zarrchive.manifests.chunk_manifest import ChunkManifest
from zarrchive.manifests.rearrange import taken
from zarrchive.manifests.refusals import problem_of_cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["MOST_REFERENCES", "Pieces", "cut", "is_empty", "is_raw", "is_too_fine"]

MOST_REFERENCES: Final = 10_000_000
"""Chunks that cutting may make of one array: more are slower to read than what they save."""
_SMALL: Final = 128
"""Bytes of a chunk below which its reference takes about as much."""
_MOST_SMALL: Final = 100_000
"""So many of these are no burden all the same."""


class Pieces(NamedTuple):
    """New chunks along one axis; each lies within one stored chunk."""

    firsts: range | npt.NDArray[np.int64]
    """The first element of each, in the array that is cut."""
    length: int
    """Elements of each, as stored."""
    size: int
    """Elements along the axis afterwards; the last chunk may be longer."""


def is_raw(array: ManifestArray) -> bool:
    """Whether each stored chunk is its elements, one behind the other in C order."""
    names = [document["name"] for document in codec_documents(array.metadata)]
    if names != ["bytes"] or array.dtype.hasobject or array.dtype.kind == "T":
        return False
    if not array.is_regular:
        return False  # its chunks have no one number of bytes
    nbytes = prod(array.chunk_shape) * array.itemsize
    manifest = array.manifest
    return not bool(((manifest.path_id != MISSING) & (manifest.length != nbytes)).any())


def is_empty(array: ManifestArray) -> bool:
    """Whether no chunk is stored at all, so that neither chunk shape nor codecs matter."""
    return not (array.manifest.files or array.manifest.inlined)


def is_too_fine(count: int, nbytes: int) -> bool:
    """Whether `count` chunks of `nbytes` bytes are more references than they are worth."""
    return count > (MOST_REFERENCES if nbytes >= _SMALL else _MOST_SMALL)


def cut(array: ManifestArray, pieces: Sequence[Pieces]) -> ManifestArray:
    """Make new chunks of parts of the chunks of a raw array; nothing is read.

    Parameters
    ----------
    array
        One for which `is_raw` is true.
    pieces
        For each axis. All before the last axis that is cut have length 1, so that every piece
        is one range of bytes.

    Raises
    ------
    ManifestError
        ``cut-too-fine`` if that takes more references than they are worth.
    """
    lengths = [axis.length for axis in pieces]
    count = prod(len(axis.firsts) for axis in pieces)
    if is_too_fine(count, prod(lengths) * array.itemsize):
        raise ManifestError(problem_of_cut(array, lengths, count))
    chunks: list[npt.NDArray[np.int64]] = []
    starts: list[npt.NDArray[np.int64]] = []
    for axis, (piece, chunk) in enumerate(zip(pieces, array.chunk_shape, strict=True)):
        number, within = np.divmod(np.asarray(piece.firsts, dtype=np.int64), chunk)
        chunks.append(number)
        starts.append(within * (prod(array.chunk_shape[axis + 1 :]) * array.itemsize))
    manifest = taken(array.manifest, chunks)
    shape = [axis.size for axis in pieces]
    return array.replaced(
        changed_metadata(array.metadata, shape=shape, chunk_lengths=lengths),
        _narrowed(manifest, starts, prod(lengths) * array.itemsize),
    )


def _narrowed(
    manifest: ChunkManifest, starts: Sequence[npt.NDArray[np.int64]], nbytes: int
) -> ChunkManifest:
    """Keep `nbytes` bytes of each chunk, from the sum of `starts` along all axes on."""
    stored = manifest.stored()
    at = np.zeros(stored.position.size, dtype=np.int64)
    if at.size:
        places = np.unravel_index(stored.position.astype(np.int64), manifest.grid_shape)
        for start, place in zip(starts, places, strict=True):
            at += start[place]
    offset = stored.offset + at.astype(np.uint64)
    blobs: list[bytes] = []
    is_inline = stored.path_id == INLINE
    if is_inline.any():
        pairs = np.stack([stored.offset[is_inline].astype(np.int64), at[is_inline]])
        parts, rows = np.unique(pairs, axis=1, return_inverse=True)
        blobs = [manifest.inlined[row][begin : begin + nbytes] for row, begin in parts.T.tolist()]
        offset[is_inline] = rows.reshape(-1).astype(np.uint64)
    return ChunkManifest.from_columns(
        manifest.grid_shape,
        files=manifest.files,
        inlined=blobs,
        positions=stored.position,
        path_id=stored.path_id,
        offset=offset,
        length=np.full(at.size, nbytes, dtype=np.uint64),
    )
