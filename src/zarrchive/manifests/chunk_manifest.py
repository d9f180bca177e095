"""The chunk manifest: where the encoded bytes of each chunk of one array lie."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple, Self, TypeAlias

import numpy as np

from zarrchive.errors import ManifestError, Problem
from zarrchive.location.identity import SourceFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy.typing as npt

__all__ = [
    "FIRST_PATH",
    "INLINE",
    "MISSING",
    "ChunkEntry",
    "ChunkIndex",
    "ChunkManifest",
    "InlineChunk",
    "StoredChunks",
]

ChunkIndex: TypeAlias = tuple[int, ...]

MISSING: Final = 0
"""`path_id` of a chunk that is not stored: it reads as the fill value."""
INLINE: Final = 1
"""`path_id` of a chunk whose bytes are row `offset` of `ChunkManifest.inlined`."""
FIRST_PATH: Final = 2
"""`path_id` of the first row of the path table."""

_SMALL_GRID: Final = 4096
"""Grids up to this many chunks are always held densely."""
_MAX_CHUNKS: Final = 2**62


@dataclass(frozen=True, slots=True)
class ChunkEntry:
    """The byte range of one encoded chunk."""

    url: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class InlineChunk:
    """An encoded chunk that the manifest itself holds."""

    data: bytes


class StoredChunks(NamedTuple):
    """The chunks that exist, in C order of the grid, as columns of one length."""

    position: npt.NDArray[np.uint64]
    """Flat index in the chunk grid, C order, strictly increasing."""
    path_id: npt.NDArray[np.uint32]
    """`INLINE`, or `FIRST_PATH` + row of the path table."""
    offset: npt.NDArray[np.uint64]
    """Byte offset in the file; row of `inlined` where the chunk is inline."""
    length: npt.NDArray[np.uint32] | npt.NDArray[np.uint64]
    """Encoded size in bytes."""


@dataclass(frozen=True, eq=False, repr=False)
class ChunkManifest:
    """An immutable grid of chunk entries, held as a struct of arrays.

    Built by `from_columns`, `from_entries`, `regular` or `empty`, which put it into
    canonical form, so that equal manifests have equal columns: files are interned in sorted
    order without unused rows, missing chunks are all zero, and a grid that is mostly
    missing keeps only its stored chunks, with their positions.
    """

    grid_shape: tuple[int, ...]
    """Number of chunks along each dimension."""
    files: tuple[SourceFile, ...]
    """Path table: sorted, each row used."""
    inlined: tuple[bytes, ...]
    """Bytes of the inline chunks: sorted, each used."""
    positions: npt.NDArray[np.uint64] | None
    """Flat indices of the stored chunks where the grid is sparse; None where it is dense."""
    path_id: npt.NDArray[np.uint32]
    """Shape `grid_shape` (dense) or that of `positions` (sparse)."""
    offset: npt.NDArray[np.uint64]
    """Bytes; same shape as `path_id`."""
    length: npt.NDArray[np.uint32] | npt.NDArray[np.uint64]
    """Bytes; same shape as `path_id`; 64 bits wide only where a chunk needs it."""

    def __post_init__(self) -> None:
        for column in (self.positions, self.path_id, self.offset, self.length):
            if column is not None:
                column.flags.writeable = False

    @classmethod
    def from_columns(  # noqa: PLR0913 - these are the columns of the table
        cls,
        grid_shape: tuple[int, ...],
        *,
        files: Sequence[SourceFile],
        path_id: npt.ArrayLike,
        offset: npt.ArrayLike,
        length: npt.ArrayLike,
        positions: npt.ArrayLike | None = None,
        inlined: Sequence[bytes] = (),
    ) -> Self:
        """Build a manifest from whole columns; the arrays are copied only where they must be.

        Parameters
        ----------
        grid_shape
            Number of chunks along each dimension.
        files
            Path table; rows may repeat or be unused.
        path_id, offset, length
            Shape `grid_shape`, or flat in the order of `positions`.
        positions
            Flat C-order indices of the stored chunks, in any order, without repetition.
            Chunks that are not named are missing. None: the columns cover the grid.
        inlined
            Bytes of inline chunks; `offset` of an inline chunk is its row here.

        Raises
        ------
        ManifestError
            ``manifest-shape-mismatch``, ``manifest-position``, ``manifest-path-id``,
            ``manifest-grid-too-large`` or ``manifest-negative``.
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
        offsets, blobs = _interned_bytes(ids, offsets, inlined)
        return _stored_as_fits(cls, grid_shape, table, blobs, where, ids, offsets, lengths)

    @classmethod
    def from_entries(
        cls,
        entries: Mapping[ChunkIndex, ChunkEntry | InlineChunk],
        *,
        grid_shape: tuple[int, ...],
        files: Sequence[SourceFile] = (),
    ) -> Self:
        """Build a manifest from a sparse mapping; absent indices are missing chunks.

        `files` gives the identities of URLs; a URL that it does not name has none.
        """
        table = {file.url: file for file in files}
        for entry in entries.values():
            if isinstance(entry, ChunkEntry):
                table.setdefault(entry.url, SourceFile(entry.url))
        row = {url: FIRST_PATH + i for i, url in enumerate(table)}
        blobs = [entry.data for entry in entries.values() if isinstance(entry, InlineChunk)]
        strides = [prod(grid_shape[axis + 1 :]) for axis in range(len(grid_shape))]
        columns: list[tuple[int, int, int, int]] = []
        n_inline = 0
        for index, entry in entries.items():
            _check_index(index, grid_shape)
            position = sum(i * stride for i, stride in zip(index, strides, strict=True))
            if isinstance(entry, InlineChunk):
                columns.append((position, INLINE, n_inline, len(entry.data)))
                n_inline += 1
            else:
                columns.append((position, row[entry.url], entry.offset, entry.length))
        position, path_id, offset, length = zip(*columns, strict=True) if columns else [()] * 4
        return cls.from_columns(
            grid_shape,
            files=tuple(table.values()),
            inlined=blobs,
            positions=np.asarray(position, dtype=object),
            path_id=np.asarray(path_id, dtype=object),
            offset=np.asarray(offset, dtype=object),
            length=np.asarray(length, dtype=object),
        )

    @classmethod
    def empty(cls, grid_shape: tuple[int, ...]) -> Self:
        """Build a manifest in which every chunk is missing; costs nothing, however large."""
        none = np.zeros(0, dtype=np.uint64)
        return cls.from_columns(
            grid_shape, files=(), path_id=none, offset=none, length=none, positions=none
        )

    @property
    def size(self) -> int:
        """Number of chunks of the grid, stored or not."""
        return prod(self.grid_shape)

    @property
    def nrefs(self) -> int:
        """Number of chunks that lie in a file."""
        return int(np.count_nonzero(self.path_id >= FIRST_PATH))

    @property
    def ninlined(self) -> int:
        """Number of chunks that the manifest itself holds."""
        return int(np.count_nonzero(self.path_id == INLINE))

    @property
    def nstored(self) -> int:
        """Number of chunks that exist, in a file or inline."""
        return int(np.count_nonzero(self.path_id))

    @property
    def nbytes(self) -> int:
        """Memory of the columns and of the inline chunks, in bytes (without the path table)."""
        columns = (self.path_id, self.offset, self.length, self.positions)
        return sum(c.nbytes for c in columns if c is not None) + sum(map(len, self.inlined))

    def __getitem__(self, index: ChunkIndex) -> ChunkEntry | InlineChunk | None:
        """Return the entry at `index`, or None if that chunk is not stored."""
        _check_index(index, self.grid_shape)
        at: ChunkIndex | int = index
        if self.positions is not None:
            flat = int(np.ravel_multi_index(index, self.grid_shape))
            at = int(np.searchsorted(self.positions, np.uint64(flat)))
            if at == self.positions.size or int(self.positions[at]) != flat:
                return None
        path_id = int(self.path_id[at])
        if path_id == MISSING:
            return None
        if path_id == INLINE:
            return InlineChunk(self.inlined[int(self.offset[at])])
        file = self.files[path_id - FIRST_PATH]
        return ChunkEntry(file.url, int(self.offset[at]), int(self.length[at]))

    def stored(self) -> StoredChunks:
        """Return the chunks that exist as flat columns, in C order of the grid."""
        if self.positions is not None:
            return StoredChunks(self.positions, self.path_id, self.offset, self.length)
        ids = self.path_id.reshape(-1)
        position = np.flatnonzero(ids).astype(np.uint64)
        if position.size == ids.size:
            return StoredChunks(position, ids, self.offset.reshape(-1), self.length.reshape(-1))
        offset, length = self.offset.reshape(-1)[position], self.length.reshape(-1)[position]
        return StoredChunks(position, ids[position], offset, length)

    def entries(self) -> Iterator[tuple[ChunkIndex, ChunkEntry | InlineChunk]]:
        """Iterate over the stored chunks in C order; for looking at, not for bulk work."""
        for position in self.stored().position.tolist():
            index = tuple(map(int, np.unravel_index(position, self.grid_shape)))
            entry = self[index]
            if entry is not None:
                yield index, entry

    def map_files(self, rename: Callable[[SourceFile], SourceFile]) -> Self:
        """Return the manifest with every row of the path table replaced; cost: one call a file."""
        return type(self).from_columns(
            self.grid_shape,
            files=[rename(file) for file in self.files],
            path_id=self.path_id,
            offset=self.offset,
            length=self.length,
            positions=self.positions,
            inlined=self.inlined,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ChunkManifest):
            return NotImplemented
        mine, theirs = (
            [m.path_id, m.offset, m.length, () if m.positions is None else m.positions]
            for m in (self, other)
        )
        return (
            self.grid_shape == other.grid_shape
            and self.files == other.files
            and self.inlined == other.inlined
            and all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))
        )

    def __repr__(self) -> str:
        grid = " x ".join(map(str, self.grid_shape)) or "scalar"
        return (
            f"<ChunkManifest {grid}: {self.nrefs} references to {len(self.files)} files, "
            f"{self.ninlined} inlined, {self.size - self.nstored} missing>"
        )


