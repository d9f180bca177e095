"""The chunk manifest: where the encoded bytes of each chunk of one array lie."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from zarrchive.location.identity import SourceFile
from zarrchive.manifests.canonical import FIRST_PATH, INLINE, MISSING, canonical
from zarrchive.manifests.chunk_entries import (
    ChunkEntry,
    ChunkIndex,
    InlineChunk,
    StoredChunks,
    check_index,
)
from zarrchive.manifests.parts import columns_of, table_of
from zarrchive.manifests.shared_columns import first_path, one_inline

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


@dataclass(frozen=True, eq=False, repr=False)
class ChunkManifest:
    """An immutable grid of chunk entries, held as a struct of arrays.

    Built by `from_columns`, `from_entries` or `empty`, which put it into canonical form,
    so that equal manifests have equal columns: files are interned in sorted order without
    unused rows, missing chunks are all zero, and a grid that is mostly missing keeps only its
    stored chunks, with their positions.
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
        """Build a manifest from whole columns.

        Arrays that already have the right type and own their memory are taken over and
        become read-only; everything else is copied.

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
            ``manifest-grid-too-large`` or ``manifest-negative`` (also: too large, no integer).
        """
        columns = canonical(
            grid_shape,
            files=files,
            inlined=inlined,
            positions=positions,
            path_id=path_id,
            offset=offset,
            length=length,
        )
        made = cls(tuple(grid_shape), *columns)
        if len(made.files) == 1 and made.positions is None and made.path_id.min() == FIRST_PATH:
            made.__dict__["_is_of_one_file"] = True
        return made

    @classmethod
    def of_file(
        cls,
        grid_shape: tuple[int, ...],
        file: SourceFile,
        *,
        offset: npt.NDArray[np.uint64],
        length: npt.NDArray[np.uint32] | npt.NDArray[np.uint64],
    ) -> Self:
        """Build a manifest in which one file holds every chunk; nothing is copied.

        Parameters
        ----------
        grid_shape
            Number of chunks along each dimension.
        offset, length
            Bytes, flat, in C order of the whole grid. They are taken over, and become
            read-only; memory that something else may write to must not be given.

        Raises
        ------
        ManifestError
            ``manifest-shape-mismatch`` if there is not one entry for each chunk.
        """
        size = prod(grid_shape)
        if offset.size != size or length.size != size or not size:
            files, ids = (file,), np.full(offset.shape, FIRST_PATH, dtype=np.uint32)
            where = np.arange(size, dtype=np.uint64)
            return cls.from_columns(
                grid_shape, files=files, path_id=ids, offset=offset, length=length, positions=where
            )
        if length.dtype == np.uint64 and int(length.max()) < 2**32:
            length = length.astype(np.uint32)
        offset.flags.writeable = length.flags.writeable = False
        made = object.__new__(cls)  # of columns that are in order; thousands for a file
        made.__dict__.update(
            grid_shape=grid_shape,
            files=(file,),
            inlined=(),
            positions=None,
            path_id=first_path(grid_shape),
            offset=offset.reshape(grid_shape),
            length=length.reshape(grid_shape),
            _is_of_one_file=True,
        )
        return made

    @classmethod
    def of_parts(cls, grid_shape: tuple[int, ...], parts: Sequence[ChunkManifest]) -> Self:
        """Build a manifest of others that follow one another in C order of the grid.

        The columns are put together when one of them is asked for, not before: what is joined
        again, or only counted, costs no copy.

        Parameters
        ----------
        grid_shape
            Number of chunks along each dimension; all of them are in `parts`.
        parts
            At least one; each as `parts` returns it, and not empty.
        """
        made = object.__new__(cls)
        table = table_of(parts)
        fields = {"grid_shape": grid_shape, "files": table.files, "inlined": (), "positions": None}
        made.__dict__.update(fields, _parts=tuple(parts), _path_ids=table.path_ids)
        return made

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a column
        if name not in {"path_id", "offset", "length"}:
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        self.put_together()
        return self.__dict__[name]

    def put_together(self) -> None:
        """Make the columns of a manifest of parts, which are forgotten."""
        parts = self.__dict__.get("_parts")
        if parts is not None:  # otherwise another thread has just done it
            ids = self.__dict__["_path_ids"]
            self.__dict__.update(columns_of(parts, ids, self.grid_shape))
            self.__dict__.pop("_parts", None)

    def parts(self) -> tuple[ChunkManifest, ...] | None:
        """Return the manifest as parts that follow one another, of one file each; None: it is none.

        Nothing is copied. A manifest is one part where one file holds all of its chunks.
        """
        if "_is_of_one_file" in self.__dict__:
            return (self,)
        parts: tuple[ChunkManifest, ...] | None = self.__dict__.get("_parts")
        if parts is not None:
            return parts
        if not self.size:
            return ()
        if self.positions is not None or self.inlined or len(self.files) != 1:
            return None
        return (self,) if self.nstored == self.size else None

    @classmethod
    def of_bytes(cls, grid_shape: tuple[int, ...], data: bytes) -> Self:
        """Build the manifest of one chunk, of any rank, that it holds itself."""
        return cls(tuple(grid_shape), (), (data,), None, *one_inline(tuple(grid_shape), len(data)))

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
            check_index(index, grid_shape)
            position = sum(i * stride for i, stride in zip(index, strides, strict=True))
            if isinstance(entry, InlineChunk):
                columns.append((position, INLINE, n_inline, len(entry.data)))
                n_inline += 1
            else:
                columns.append((position, row[entry.url], entry.offset, entry.length))
        table_of_chunks = np.array(columns, dtype=object).reshape(-1, 4)
        return cls.from_columns(
            grid_shape,
            files=tuple(table.values()),
            inlined=blobs,
            positions=table_of_chunks[:, 0],
            path_id=table_of_chunks[:, 1],
            offset=table_of_chunks[:, 2],
            length=table_of_chunks[:, 3],
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
        if not self.files:
            return 0
        if "_parts" in self.__dict__:
            return self.size
        return int(np.count_nonzero(self.path_id >= FIRST_PATH))

    @property
    def ninlined(self) -> int:
        """Number of chunks that the manifest itself holds."""
        if not self.inlined:
            return 0
        return int(np.count_nonzero(self.path_id == INLINE))

    @property
    def nstored(self) -> int:
        """Number of chunks that exist, in a file or inline."""
        if "_parts" in self.__dict__:
            return self.size
        return int(np.count_nonzero(self.path_id))

    @property
    def nbytes(self) -> int:
        """Memory of the columns and of the inline chunks, in bytes (without the path table)."""
        columns = (self.path_id, self.offset, self.length, self.positions)
        return sum(c.nbytes for c in columns if c is not None) + sum(map(len, self.inlined))

    @property
    def stored_nbytes(self) -> int:
        """Encoded size of all chunks that exist, in a file or inline, in bytes."""
        return int(self.length.sum(dtype=np.uint64))

    def __getitem__(self, index: ChunkIndex) -> ChunkEntry | InlineChunk | None:
        """Return the entry at `index`, or None if that chunk is not stored."""
        path_id, offset, length = self._row(index)
        if path_id == MISSING:
            return None
        if path_id == INLINE:
            return InlineChunk(self.inlined[offset])
        return ChunkEntry(self.files[path_id - FIRST_PATH].url, offset, length)

    def file_of(self, index: ChunkIndex) -> SourceFile | None:
        """Return the file of the chunk at `index`, or None if it lies in none."""
        path_id, _, _ = self._row(index)
        return self.files[path_id - FIRST_PATH] if path_id >= FIRST_PATH else None

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
        if (
            self.grid_shape != other.grid_shape
            or self.files != other.files
            or self.inlined != other.inlined
        ):
            return False
        return (
            _same_column(self.positions, other.positions)
            and _same_column(self.path_id, other.path_id)
            and _same_column(self.offset, other.offset)
            and _same_column(self.length, other.length)
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor: NumPy forgets in a pickle that an array is read-only.
        fields = (self.grid_shape, self.files, self.inlined, self.positions)
        return type(self), (*fields, self.path_id, self.offset, self.length)

    def __repr__(self) -> str:
        grid = " x ".join(map(str, self.grid_shape)) or "scalar"
        return (
            f"<ChunkManifest {grid}: {self.nrefs} references to {len(self.files)} files, "
            f"{self.ninlined} inlined, {self.size - self.nstored} missing>"
        )

    def _row(self, index: ChunkIndex) -> tuple[int, int, int]:
        """Return ``(path_id, offset, length)`` of one chunk; all zero where it is missing."""
        check_index(index, self.grid_shape)
        at: ChunkIndex | int = index
        if self.positions is not None:
            flat = int(np.ravel_multi_index(index, self.grid_shape))
            at = int(np.searchsorted(self.positions, np.uint64(flat)))
            if at == self.positions.size or int(self.positions[at]) != flat:
                return (MISSING, 0, 0)
        return int(self.path_id[at]), int(self.offset[at]), int(self.length[at])


def _same_column(left: npt.NDArray[Any] | None, right: npt.NDArray[Any] | None) -> bool:
    if left is None or right is None:
        return left is right
    return left is right or np.array_equal(left, right)
