"""Local files as sources: positional reads, and only of regular files."""

from __future__ import annotations

import mmap
import os
import stat
import time
from dataclasses import dataclass, field
from itertools import accumulate
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from zarrchive.errors import LocationError, Problem, StaleSourceError
from zarrchive.location.identity import SourceFile, problems_of_change
from zarrchive.location.source import ByteRange, Request, check_ranges, short_read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

__all__ = ["LocalSource", "describe_os_error", "local_file", "problem_of_kind"]

# A FIFO without a writer would block open() for ever; these flags do not exist everywhere.
_OPEN_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_MOST_BUFFERS: Final = 1024
"""Buffers that Linux fills at once."""
_LARGEST_READ: Final = 1 << 30
"""Linux returns at most 2 GiB from one read."""

_KINDS: Final[tuple[tuple[Callable[[int], bool], str, str], ...]] = (
    (stat.S_ISDIR, "a folder", "open one of the files in it"),
    (stat.S_ISFIFO, "a named pipe (FIFO)", "copy what comes out of it into a file"),
    (stat.S_ISSOCK, "a socket", "choose a regular file"),
    (stat.S_ISCHR, "a device", "choose a regular file"),
    (stat.S_ISBLK, "a device", "choose a regular file"),
)


@dataclass(slots=True)
class LocalSource:
    """One open local file; reads may come from several threads at once."""

    file: SourceFile
    _descriptor: int
    _log: list[Request] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def open(cls, path: str) -> Self:
        """Open the regular file at the absolute `path`.

        Raises
        ------
        LocationError
            ``location-missing``, ``location-permission``, ``location-not-a-file`` (folder,
            FIFO, socket, device) or ``location-unreadable``.
        """
        local_file(path)
        try:
            descriptor = os.open(path, _OPEN_FLAGS)
        except (OSError, ValueError) as error:
            raise LocationError(describe_os_error(path, error)) from error
        try:
            # Once more on what was really opened: the name may have been given to another file.
            return cls(_identity(path, os.fstat(descriptor)), descriptor)
        except BaseException:
            os.close(descriptor)
            raise

    @property
    def size(self) -> int:
        return self.file.size or 0

    @property
    def local_path(self) -> str | None:
        return self.file.url

    @property
    def requests(self) -> Sequence[Request]:
        return tuple(self._log)

    def get_ranges(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        check_ranges(self.file, self.size, ranges)
        self._check_open()
        self._check_unchanged()
        return [self._read(ByteRange(*wanted)) for wanted in ranges]

    def map(self) -> mmap.mmap:
        """Map the whole file into memory, read-only.

        Raises
        ------
        LocationError, StaleSourceError
            As `get_ranges`; ``location-unreadable`` if the system cannot map the file.
        """
        self._check_open()
        self._check_unchanged()
        try:
            return mmap.mmap(self._descriptor, self.size, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise LocationError(describe_os_error(self.file.url, error)) from error

    def read_into(self, buffers: Sequence[Any], offset: int) -> None:
        """Fill buffers (memoryviews, arrays of uint8) one after the other from byte `offset` on.

        Not logged, as what is mapped is not.

        Raises
        ------
        LocationError
            As `get_ranges`.
        """
        self._check_open()
        at = offset
        for start in range(0, len(buffers), _MOST_BUFFERS):
            some = buffers[start : start + _MOST_BUFFERS]
            length = sum(map(len, some))
            try:
                found = os.preadv(self._descriptor, some, at)
            except OSError as error:
                raise LocationError(describe_os_error(self.file.url, error)) from error
            if found != length:
                # Systems may return less than there is: then, or at the end, one by one.
                ends = [*accumulate(map(len, some), initial=at)]
                for buffer, place in zip(some, ends[:-1], strict=True):
                    memoryview(buffer)[:] = self._read(ByteRange(place, len(buffer)))
            at += length

    def read_scattered(self, buffer: memoryview, offsets: Sequence[int], length: int) -> None:
        """Fill a buffer with `length` bytes from each of many places; not logged either.

        Raises
        ------
        LocationError
            As `get_ranges`.
        """
        self._check_open()
        descriptor, preadv = self._descriptor, os.preadv
        at = 0
        for offset in offsets:
            part = buffer[at : at + length]
            try:
                found = preadv(descriptor, (part,), offset)
            except OSError as error:
                raise LocationError(describe_os_error(self.file.url, error)) from error
            if found != length:
                part[:] = self._read(ByteRange(offset, length))
            at += length

    def close(self) -> None:
        with self._lock:
            descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._descriptor < 0:
            raise LocationError(
                Problem(
                    code="source-closed",
                    where=self.file.url,
                    what="the file was closed before this read",
                    hint="open the file again, and read within its `with` block",
                )
            )

    def _check_unchanged(self) -> None:
        now = _identity(self.file.url, os.fstat(self._descriptor))
        if problems := problems_of_change(self.file, now):
            raise StaleSourceError(*problems)

    def _read(self, wanted: ByteRange) -> bytes:
        if not wanted.length:
            return b""
        began = time.perf_counter()
        parts: list[bytes] = []
        done = 0
        while done < wanted.length:
            part = self._read_once(min(wanted.length - done, _LARGEST_READ), wanted.offset + done)
            if not part:
                raise short_read(self.file, wanted, found=done)
            parts.append(part)
            done += len(part)
        self._log.append(Request(*wanted, time.perf_counter() - began))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _read_once(self, length: int, offset: int) -> bytes:
        try:
            return os.pread(self._descriptor, length, offset)
        except OSError as error:
            raise LocationError(describe_os_error(self.file.url, error)) from error


def local_file(path: str) -> SourceFile:
    """Return the identity of the regular file at the absolute `path`, without opening it.

    Raises
    ------
    LocationError
        As `LocalSource.open`.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 - a location is a string
    except (OSError, ValueError) as error:
        raise LocationError(describe_os_error(path, error)) from error
    return _identity(path, status)


def problem_of_kind(path: str, mode: int) -> Problem | None:
    """Return a Problem if a file of this ``st_mode`` is no regular file."""
    for is_kind, kind, hint in _KINDS:
        if is_kind(mode):
            return Problem(
                code="location-not-a-file", where=path, what=f"is {kind}, not a file", hint=hint
            )
    return None


def describe_os_error(path: str, error: OSError | ValueError) -> Problem:
    """Say what an error of the operating system means for the person who wants the file."""
    match error:
        case FileNotFoundError() | NotADirectoryError():
            code, what = "location-missing", "there is no such file or folder"
            hint = _nearest(path)
        case PermissionError():
            code, what = "location-permission", "this user may not read it"
            hint = "ask its owner for read permission, or copy it to a place of your own"
        case OSError():
            code, what = "location-unreadable", f"the system refuses it: {error.strerror or error}"
            hint = "check that the disk or share is available, then try again"
        case _:
            code, what = "location-missing", f"no file can have this name: {error}"
            hint = "check the spelling of the path"
    return Problem(code=code, where=path, what=what, hint=hint)


def _nearest(path: str) -> str:
    """Name the last folder on the way to `path` that exists."""
    folder = os.path.dirname(path)  # noqa: PTH120 - a location is a string
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):  # noqa: PTH112, PTH120
        folder = os.path.dirname(folder)  # noqa: PTH120
    return f"check the spelling; the last folder on the way that exists is {folder}"


def _identity(path: str, status: os.stat_result) -> SourceFile:
    if problem := problem_of_kind(path, status.st_mode):
        raise LocationError(problem)
    return SourceFile(path, size=status.st_size, mtime_ns=status.st_mtime_ns)
