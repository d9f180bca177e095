"""The bytes of one file as parsers ask for them: mapped into memory, or fetched in rounds."""

from __future__ import annotations

import os
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import numpy as np

from zarrchive.location.mapping import mapped
from zarrchive.location.source import ByteRange
from zarrchive.readers.hdf5.file_rows import RowsOfFile, gathered
from zarrchive.readers.hdf5.requests import Bytes, Damaged, Many, Rows, Table, Upto

if TYPE_CHECKING:
    import mmap

    import numpy.typing as npt

    from zarrchive.location.mapping import MappedFile
    from zarrchive.location.source import Source
    from zarrchive.readers.hdf5.requests import Request, Steps

__all__ = ["FetchedBytes", "FileBytes", "HeldBytes", "file_bytes", "run"]

T = TypeVar("T")

_FIRST_READ: Final = 2**20
"""Bytes read at once from the start of a remote file: most of its metadata, or all of it."""
_SMALL_FILE: Final = 2**20
"""A local file up to this size is read at once: that is cheaper than mapping it."""
_READ_AHEAD: Final = 2**13
"""A small structure is fetched with what surrounds it, which is likely to be asked next."""
_GAP: Final = 2**13
"""Ranges that are no further apart than this are fetched as one."""


class FileBytes(Protocol):
    """The bytes of one file."""

    def answer(self, request: Request) -> Any:  # noqa: ANN401 - each request has its answer
        """Return what `request` asks for; raises `Damaged` where the file does not have it."""


def file_bytes(source: Source) -> FileBytes:
    """Return the bytes of `source` in the way that is best for where it lies."""
    if source.local_path is not None and source.size > _SMALL_FILE:
        mapping = mapped(source)
        if mapping is not None:
            return HeldBytes(mapping.data, source.size, mapping)
    if source.size <= _SMALL_FILE:
        (content,) = source.get_ranges([ByteRange(0, source.size)])
        return HeldBytes(content, source.size)
    return FetchedBytes(source)


def run(steps: Steps[T], data: FileBytes) -> T:
    """Run a parser to its end, with the bytes that it asks for."""
    try:
        request = next(steps)
        while True:
            try:
                answer = data.answer(request)
            except Damaged as trouble:
                request = steps.throw(trouble)
            else:
                request = steps.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result


def _check(offset: int, length: int, size: int) -> None:
    if offset < 0 or length < 0 or offset + length > size:
        raise Damaged(
            f"it points to {length} bytes at byte {offset}, but the file has {size} bytes"
        )


def _check_table(request: Table, size: int) -> None:
    offsets, length = request
    if not offsets.size:
        return
    low, high = int(offsets.min()), int(offsets.max())
    _check(low if low < 0 else high, length, size)
    if offsets.size * length > size + length:
        raise Damaged(
            f"it points to {offsets.size} structures of {length} bytes, more than the {size} bytes "
            "of the file hold"
        )


@dataclass(slots=True)
class HeldBytes:
    """A file whose bytes are in memory, or mapped into it."""

    data: bytes | mmap.mmap
    size: int
    mapping: MappedFile | None = None
    """Of a file that is mapped."""
    _array: npt.NDArray[np.uint8] | None = None

    def answer(self, request: Request) -> Any:  # noqa: ANN401 - as the protocol
        if not isinstance(request, Many):
            return self._part(request)
        data, size = self.data, self.size
        answers = []
        for one in request.requests:
            # Most of all requests, thousands for a file: without a call for each.
            if type(one) is Bytes and 0 <= one[0] <= one[0] + one[1] <= size:
                answers.append(data[one[0] : one[0] + one[1]])
            else:
                answers.append(self._one(one))
        return answers

    def _one(self, request: Request) -> Any:  # noqa: ANN401 - as the protocol
        try:
            return self.answer(request)
        except Damaged as trouble:
            return trouble

    def _part(self, request: Bytes | Upto | Table) -> Any:  # noqa: ANN401 - as the protocol
        if isinstance(request, Table):
            _check_table(request, self.size)
            return self._gathered(request)
        offset, length = request
        if isinstance(request, Upto):
            length = min(length, self.size - offset)
            _check(offset, max(length, 1), self.size)
        else:
            _check(offset, length, self.size)
        return self.data[offset : offset + length]

    def _gathered(self, table: Table) -> Rows:
        if self.mapping is None or not hasattr(os, "preadv"):
            return _Gathered(self._view(), table)
        return RowsOfFile(self.mapping, self._view(), table)

    def _view(self) -> npt.NDArray[np.uint8]:
        if self._array is None:
            self._array = np.frombuffer(self.data, dtype=np.uint8)
        return self._array


