"""Columns of small manifests that are the same in every file of a series: made once, read-only."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from zarrchive.manifests.canonical import FIRST_PATH, INLINE

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["first_path", "one_inline"]


@lru_cache(maxsize=256)
def first_path(grid_shape: tuple[int, ...]) -> npt.NDArray[np.uint32]:
    """Return the number of the first file, as often as a grid needs it; takes no memory."""
    return np.broadcast_to(np.uint32(FIRST_PATH), grid_shape)


@lru_cache(maxsize=256)
def one_inline(grid_shape: tuple[int, ...], length: int) -> tuple[npt.NDArray[Any], ...]:
    """Return path number, offset and length of a grid of one inline chunk."""
    width = np.uint64 if length >= 2**32 else np.uint32
    columns = (
        np.full(grid_shape, INLINE, dtype=np.uint32),
        np.zeros(grid_shape, np.uint64),
        np.full(grid_shape, length, width),
    )
    for column in columns:
        column.flags.writeable = False
    return columns
