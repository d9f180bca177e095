"""What a chunk manifest holds, by chunk and by columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


__all__ = ["ChunkEntry", "ChunkIndex", "InlineChunk", "StoredChunks", "check_index"]

ChunkIndex: TypeAlias = tuple[int, ...]


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


def check_index(index: ChunkIndex, grid_shape: tuple[int, ...]) -> None:
    """Raise `IndexError` unless a chunk lies inside of the grid."""
    inside = len(index) == len(grid_shape) and all(
        0 <= i < n for i, n in zip(index, grid_shape, strict=False)
    )
    if not inside:
        raise IndexError(f"chunk {index} lies outside the grid of {grid_shape} chunks")
