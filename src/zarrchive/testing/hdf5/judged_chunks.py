"""Byte ranges of one dataset: those that HDF5 uses, and how those of a reader differ."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from h5py import h5d

from zarrchive.manifests.chunk_manifest import FIRST_PATH, InlineChunk

if TYPE_CHECKING:
    from collections.abc import Iterator

    import h5py
    import numpy.typing as npt

    from zarrchive.manifests import ManifestArray

__all__ = ["chunk_differences", "suspects"]

_MOST_ASKED: Final = 2000
"""Chunks of one dataset that are looked up one by one."""
_MOST_SUSPECTS: Final = 16


def chunk_differences(dataset: h5py.Dataset, array: ManifestArray) -> Iterator[str]:
    """Yield what differs between the references of `array` and the storage of `dataset`.

    Both are of one file. Inline chunks are for the comparison of values.
    """
    manifest = array.manifest
    if not manifest.nrefs:
        return
    layout = dataset.id.get_create_plist().get_layout()
    if layout == h5d.CONTIGUOUS:
        yield from _contiguous(dataset, array)
    elif layout == h5d.CHUNKED:
        yield from _chunked(dataset, array)


def suspects(dataset: h5py.Dataset, array: ManifestArray) -> list[tuple[int, ...]]:
    """Return chunks that reading finds elsewhere, or that only one side has.

    Reading looks each chunk up by its index. That is right where what HDF5 lists is wrong, and
    in a damaged index it may find other chunks than are listed.
    """
    rank = len(dataset.chunks or ())
    grid = array.manifest.grid_shape
    if not rank or array.chunk_shape[:rank] != dataset.chunks or not array.manifest.nrefs:
        return []
    n_asked = min(array.manifest.size, _MOST_ASKED)
    stored = array.manifest.stored().position.astype(np.int64)
    picks = np.linspace(0, array.manifest.size - 1, n_asked).astype(np.int64)
    if len(stored) <= _MOST_ASKED < array.manifest.size:
        picks = np.union1d(picks[:: max(1, len(stored) // 100)], stored)
    found: list[tuple[int, ...]] = []
    with open(dataset.file.filename, "rb") as file:  # noqa: PTH123 - a name as h5py has it
        for position in picks.tolist():
            index = tuple(int(i) for i in np.unravel_index(position, grid))
            entry = array.manifest[index]
            if isinstance(entry, InlineChunk):
                continue
            mine = None
            if entry is not None:
                file.seek(entry.offset)
                mine = file.read(entry.length)
            if mine != _looked_up(dataset, index[:rank]):
                found.append(index[:rank])
            if len(found) == _MOST_SUSPECTS:
                break
    return found


def _looked_up(dataset: h5py.Dataset, index: tuple[int, ...]) -> bytes | None:
    start = tuple(i * n for i, n in zip(index, dataset.chunks, strict=True))
    try:
        _, data = dataset.id.read_direct_chunk(start)
    except (RuntimeError, OSError, MemoryError):  # how h5py says that there is none
        return None
    return bytes(data)


def _contiguous(dataset: h5py.Dataset, array: ManifestArray) -> Iterator[str]:
    """Compare with the one block of bytes; a reader may split it at whole rows."""
    stored = array.manifest.stored()
    itemsize = np.uint64(array.dtype.itemsize)
    start = dataset.id.get_offset()
    if start is None:
        yield f"{len(stored.position)} chunks of a dataset without storage"
        return
    index = np.unravel_index(stored.position.astype(np.int64), array.manifest.grid_shape or (1,))
    element = np.zeros(len(stored.position), dtype=np.uint64)
    for axis, numbers in enumerate(index[: array.ndim]):
        row = array.chunk_shape[axis] * prod(array.shape[axis + 1 :])
        element += numbers.astype(np.uint64) * np.uint64(row)
    expected = np.uint64(start) + element * itemsize
    if not np.array_equal(expected, stored.offset):
        yield f"offsets {stored.offset[:5]}, HDF5 has {expected[:5]} (first five)"
    ends = stored.offset + stored.length
    if (ends > np.uint64(start + dataset.id.get_storage_size())).any():
        yield "a chunk passes the end of the data"


def _chunked(dataset: h5py.Dataset, array: ManifestArray) -> Iterator[str]:
    rank = len(dataset.chunks)
    if array.chunk_shape[:rank] != dataset.chunks:
        yield f"chunks of {array.chunk_shape}, HDF5 has {dataset.chunks}"
        return
    theirs = _table(dataset)
    grid = array.manifest.grid_shape[:rank]
    inside = (theirs["index"] < np.array(grid)).all(axis=1)
    stored = array.manifest.stored()
    is_reference = stored.path_id >= FIRST_PATH
    if _is_misreported(dataset):
        if len(stored.position) != len(theirs):
            yield f"{len(stored.position)} chunks, HDF5 has {len(theirs)}"
        for index in suspects(dataset, array):
            yield f"chunk {index} is not where HDF5 finds it"
        return
    theirs = theirs[inside]
    position = np.ravel_multi_index(tuple(theirs["index"].T), grid).astype(np.uint64)
    order = np.argsort(position, kind="stable")
    theirs, position = theirs[order], position[order]
    if (position[1:] == position[:-1]).any():
        return  # a damaged index: values decide
    if not np.array_equal(position, stored.position):
        only = [_few(stored.position, position), _few(position, stored.position)]
        yield f"chunks at {only[0]}, HDF5 has {only[1]} (of the C order of the grid)"
        return
    for column, mine in (("offset", stored.offset), ("length", stored.length)):
        wrong = is_reference & (theirs[column] != mine)
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            yield (
                f"{column} of {int(wrong.sum())} chunks, first at {theirs['index'][at]}: "
                f"{mine[at]}, HDF5 has {theirs[column][at]}"
            )


def _table(dataset: h5py.Dataset) -> npt.NDArray[Any]:
    found = [(info.chunk_offset, info.byte_offset, info.size) for info in _infos(dataset)]
    rank = len(dataset.chunks)
    row = [("index", np.int64, (rank,)), ("offset", np.uint64), ("length", np.uint64)]
    table = np.array(found, dtype=row)
    table["index"] //= np.array(dataset.chunks)
    return table


def _infos(dataset: h5py.Dataset) -> list[Any]:
    infos: list[Any] = []
    dataset.id.chunk_iter(infos.append)
    return infos


def _is_misreported(dataset: h5py.Dataset) -> bool:
    """Say whether HDF5 2.0 may report wrong places: one unlimited dimension, not the first."""
    return dataset.maxshape.count(None) == 1 and dataset.maxshape[0] is not None


def _few(mine: npt.NDArray[np.uint64], theirs: npt.NDArray[np.uint64]) -> list[int]:
    """Return the first positions that only one side has."""
    only: list[int] = np.setdiff1d(mine, theirs)[:5].tolist()
    return only
