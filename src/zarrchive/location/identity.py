"""What a file was when it was scanned: enough to notice later that it has changed."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SourceFile"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file or object, with the identity that it had when it was looked at.

    Unknown parts are None: an HTTP server may send neither an ETag nor a date.
    """

    url: str
    """Absolute local path as it is (never percent-encoded), or an absolute URL without
    credentials."""
    size: int | None = None
    """Bytes."""
    mtime_ns: int | None = None
    """Modification time in nanoseconds since 1970-01-01 UTC."""
    etag: str | None = None
    """Entity tag as the server sent it."""

    def sort_key(self) -> tuple[str, int, int, str]:
        """Order by URL, then by identity; unknown parts come first."""
        size = -1 if self.size is None else self.size
        mtime = -1 if self.mtime_ns is None else self.mtime_ns
        return (self.url, size, mtime, "" if self.etag is None else self.etag)
