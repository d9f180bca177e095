"""Open sources shared by threads: few at a time, each checked against what was scanned."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from zarrchive.errors import LocationError, Problem, StaleSourceError
from zarrchive.location.identity import SourceFile, problems_of_change
from zarrchive.location.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from zarrchive.location.source import ByteRange, Source

__all__ = ["SourcePool", "Verify"]

Verify: TypeAlias = Literal["first", "off"]
"""When a file is compared with what it was at the scan: before its first byte, or never."""

_MOST_OPEN = 64
"""Sources kept open; a process may have few file handles left."""


@dataclass(slots=True, eq=False)
class _Shared:
    """A source and how many threads are reading from it."""

    source: Source
    users: int = 0


class SourcePool:
    """Reads byte ranges of many files; safe to use from several threads."""

    def __init__(
        self, *, storage_options: Mapping[str, Any] | None = None, verify: Verify = "first"
    ) -> None:
        self._storage_options = storage_options
        self._verify = verify
        self._lock = Lock()
        self._open: OrderedDict[str, _Shared] = OrderedDict()

    def read(self, file: SourceFile, ranges: Sequence[ByteRange]) -> list[bytes]:
        """Read all `ranges` of a file, in the order given.

        Raises
        ------
        StaleSourceError
            ``source-changed`` if the file is not the one that was scanned.
        LocationError
            ``source-short-read`` if fewer bytes come than asked for, and whatever
            `open_source` raises.
        """
        with self._borrowed(file.url) as source:
            if self._verify == "first" and (problems := problems_of_change(file, source.file)):
                raise StaleSourceError(*problems)
            parts = source.get_ranges(ranges)
        for wanted, part in zip(ranges, parts, strict=True):
            if len(part) != wanted.length:
                raise _short(file, wanted, len(part))
        return parts

    def close(self) -> None:
        """Close every source that nobody is reading; the pool can be used again."""
        with self._lock:
            idle = [url for url, shared in self._open.items() if not shared.users]
            closing = [self._open.pop(url) for url in idle]
        for shared in closing:
            shared.source.close()

    @contextmanager
    def _borrowed(self, url: str) -> Iterator[Source]:
        shared = self._take(url)
        try:
            yield shared.source
        finally:
            with self._lock:
                shared.users -= 1
                closing = self._surplus()
            for other in closing:
                other.source.close()

    def _take(self, url: str) -> _Shared:
        with self._lock:
            shared = self._open.get(url)
            if shared is not None:
                shared.users += 1
                self._open.move_to_end(url)
                return shared
        # Opening may take a request: other threads go on meanwhile.
        source = open_source(url, storage_options=self._storage_options)
        with self._lock:
            shared = self._open.setdefault(url, _Shared(source))
            shared.users += 1
            self._open.move_to_end(url)
        if shared.source is not source:
            source.close()
        return shared

    def _surplus(self) -> list[_Shared]:
        """Take out the idle sources that were used longest ago, beyond `_MOST_OPEN`."""
        excess = len(self._open) - _MOST_OPEN
        idle = [url for url, shared in self._open.items() if not shared.users]
        return [self._open.pop(url) for url in idle[: max(excess, 0)]]


def _short(file: SourceFile, wanted: ByteRange, found: int) -> LocationError:
    return LocationError(
        Problem(
            code="source-short-read",
            where=file.url,
            what=f"{wanted.length} bytes were asked for from byte {wanted.offset} on, but "
            f"{found} came",
            hint="check whether the file is complete, then scan it again",
        )
    )