def _unsigned(
    values: npt.ArrayLike, dtype: np.dtype[np.uint32] | np.dtype[np.uint64] | None, name: str
) -> npt.NDArray[np.uint32] | npt.NDArray[np.uint64]:
    """Return `values` as unsigned integers (32 or 64 bits as needed where `dtype` is None)."""
    column = np.asarray(values)
    needs_check = column.size and (column.dtype == object or column.dtype.kind != "u")
    low, high = (column.min(), column.max()) if needs_check else (0, 0)
    if low < 0 or high >= 2**64:
        raise ManifestError(
            Problem(
                code="manifest-negative",
                where="ChunkManifest",
                what=f"{name} must lie in 0..2**64, found {low if low < 0 else high}",
                hint="report the file to the reader's authors: it computed a wrong byte range",
            )
        )
    if dtype is None:
        wide = column.size and int(column.max()) >= 2**32
        dtype = np.dtype(np.uint64) if wide else np.dtype(np.uint32)
    return np.asarray(column, dtype=dtype)


def _check_index(index: ChunkIndex, grid_shape: tuple[int, ...]) -> None:
    inside = len(index) == len(grid_shape) and all(
        0 <= i < n for i, n in zip(index, grid_shape, strict=False)
    )
    if not inside:
        raise IndexError(f"chunk {index} lies outside the grid of {grid_shape} chunks")


