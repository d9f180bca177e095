"""A source: the bytes of one file, wherever it lies, read by ranges and with a request log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from zarrchive.errors import LocationError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from zarrchive.location.identity import SourceFile

__all__ = ["ByteRange", "Request", "Source", "check_ranges", "get_range", "short_read"]


class ByteRange(NamedTuple):
    """A run of bytes; `length` bytes from `offset`."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Request:
    """One read that reached the file or the server, for the log of a `Source`."""

    offset: int
    length: int
    seconds: float


@runtime_checkable
class Source(Protocol):
    """All that a reader may touch of a file."""

    @property
    def file(self) -> SourceFile:
        """The URL and the identity of the file."""

    @property
    def size(self) -> int:
        """Size of the file in bytes."""

    @property
    def local_path(self) -> str | None:
        """Path that the operating system can open, or None for everything that is not local."""

    @property
    def requests(self) -> Sequence[Request]:
        """Every read so far, oldest first."""

    def get_ranges(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        """Read all `ranges` (together, where the store can) in the order given.

        Raises `LocationError` with code ``source-short-read`` where a range passes the end
        of the file: fewer bytes than asked are never returned.
        """

    def close(self) -> None:
        """Release file handles; the source cannot be read afterwards."""

    def __enter__(self) -> Self:
        """Return the source itself."""

    def __exit__(self, *exception: object) -> None:
        """Close the source."""


def get_range(source: Source, offset: int, length: int) -> bytes:
    """Read `length` bytes from `offset`; never fewer."""
    return source.get_ranges([ByteRange(offset, length)])[0]


def check_ranges(file: SourceFile, size: int, ranges: Sequence[ByteRange]) -> None:
    """Raise `LocationError` ``source-short-read`` where a range is not within `size` bytes."""
    for offset, length in ranges:
        if offset < 0 or length < 0 or offset + length > size:
            raise short_read(file, ByteRange(offset, length), found=max(0, size - offset))


def short_read(file: SourceFile, wanted: ByteRange, *, found: int) -> LocationError:
    """Return the error for a range of which only `found` bytes exist."""
    return LocationError(
        Problem(
            code="source-short-read",
            where=file.url,
            what=(
                f"{wanted.length} bytes were wanted from byte {wanted.offset}, "
                f"but only {found} are there (file size: {file.size} bytes)"
            ),
            hint="the file is truncated or has changed; fetch it again, then open it anew",
        )
    )
