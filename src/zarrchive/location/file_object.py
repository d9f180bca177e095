"""A source as a seekable binary file, for libraries that want one."""

from __future__ import annotations

import gc
import io
from collections import OrderedDict
from contextlib import contextmanager
from errno import EINVAL
from threading import Lock
from typing import TYPE_CHECKING, Final

from zarrchive.location.source import ByteRange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import WriteableBuffer

    from zarrchive.location.source import Source

__all__ = ["SourceFileObject"]

_BLOCK: Final = 256 * 2**10
"""Bytes; at the latency of an object store, fetching fewer hardly takes less time."""
_LONGEST_AHEAD: Final = 16
"""Blocks fetched at most beyond what was asked, when reading goes on sequentially."""
_KEPT: Final = 64 * 2**20
"""Bytes of blocks kept."""


class SourceFileObject(io.RawIOBase):
    """A read-only file over a `Source` that fetches aligned blocks and keeps the recent ones.

    Closing it leaves the source open.

    Parameters
    ----------
    source
        Whatever is read.
    block
        Bytes fetched at least. Reading on sequentially doubles what is fetched, up to 16 blocks.
    """

    def __init__(self, source: Source, *, block: int = _BLOCK) -> None:
        super().__init__()
        self._source = source
        self._block = block
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._next_block = 0
        self._ahead = 0
        self._lock = Lock()

    @property
    def size(self) -> int:
        """Size of the file in bytes."""
        return self._source.size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        starts = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}
        position = starts[whence] + offset
        if position < 0:
            # As a file of the system does; zipfile counts on it with files shorter than its record.
            raise OSError(EINVAL, f"cannot seek to byte {position}, before the start of the file")
        self._position = position
        return position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        if self.closed:
            raise ValueError("this file object was closed before this read")
        target = memoryview(buffer).cast("B")
        with self._lock:
            data = self._get(self._position, len(target))
            self._position += len(data)
        target[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        with self._lock:
            data = self._get(self._position, self.size)
            self._position += len(data)
        return data

    def _get(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes: fewer only at the end of the file."""
        end = min(offset + length, self.size)
        if offset >= end:
            return b""
        first, last = offset // self._block, (end - 1) // self._block
        found = self._with_blocks(first, last)
        joined = found[0] if len(found) == 1 else b"".join(found)
        return joined[offset - first * self._block : end - first * self._block]

    def _with_blocks(self, first: int, last: int) -> list[bytes]:
        missing = [number for number in range(first, last + 1) if number not in self._blocks]
        if missing:
            self._fetch(missing)
        blocks = [self._blocks[number] for number in range(first, last + 1)]
        for number in range(first, last + 1):
            self._blocks.move_to_end(number)
        while len(self._blocks) > max(1, _KEPT // self._block):
            self._blocks.popitem(last=False)
        return blocks

    def _fetch(self, missing: list[int]) -> None:
        """Fetch the missing blocks, neighbours in one range, all ranges together."""
        number_of_blocks = -(-self.size // self._block)
        is_sequential = missing[0] == self._next_block and missing[0] > 0
        self._ahead = min(max(1, 2 * self._ahead), _LONGEST_AHEAD) if is_sequential else 0
        end = missing[-1] + 1
        while end < min(missing[-1] + 1 + self._ahead, number_of_blocks):
            if end in self._blocks:
                break
            end += 1
        missing = [*missing, *range(missing[-1] + 1, end)]
        self._next_block = end
        runs = _runs(missing)
        ranges = [
            ByteRange(a * self._block, min(b * self._block, self.size) - a * self._block)
            for a, b in runs
        ]
        with _no_collection():
            parts = self._source.get_ranges(ranges)
        for (start, stop), part in zip(runs, parts, strict=True):
            for number in range(start, stop):
                at = (number - start) * self._block
                self._blocks[number] = part[at : at + self._block]


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Join consecutive numbers of a sorted list into half-open runs."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs


_pauses = 0
_was_enabled = False
_pause_lock: Final = Lock()


@contextmanager
def _no_collection() -> Iterator[None]:
    """Pause garbage collection while another thread fetches for this one.

    h5py calls this file while it holds its global lock. Would the fetching thread collect an
    h5py object meanwhile, it would wait for that lock, and this thread for it: for ever.
    """
    global _pauses, _was_enabled  # noqa: PLW0603 - the switch is one for the whole process
    with _pause_lock:
        if _pauses == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _pauses += 1
    try:
        yield
    finally:
        with _pause_lock:
            _pauses -= 1
            if _pauses == 0 and _was_enabled:
                gc.enable()