@dataclass(slots=True)
class _Gathered:
    """Rows of a file in memory."""

    view: npt.NDArray[np.uint8]
    table: Table

    def __len__(self) -> int:
        return len(self.table.offsets)

    def block(self, start: int, stop: int) -> npt.NDArray[np.uint8]:
        offsets, length = self.table.offsets[start:stop], self.table.length
        return gathered(self.view, offsets, length)


@dataclass(slots=True)
class FetchedBytes:
    """A file that is read through its source, with everything that was read so far."""

    source: Source
    rounds: int = 0
    _starts: list[int] = field(default_factory=list)
    _blocks: list[bytes] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.source.size

    def answer(self, request: Request) -> Any:  # noqa: ANN401 - as the protocol
        if not self._starts:
            self._fetch([(0, min(_FIRST_READ, self.size))])
        missing: list[tuple[int, int]] = []
        self._collect(request, missing)
        if missing:
            self._fetch(_merged(missing))
        return self._answer(request)

    def _collect(self, request: Request, missing: list[tuple[int, int]]) -> None:
        """Add the ranges (start, end) that a request needs and that were not read yet."""
        if isinstance(request, Many):
            for one in request.requests:
                self._collect(one, missing)
        elif isinstance(request, Table):
            try:
                _check_table(request, self.size)
            except Damaged:
                return
            missing.extend(
                (start, start + request.length)
                for start in request.offsets.tolist()
                if self._find(start, request.length) is None
            )
        else:
            offset, length = request
            length = min(length, self.size - offset)
            if offset < 0 or length <= 0 or self._find(offset, length) is not None:
                return
            end = max(offset + length, min(offset + _READ_AHEAD, self.size))
            missing.append((offset, end))

    def _answer(self, request: Request) -> Any:  # noqa: ANN401 - as the protocol
        if isinstance(request, Many):
            answers: list[Any] = []
            for one in request.requests:
                try:
                    answers.append(self._answer(one))
                except Damaged as trouble:
                    answers.append(trouble)
            return answers
        if isinstance(request, Table):
            _check_table(request, self.size)
            parts = [self._held(at, request.length) for at in request.offsets.tolist()]
            joined = np.frombuffer(b"".join(parts), dtype=np.uint8)
            return _Copied(joined.reshape(len(parts), request.length))
        offset, length = request
        if isinstance(request, Upto):
            length = min(length, self.size - offset)
            _check(offset, max(length, 1), self.size)
        else:
            _check(offset, length, self.size)
        return self._held(offset, length)

    def _find(self, offset: int, length: int) -> int | None:
        """Return the number of the block that holds a range."""
        at = bisect_right(self._starts, offset) - 1
        if at >= 0 and offset + length <= self._starts[at] + len(self._blocks[at]):
            return at
        return None

    def _held(self, offset: int, length: int) -> bytes:
        if not length:
            return b""
        at = self._find(offset, length)
        if at is None:
            raise Damaged(f"{length} bytes at byte {offset} were not read")
        start = offset - self._starts[at]
        return self._blocks[at][start : start + length]

    def _fetch(self, ranges: list[tuple[int, int]]) -> None:
        """Read ranges in one round, and keep them with what was read before."""
        self.rounds += 1
        wanted = [ByteRange(start, end - start) for start, end in ranges]
        fetched = self.source.get_ranges(wanted)
        blocks = [*zip(self._starts, self._blocks, strict=True)]
        blocks += [(one.offset, data) for one, data in zip(wanted, fetched, strict=True)]
        self._starts, self._blocks = [], []
        for start, data in sorted(blocks, key=lambda block: block[0]):
            end = self._starts[-1] + len(self._blocks[-1]) if self._starts else -1
            if start > end:
                self._starts.append(start)
                self._blocks.append(data)
            elif start + len(data) > end:
                self._blocks[-1] += data[end - start :]


@dataclass(slots=True)
class _Copied:
    """Rows that were fetched."""

    rows: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.rows)

    def block(self, start: int, stop: int) -> npt.NDArray[np.uint8]:
        return self.rows[start:stop]


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join ranges that overlap or nearly touch."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1] + _GAP:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
