"""Structures of one length that lie here and there in a mapped file, put side by side.

To touch a page of a mapping for the first time takes longer than to read what is on it, and a
chunk index is looked at once: its nodes are read past the mapping.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from zarrchive.location.mapping import MappedFile
    from zarrchive.readers.hdf5.requests import Rows, Table

__all__ = ["RowsOfFile", "gathered", "split"]

_GAP: Final = 2**13
"""Bytes between two rows that are read with them: that is cheaper than to read once more."""
_FAR: Final = 2**14
"""Bytes for each row, on average, from which rows are read one by one."""
_FEW: Final = 4
"""Rows of which a mapping is as quick."""
_AT_ONCE: Final = 32
"""Rows that are looked at together where each is taken apart."""


@dataclass(slots=True)
class RowsOfFile:
    """Rows of a mapped file."""

    mapping: MappedFile
    view: npt.NDArray[np.uint8]
    """All bytes of the file, mapped."""
    table: Table
    _unwanted: memoryview = field(default_factory=lambda: memoryview(bytearray(_GAP)))
    """Takes what lies between rows."""

    def __len__(self) -> int:
        return len(self.table.offsets)

    @property
    def is_one_run(self) -> bool:
        """Whether many rows follow one another without gaps."""
        offsets = self.table.offsets
        return len(offsets) > _FEW and bool((np.diff(offsets) == self.table.length).all())

    def block(self, start: int, stop: int) -> npt.NDArray[np.uint8]:
        offsets, length = self.table.offsets[start:stop], self.table.length
        count = len(offsets)
        if count <= _FEW:
            return gathered(self.view, offsets, length)
        rows = np.empty((count, length), np.uint8)
        if int(offsets.max()) - int(offsets.min()) > _FAR * count:
            buffer = memoryview(rows.data).cast("B")
            self.mapping.read_scattered(buffer, offsets.tolist(), length)
            return rows
        self._read(rows, offsets)
        return rows

    def _read(self, rows: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> None:
        """Read rows in as few steps as there are wide gaps between them, and steps back."""
        length = self.table.length
        flat = memoryview(rows.data).cast("B")
        gaps = np.diff(offsets) - length
        breaks = np.flatnonzero(gaps)
        starts = [0, *(breaks + 1).tolist()]
        stops = [*starts[1:], len(offsets)]
        buffers, at = [], int(offsets[0])
        for first, last, gap in zip(starts, stops, [*gaps[breaks].tolist(), -1], strict=True):
            buffers.append(flat[first * length : last * length])
            if 0 < gap < _GAP:
                buffers.append(self._unwanted[:gap])
                continue
            self.mapping.read_into(buffers, at)
            buffers = []
            at = int(offsets[last]) if last < len(offsets) else 0


def gathered(
    view: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], length: int
) -> npt.NDArray[np.uint8]:
    """Return rows of `length` bytes that begin at `offsets` of bytes in memory."""
    # An item of `length` bytes at every byte: one memory copy a row.
    n_places = max(0, view.size - length + 1)
    places = np.ndarray((n_places,), f"V{length}", view.data, 0, (1,))
    return places[offsets].view(np.uint8).reshape(len(offsets), length)


def split(rows: Rows, heads: npt.NDArray[np.uint8], tails: npt.NDArray[np.uint8]) -> None:
    """Fill two arrays of shape (rows, bytes): each row is one of `heads` and one of `tails`."""
    if isinstance(rows, RowsOfFile) and rows.is_one_run:
        buffers = [*chain.from_iterable(zip(heads, tails, strict=True))]
        rows.mapping.read_into(buffers, int(rows.table.offsets[0]))
        return
    length = heads.shape[1]
    for start in range(0, len(rows), _AT_ONCE):
        block = rows.block(start, start + _AT_ONCE)
        heads[start : start + _AT_ONCE] = block[:, :length]
        tails[start : start + _AT_ONCE] = block[:, length:]
