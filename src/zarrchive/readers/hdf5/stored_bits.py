"""Runs of bits inside of stored elements, as columns of unsigned integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from zarrchive.readers.hdf5.datatype_tree import Order

__all__ = ["bits_at", "lowest_bits"]


def lowest_bits(rows: npt.NDArray[np.uint8], order: Order) -> npt.NDArray[np.uint64]:
    """Return the lowest 64 bits of rows of bytes."""
    little = rows if order == "<" else rows[:, ::-1]
    wide = np.zeros((len(rows), 8), dtype=np.uint8)
    used = min(8, rows.shape[1])
    wide[:, :used] = little[:, :used]
    return wide.reshape(-1).view("<u8")


def bits_at(
    rows: npt.NDArray[np.uint8], order: Order, offset: int, precision: int
) -> npt.NDArray[np.uint64]:
    """Return up to 64 bits that begin at bit `offset` of each row."""
    little = rows if order == "<" else rows[:, ::-1]
    first, shift = divmod(offset, 8)
    value = lowest_bits(little[:, first:], "<") >> np.uint64(shift)
    if shift + precision > 64:
        value |= little[:, first + 8].astype(np.uint64) << np.uint64(64 - shift)
    return value & np.uint64((1 << precision) - 1)
