"""Bytes of a file that note what a parser takes of them: where it looked, and for what.

The parsers run over them as over any other bytes. What was noted says which bytes of a file
decide what was read, and which of them are only the address of something else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from zarrchive.readers.hdf5.requests import Bytes, Damaged, Many, Upto

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from zarrchive.readers.hdf5.file_bytes import FileBytes
    from zarrchive.readers.hdf5.header_parts import HeaderParts
    from zarrchive.readers.hdf5.requests import Request

__all__ = ["Log", "Seal", "Unwatchable", "Watched", "WatchedFile", "note_seal", "note_unread"]


class Unwatchable(Exception):  # noqa: N818 - no error: these files are read in the usual way
    """A structure is read in a way that cannot be watched."""


class Seal(NamedTuple):
    """A checksum, and the bytes that it is of."""

    start: int
    stop: int
    """Byte behind the last that is summed up."""
    at: int
    """Byte at which the checksum is; where that is among those, they count as zeros."""


@dataclass(slots=True)
class Log:
    """What was taken of a file; all places are bytes of the file."""

    looked_at: list[tuple[int, int, int]] = field(default_factory=list)
    """Request, first byte and byte behind the last of what was looked at."""
    addresses: dict[int, int] = field(default_factory=dict)
    """The address that was taken, by the place where it stands."""
    unread: set[tuple[int, int]] = field(default_factory=set)
    """First byte, and byte behind the last, of what never counts."""
    seals: set[Seal] = field(default_factory=set)
    headers: dict[int, tuple[int, HeaderParts]] = field(default_factory=dict)
    """Address and messages of the object headers that count as such, by the place where they are
    said to be."""


class Watched(bytes):
    """A part of a file; parts of it are watched too."""

    place: int
    log: Log
    request: int | None
    """Where the request began that it answers, if only what is looked at counts."""

    def __new__(cls, data: bytes, place: int, log: Log, request: int | None = None) -> Self:
        """Watch `data`, which is at byte `place` of the file."""
        self = super().__new__(cls, data)
        self.place, self.log, self.request = place, log, request
        return self

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401 - as bytes
        found = super().__getitem__(key)
        if isinstance(key, slice):
            start, stop, _ = key.indices(len(self))
            found = Watched(found, self.place + start, self.log)
        else:
            start, stop = key, key + 1
        if self.request is not None and stop > start >= 0:
            self.log.looked_at.append((self.request, self.place + start, self.place + stop))
        return found

    def partition(self, separator: ReadableBuffer, /) -> tuple[bytes, bytes, bytes]:
        """Split text, which is not watched: it is looked up by its value."""
        return bytes(self).partition(separator)

    __hash__ = object.__hash__
    """Never that of other bytes: what was parsed before has to be parsed again, to be seen."""

    def note_address(self, at: int, value: int) -> None:
        """Take note of an address that was taken at byte `at`."""
        self.log.addresses[self.place + at] = value


def note_unread(data: bytes, start: int, stop: int | None = None) -> None:
    """Take note of bytes of which nothing is ever used, where they are watched."""
    if type(data) is Watched:
        end = len(data) if stop is None else min(stop, len(data))
        data.log.unread.add((data.place + start, data.place + end))


def note_seal(data: bytes, stop: int, at: int) -> None:
    """Take note of the checksum at byte `at` of `data` up to byte `stop`."""
    if type(data) is Watched:
        data.log.seals.add(Seal(data.place, data.place + stop, data.place + at))


@dataclass(slots=True)
class WatchedFile:
    """The bytes of a file, watched."""

    data: FileBytes
    log: Log = field(default_factory=Log)

    def answer(self, request: Request) -> Any:  # noqa: ANN401 - as the protocol
        """Return what `request` asks for; raises `Unwatchable` for arrays."""
        if isinstance(request, Many):
            return [self._one(one) for one in request.requests]
        if not isinstance(request, Bytes | Upto):
            raise Unwatchable(f"{type(request).__name__} is read as an array")
        data = self.data.answer(request)
        start = request.offset
        if isinstance(request, Upto):
            return Watched(data, start, self.log, request=start)
        self.log.looked_at.append((start, start, start + len(data)))
        return Watched(data, start, self.log)

    def _one(self, request: Request) -> Any:  # noqa: ANN401 - as the protocol
        try:
            return self.answer(request)
        except Damaged as trouble:
            return trouble
