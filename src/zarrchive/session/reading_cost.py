"""What a selection of an array costs to read, known from its chunk manifest alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zarrchive.manifests.chunk_lengths import chunk_ends
from zarrchive.manifests.chunk_manifest import FIRST_PATH

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from zarrchive.manifests import ManifestArray

__all__ = ["Cost", "cost_of"]


@dataclass(frozen=True, slots=True)
class Cost:
    """Bytes that lie in files, and the number of chunks that hold them."""

    nbytes: int
    requests: int


def cost_of(array: ManifestArray, selection: Sequence[int | slice]) -> Cost:
    """Return the cost of reading `selection`: one index or slice per dimension."""
    stored = array.manifest.stored()
    wanted = stored.path_id >= FIRST_PATH
    grid = array.manifest.grid_shape
    stride = 1
    for axis in reversed(range(len(grid))):
        along = stored.position // np.uint64(max(stride, 1)) % np.uint64(max(grid[axis], 1))
        touched = _chunks_touched(selection[axis], array.shape[axis], array.chunk_lengths[axis])
        if touched is not None:
            wanted = wanted & np.isin(along, touched)
        stride *= grid[axis]
    return Cost(int(stored.length[wanted].sum(dtype=np.uint64)), int(np.count_nonzero(wanted)))


def _chunks_touched(
    part: int | slice, size: int, chunk: int | tuple[int, ...]
) -> npt.NDArray[np.uint64] | None:
    """Return the chunk indices along one dimension, or None for all."""
    if isinstance(part, slice) and (part.step or 1) <= (
        chunk if isinstance(chunk, int) else min(chunk)
    ):
        return None
    elements = np.arange(0, size, part.step or 1) if isinstance(part, slice) else np.array([part])
    if isinstance(chunk, int):
        return np.unique(elements // max(chunk, 1)).astype(np.uint64)
    return np.unique(np.searchsorted(chunk_ends(size, chunk), elements, "right")).astype(np.uint64)
