"""One chain of codecs for arrays to be joined: those whose chunks skipped a filter have another."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any, NamedTuple

from zarr.abc.codec import BytesBytesCodec

from zarrchive.codecs.skipped import told_by_length, told_in
from zarrchive.manifests._zarr import chunk_shape_of, codec_documents
from zarrchive.manifests.compare import codecs_decode_alike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.codecs.skipped import ToldByLength
    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["joint_codecs"]


class _Kind(NamedTuple):
    first: list[dict[str, Any]]
    """Codecs up to the one that makes bytes of elements."""
    codecs: list[dict[str, Any]]
    """Codecs of bytes, as documents."""
    arrays: list[ManifestArray]


def joint_codecs(arrays: Sequence[ManifestArray]) -> list[dict[str, Any]] | None:
    """Return the codecs, as documents, with which all chunks of `arrays` decode as they are.

    They are those of the first array, unless optional filters were skipped in some chunks of
    one array, and in others or none of another. None where there are no such codecs.
    """
    kinds = _kinds(arrays)
    if len(kinds) == 1:
        return kinds[0].first + kinds[0].codecs
    first = kinds[0].first
    if not all(array.is_regular for array in arrays):
        return None  # what tells them apart is the length of a chunk
    if any(kind.first != first for kind in kinds):
        return None
    try:
        for told in _candidates(kinds, _chunk_nbytes(arrays[0])):
            if all(_decodes(told, kind) for kind in kinds):
                return [*first, *map(dict, told.codecs)]
    except (ValueError, TypeError, KeyError):
        return None  # codecs of others, which numcodecs does not have
    return None


def _kinds(arrays: Sequence[ManifestArray]) -> list[_Kind]:
    """Sort arrays by their codecs."""
    kinds: list[_Kind] = []
    for array in arrays:
        for kind in kinds:
            if codecs_decode_alike(kind.arrays[0].metadata, array.metadata):
                kind.arrays.append(array)
                break
        else:
            documents = codec_documents(array.metadata)
            bytes_codecs = [isinstance(c, BytesBytesCodec) for c in array.metadata.codecs]
            place = bytes_codecs.index(True) if any(bytes_codecs) else len(documents)
            kinds.append(_Kind(documents[:place], documents[place:], [array]))
    return kinds


def _candidates(kinds: list[_Kind], nbytes: int) -> list[ToldByLength]:
    """Return chains that decode some kinds of chunks: those of arrays, and those of two."""
    found = [told_in(kind.codecs, nbytes) for kind in kinds]
    pairs = permutations(kinds, 2)
    found += [told_by_length(applied.codecs, skipped.codecs, nbytes) for applied, skipped in pairs]
    return [told for told in found if told is not None]


def _decodes(told: ToldByLength, kind: _Kind) -> bool:
    return all(told.decodes(kind.codecs, array.manifest.stored().length) for array in kind.arrays)


def _chunk_nbytes(array: ManifestArray) -> int:
    size = array.dtype.itemsize
    for length in chunk_shape_of(array.metadata):
        size *= length
    return size
