"""Local files mapped into memory, for readers that look at many small places of a large file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zarrchive.location.local import LocalSource

if TYPE_CHECKING:
    import mmap

    from zarrchive.location.source import Source

__all__ = ["mapped"]


def mapped(source: Source) -> mmap.mmap | None:
    """Map a local file, read-only; None for sources of other kinds and empty files.

    The mapping lives as long as something refers to it, also when `source` is closed.

    Raises
    ------
    LocationError, StaleSourceError
        As `LocalSource.get_ranges`.
    """
    if not isinstance(source, LocalSource) or not source.size:
        return None
    return source.map()
