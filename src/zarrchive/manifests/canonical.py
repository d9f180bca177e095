"""The canonical form of chunk columns: checked, interned, and held densely or sparsely."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from zarrchive.errors import ManifestError, Problem
from zarrchive.location.identity import SourceFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["FIRST_PATH", "INLINE", "MISSING", "Columns", "canonical"]

MISSING: Final = 0
"""`path_id` of a chunk that is not stored: it reads as the fill value."""
INLINE: Final = 1
"""`path_id` of a chunk whose bytes are row `offset` of `ChunkManifest.inlined`."""
FIRST_PATH: Final = 2
"""`path_id` of the first row of the path table."""

_SMALL_GRID: Final = 4096
"""Grids up to this many chunks are always held densely."""
_MAX_CHUNKS: Final = 2**62


class Columns(NamedTuple):
    """The chunks of a grid as a struct of arrays; see `ChunkManifest` for the fields."""

    files: tuple[SourceFile, ...]
    inlined: tuple[bytes, ...]
    positions: npt.NDArray[np.uint64] | None
    path_id: npt.NDArray[np.uint32]
    offset: npt.NDArray[np.uint64]
    length: npt.NDArray[np.uint32] | npt.NDArray[np.uint64]


def canonical(  # noqa: PLR0913 - these are the columns of the table
    grid_shape: tuple[int, ...],
    *,
    files: Sequence[SourceFile],
    inlined: Sequence[bytes],
    positions: npt.ArrayLike | None,
    path_id: npt.ArrayLike,
    offset: npt.ArrayLike,
    length: npt.ArrayLike,
) -> Columns:
    """Bring columns into the one form that equal manifests share.

    Cost: a few passes over the columns, one dictionary entry a file; nothing per chunk runs
    in Python. `ChunkManifest.from_columns` says what the parameters are and what is raised.
    """
    ids = _unsigned(path_id, np.dtype(np.uint32), "path_id")
    offsets = _unsigned(offset, np.dtype(np.uint64), "offset")
    lengths = _unsigned(length, None, "length")
    where = None if positions is None else _unsigned(positions, np.dtype(np.uint64), "position")
    _check_shapes(grid_shape, ids, offsets, lengths, where)
    _check_ids(ids, offsets, n_files=len(files), n_inlined=len(inlined))
    if where is not None:
        where, ids, offsets, lengths = _sorted_stored(
            prod(grid_shape), where, ids, offsets, lengths
        )
    ids, table = _interned_files(ids, files)
    offsets, lengths, blobs = _interned_bytes(ids, offsets, lengths, inlined)
    return _held_as_fits(grid_shape, Columns(table, blobs, where, ids, offsets, lengths))


def _unsigned(
    values: npt.ArrayLike, dtype: np.dtype[np.uint32] | np.dtype[np.uint64] | None, name: str
) -> npt.NDArray[Any]:
    """Return `values` as unsigned integers (32 or 64 bits as needed where `dtype` is None)."""
    column = np.asarray(values)
    limit = 2**64 if dtype is None else 2 ** (8 * dtype.itemsize)
    if column.size and not (column.dtype.kind == "u" and 2 ** (8 * column.itemsize) <= limit):
        low, high = column.min(), column.max()
        if column.dtype.kind not in "uiO" or low < 0 or high >= limit:
            raise ManifestError(
                Problem(
                    code="manifest-negative",
                    where="ChunkManifest",
                    what=f"{name} must be integers in 0..{limit - 1}, found {column.dtype} from "
                    f"{low} to {high}",
                    hint="report the file to the reader's authors: it computed a wrong byte range",
                )
            )
    if dtype is None:
        wide = column.size and int(column.max()) >= 2**32
        dtype = np.dtype(np.uint64) if wide else np.dtype(np.uint32)
    return np.asarray(column, dtype=dtype)


def _check_shapes(
    grid_shape: tuple[int, ...],
    ids: npt.NDArray[np.uint32],
    offsets: npt.NDArray[np.uint64],
    lengths: npt.NDArray[Any],
    positions: npt.NDArray[np.uint64] | None,
) -> None:
    if prod(grid_shape) > _MAX_CHUNKS or any(n < 0 for n in grid_shape):
        raise ManifestError(
            Problem(
                code="manifest-grid-too-large",
                where="ChunkManifest",
                what=f"the chunk grid {grid_shape} has {prod(grid_shape)} chunks, "
                f"at most {_MAX_CHUNKS} can be addressed",
                hint="check the chunk shape that the file declares",
            )
        )
    expected = tuple(grid_shape) if positions is None else (positions.size,)
    shapes = {ids.shape, offsets.shape, lengths.shape}
    if positions is not None:
        shapes.add(positions.shape)
    if shapes != {expected}:
        raise ManifestError(
            Problem(
                code="manifest-shape-mismatch",
                where="ChunkManifest",
                what=f"columns must have shape {expected}, found {sorted(shapes)}",
                hint="build all columns on the same chunk grid",
            )
        )


def _check_ids(
    ids: npt.NDArray[np.uint32],
    offsets: npt.NDArray[np.uint64],
    *,
    n_files: int,
    n_inlined: int,
) -> None:
    row = int(np.max(ids)) - FIRST_PATH if ids.size else -1
    is_inline = ids == INLINE
    inline_row = int(offsets[is_inline].max()) if is_inline.any() else -1
    if row >= n_files or inline_row >= n_inlined:
        what = (
            f"a chunk names row {row} of a table of {n_files} files"
            if row >= n_files
            else f"a chunk names row {inline_row} of {n_inlined} inline chunks"
        )
        raise ManifestError(
            Problem(
                code="manifest-path-id",
                where="ChunkManifest",
                what=what,
                hint="give the path table and the inline chunks that belong to the columns",
            )
        )


def _sorted_stored(
    size: int,
    positions: npt.NDArray[np.uint64],
    ids: npt.NDArray[np.uint32],
    offsets: npt.NDArray[np.uint64],
    lengths: npt.NDArray[Any],
) -> tuple[npt.NDArray[Any], ...]:
    """Sort the columns by position and leave out missing chunks."""
    columns: list[npt.NDArray[Any]] = [positions, ids, offsets, lengths]
    if not ids.all():
        columns = [column[ids != MISSING] for column in columns]
    if not bool((columns[0][1:] > columns[0][:-1]).all()):
        order = np.argsort(columns[0], kind="stable")
        columns = [column[order] for column in columns]
    where = columns[0]
    if bool((where[1:] == where[:-1]).any()) or (where.size and int(where[-1]) >= size):
        raise ManifestError(
            Problem(
                code="manifest-position",
                where="ChunkManifest",
                what=f"positions must be distinct and below {size}, the largest of "
                f"{where.size} is {int(where[-1])}",
                hint="report the file to the reader's authors: two chunks claim one place",
            )
        )
    return tuple(columns)


def _interned_files(
    ids: npt.NDArray[np.uint32], files: Sequence[SourceFile]
) -> tuple[npt.NDArray[np.uint32], tuple[SourceFile, ...]]:
    """Return the ids and the path table in canonical order, without unused or repeated rows."""
    counts = np.bincount(ids.reshape(-1), minlength=FIRST_PATH + len(files))[FIRST_PATH:]
    used = {file for file, count in zip(files, counts.tolist(), strict=True) if count}
    table = tuple(sorted(used, key=SourceFile.sort_key))
    if table == tuple(files):
        return ids, table
    new_id = {file: FIRST_PATH + row for row, file in enumerate(table)}
    mapping = np.array([MISSING, INLINE, *(new_id.get(f, MISSING) for f in files)], dtype=np.uint32)
    return mapping[ids], table


def _interned_bytes(
    ids: npt.NDArray[np.uint32],
    offsets: npt.NDArray[np.uint64],
    lengths: npt.NDArray[Any],
    blobs: Sequence[bytes],
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[Any], tuple[bytes, ...]]:
    """Return offsets, lengths and the inline chunks in canonical order; missing ones are zero."""
    is_missing = ids == MISSING
    if is_missing.any():
        offsets = np.where(is_missing, np.uint64(0), offsets)
        lengths = np.where(is_missing, lengths.dtype.type(0), lengths)
    is_inline = ids == INLINE
    if not blobs or not is_inline.any():
        return offsets, lengths, ()
    rows = offsets[is_inline]
    table = tuple(sorted({blobs[row] for row in np.unique(rows).tolist()}))
    new_row = {blob: row for row, blob in enumerate(table)}
    mapping = np.array([new_row.get(blob, 0) for blob in blobs], dtype=np.uint64)
    sizes = np.array([len(blob) for blob in blobs], dtype=np.uint64)
    offsets, lengths = offsets.copy(), lengths.astype(np.uint64)
    offsets[is_inline] = mapping[rows]
    lengths[is_inline] = sizes[rows]
    return offsets, lengths, table


def _held_as_fits(grid_shape: tuple[int, ...], columns: Columns) -> Columns:
    """Hold the columns densely or sparsely: a rule of the counts alone, so that it is canonical."""
    files, blobs, positions, ids, offsets, lengths = columns
    size, nstored = prod(grid_shape), int(np.count_nonzero(ids))
    # A stored chunk costs 24 bytes with its position; a grid cell costs 16 without.
    sparse = size > _SMALL_GRID and 3 * nstored < 2 * size
    if lengths.dtype == np.uint64 and not (lengths.size and int(np.max(lengths)) >= 2**32):
        lengths = lengths.astype(np.uint32)
    parts: list[npt.NDArray[Any]] = [ids, offsets, lengths]
    if positions is None and sparse:
        positions = np.flatnonzero(ids).astype(np.uint64)
        parts = [part.reshape(-1)[positions] for part in parts]
    elif positions is not None and not sparse:
        grids: list[npt.NDArray[Any]] = [np.zeros(grid_shape, part.dtype) for part in parts]
        for grid, part in zip(grids, parts, strict=True):
            grid.reshape(-1)[positions] = part
        parts, positions = grids, None
    ids, offsets, lengths = (_owned(part) for part in parts)
    where = None if positions is None else _owned(positions)
    return Columns(files, blobs, where, ids, offsets, lengths)


def _owned(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a contiguous array that owns its memory: a view could be written through its base."""
    # Indexing with a 0-d array yields a scalar, which has no memory of its own.
    column = np.asarray(column)
    return column if column.flags.owndata and column.flags.c_contiguous else column.copy(order="C")
