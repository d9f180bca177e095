"""Lengths of chunks along each axis: one for all chunks, or one for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from zarrchive.manifests._zarr import ChunkLengths

__all__ = ["chunk_ends", "grid_shape_of", "length_labels", "lengths_text", "longest_chunk"]


def grid_shape_of(shape: Sequence[int], lengths: ChunkLengths) -> tuple[int, ...]:
    """Return the number of chunks along each axis of an array of that shape."""
    return tuple(
        -(-size // length) if isinstance(length, int) else (len(length) if size else 0)
        for size, length in zip(shape, lengths, strict=True)
    )


def longest_chunk(lengths: ChunkLengths) -> tuple[int, ...]:
    """Return the greatest length along each axis: no chunk holds more elements."""
    return tuple(one if isinstance(one, int) else max(one) for one in lengths)


def chunk_ends(size: int, length: int | tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return behind which element each chunk along an axis of `size` elements ends."""
    if isinstance(length, tuple):
        return np.cumsum(length, dtype=np.int64)
    return np.minimum(np.arange(1, -(-size // length) + 1, dtype=np.int64) * length, size)


def length_labels(lengths: ChunkLengths) -> list[int | str]:
    """Write the chunk lengths of each axis shortly: a number, or ``28..31`` where they vary."""
    labels: list[int | str] = []
    for one in lengths:
        least, most = (one, one) if isinstance(one, int) else (min(one), max(one))
        labels.append(most if least == most else f"{least}..{most}")
    return labels


def lengths_text(lengths: ChunkLengths, *, separator: str = " x ") -> str:
    """Write all chunk lengths: ``28..31 x 90``, or ``scalar`` where there are no axes."""
    return separator.join(map(str, length_labels(lengths))) or "scalar"