def _check_shapes(
    grid_shape: tuple[int, ...],
    ids: npt.NDArray[np.uint32],
    offsets: npt.NDArray[np.uint64],
    lengths: npt.NDArray[np.uint64],
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
    expected = tuple(grid_shape) if positions is None else positions.shape
    shapes = {ids.shape, offsets.shape, lengths.shape}
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
    highest = int(ids.max()) if ids.size else 0
    inline_rows = offsets[ids == INLINE]
    if highest >= FIRST_PATH + n_files or (inline_rows.size and inline_rows.max() >= n_inlined):
        raise ManifestError(
            Problem(
                code="manifest-path-id",
                where="ChunkManifest",
                what=f"a chunk names row {highest - FIRST_PATH} of {n_files} files, or an inline "
                f"row beyond {n_inlined}",
                hint="give the path table that belongs to the columns",
            )
        )


def _sorted_stored(
    size: int,
    positions: npt.NDArray[np.uint64],
    ids: npt.NDArray[np.uint32],
    offsets: npt.NDArray[np.uint64],
    lengths: npt.NDArray[np.uint64],
) -> tuple[npt.NDArray[np.uint64], ...]:
    """Sort the columns by position and leave out missing chunks."""
    columns = [positions, ids, offsets, lengths]
    if not ids.all():
        columns = [column[ids != MISSING] for column in columns]
    steps = np.diff(columns[0].astype(np.int64))
    if (steps <= 0).any():
        order = np.argsort(columns[0], kind="stable")
        columns = [column[order] for column in columns]
        steps = np.diff(columns[0].astype(np.int64))
    if (steps == 0).any() or (columns[0].size and int(columns[0][-1]) >= size):
        raise ManifestError(
            Problem(
                code="manifest-position",
                where="ChunkManifest",
                what=f"positions must be distinct and below {size}",
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
    ids: npt.NDArray[np.uint32], offsets: npt.NDArray[np.uint64], blobs: Sequence[bytes]
) -> tuple[npt.NDArray[np.uint64], tuple[bytes, ...]]:
    """Return the offsets and the inline chunks in canonical order."""
    is_missing = ids == MISSING
    if not blobs and not offsets[is_missing].any():
        return offsets, ()
    is_inline = ids == INLINE
    used = {blobs[row] for row in set(offsets[is_inline].tolist())}
    table = tuple(sorted(used))
    new_row = {blob: row for row, blob in enumerate(table)}
    mapping = np.array([new_row.get(blob, 0) for blob in blobs], dtype=np.uint64)
    offsets = offsets.copy()
    if table:
        offsets[is_inline] = mapping[offsets[is_inline]]
    offsets[is_missing] = 0
    return offsets, table


def _stored_as_fits(  # noqa: PLR0913 - the columns of the table
    cls: type[ChunkManifest],
    grid_shape: tuple[int, ...],
    files: tuple[SourceFile, ...],
    inlined: tuple[bytes, ...],
    positions: npt.NDArray[np.uint64] | None,
    ids: npt.NDArray[np.uint32],
    offsets: npt.NDArray[np.uint64],
    lengths: npt.NDArray[np.uint64],
) -> ChunkManifest:
    """Hold the columns densely or sparsely: a rule of the counts alone, so that it is canonical."""
    size = prod(grid_shape)
    nstored = int(np.count_nonzero(ids))
    # A stored chunk costs 24 bytes with its position; a grid cell costs 16 without.
    sparse = size > _SMALL_GRID and 3 * nstored < 2 * size
    if positions is None and sparse:
        positions = np.flatnonzero(ids).astype(np.uint64)
        ids, offsets, lengths = (c.reshape(-1)[positions] for c in (ids, offsets, lengths))
    elif positions is not None and not sparse:
        columns = []
        for column in (ids, offsets, lengths):
            grid = np.zeros(size, dtype=column.dtype)
            grid[positions] = column
            columns.append(grid.reshape(grid_shape))
        ids, offsets, lengths = columns
        positions = None
    elif positions is None and nstored < size:
        lengths = np.where(ids == MISSING, np.zeros((), lengths.dtype), lengths)
    if lengths.dtype == np.uint64 and (not lengths.size or int(lengths.max()) < 2**32):
        lengths = lengths.astype(np.uint32)
    return cls(
        grid_shape=tuple(grid_shape),
        files=files,
        inlined=inlined,
        positions=positions,
        path_id=ids,
        offset=offsets,
        length=lengths,
    )
