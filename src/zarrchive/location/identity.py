"""What a file was when it was scanned: enough to notice later that it has changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from zarrchive.errors import Problem

__all__ = ["SourceFile", "problems_of_change"]


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


def problems_of_change(seen: SourceFile, now: SourceFile) -> list[Problem]:
    """Compare the identity that a file had when it was scanned with what it has now.

    Parts that either side does not know are no evidence and are passed over; so is the time
    where both sides have the same entity tag, which says more.

    Returns
    -------
    list of Problem
        ``source-changed``, once; empty where nothing speaks for a change.
    """
    if seen == now:
        return []
    same_tag = seen.etag is not None and seen.etag == now.etag
    pairs = {
        "size": (seen.size, now.size),
        "entity tag": (seen.etag, now.etag),
        "modification time": (None, None) if same_tag else (_time(seen), _time(now)),
    }
    different = [
        f"{part} {before} when it was scanned, {after} now"
        for part, (before, after) in pairs.items()
        if before is not None and after is not None and before != after
    ]
    if not different:
        return []
    return [
        Problem(
            code="source-changed",
            where=seen.url,
            what=f"the file has changed: {'; '.join(different)}",
            hint="scan the file again, and export anew what was made from it",
        )
    ]


def _time(file: SourceFile) -> str | None:
    if file.mtime_ns is None:
        return None
    seconds, nanoseconds = divmod(file.mtime_ns, 10**9)
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"
