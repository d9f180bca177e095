"""Local files mapped into memory, for readers that look at many small places of a large file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zarrchive.location.local import LocalSource

if TYPE_CHECKING:
    import mmap
    from collections.abc import Sequence

    from zarrchive.location.source import Source

__all__ = ["MappedFile", "mapped"]


@dataclass(frozen=True, slots=True)
class MappedFile:
    """A local file in memory, and as it is read past the mapping.

    To touch a page of a mapping for the first time takes longer than to read what is on it: what
    is looked at only once, and a lot of it, is read.
    """

    data: mmap.mmap
    """All bytes of the file; they stay as long as something refers to them, also when the source
    is closed."""
    source: LocalSource

    def read_into(self, buffers: Sequence[Any], offset: int) -> None:
        """Fill buffers (memoryviews, arrays of uint8) one after the other from byte `offset` on.

        Raises
        ------
        LocationError
            As `Source.get_ranges`.
        """
        self.source.read_into(buffers, offset)

    def read_scattered(self, buffer: memoryview, offsets: Sequence[int], length: int) -> None:
        """Fill a buffer with `length` bytes from each of many places, one after the other.

        Raises
        ------
        LocationError
            As `Source.get_ranges`.
        """
        self.source.read_scattered(buffer, offsets, length)


def mapped(source: Source) -> MappedFile | None:
    """Map a local file, read-only; None for sources of other kinds and empty files.

    Raises
    ------
    LocationError, StaleSourceError
        As `Source.get_ranges`.
    """
    if not isinstance(source, LocalSource) or not source.size:
        return None
    return MappedFile(source.map(), source)
