"""Members of zip archives as sources, wherever the archive lies."""

from __future__ import annotations

import tempfile
import time
import zipfile
import zlib
from dataclasses import dataclass, field
from threading import Lock
from typing import IO, TYPE_CHECKING, Final

from zarrchive.errors import LocationError, Problem
from zarrchive.location.file_object import SourceFileObject
from zarrchive.location.identity import SourceFile
from zarrchive.location.source import ByteRange, Request, check_ranges, short_read
from zarrchive.location.url import name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from zarrchive.location.source import Source

__all__ = ["ZipMemberSource"]

_LOCAL_HEADER: Final = 30
"""Fixed part of a local file header, APPNOTE.TXT §4.3.7."""
_KEPT_IN_MEMORY: Final = 64 * 2**20
_COPIED_AT_ONCE: Final = 2**20
_ENCRYPTED: Final = 0x1


@dataclass(slots=True)
class ZipMemberSource:
    """One member; a stored one is read in place, a compressed one unpacked on the first read."""

    file: SourceFile
    _archive: Source
    _member: zipfile.ZipInfo
    _start: int | None
    """Offset of the member's bytes in the archive, if they are stored as they are."""
    _unpacked: IO[bytes] | None = None
    _log: list[Request] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def open(cls, archive: Source, member: str) -> Self:
        """Find a member by its name in an open archive, which the result closes with itself.

        Raises
        ------
        LocationError
            ``archive-damaged``, ``archive-member-missing``, ``archive-member-refused``
            (encrypted, or a folder).
        """
        where = f"zip://{member}::{archive.file.url}"
        info = _find(archive, member, where)
        stored = info.compress_type == zipfile.ZIP_STORED
        start = _start_of(archive, info, where) if stored else None
        file = SourceFile(
            where,
            size=info.file_size,
            mtime_ns=archive.file.mtime_ns,
            etag=f"crc32-{info.CRC:08x}",
        )
        return cls(file, archive, info, start)

    @property
    def size(self) -> int:
        return self._member.file_size

    @property
    def local_path(self) -> str | None:
        return None

    @property
    def requests(self) -> Sequence[Request]:
        return tuple(self._log)

    def get_ranges(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        check_ranges(self.file, self.size, ranges)
        began = time.perf_counter()
        if self._start is None:
            parts = [self._from_unpacked(ByteRange(*one)) for one in ranges]
        else:
            moved = [ByteRange(offset + self._start, length) for offset, length in ranges]
            parts = self._archive.get_ranges(moved)
        seconds = time.perf_counter() - began
        self._log.extend(Request(*one, seconds) for one in ranges if one[1])
        return parts

    def close(self) -> None:
        with self._lock:
            if self._unpacked is not None:
                self._unpacked.close()
        self._archive.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _from_unpacked(self, wanted: ByteRange) -> bytes:
        with self._lock:
            if self._unpacked is None:
                self._unpacked = self._unpack()
            self._unpacked.seek(wanted.offset)
            return self._unpacked.read(wanted.length)

    def _unpack(self) -> IO[bytes]:
        """Unpack into memory, or a temporary file if large; never more than was announced."""
        target = tempfile.SpooledTemporaryFile(_KEPT_IN_MEMORY)  # noqa: SIM115 - closed by close()
        done = 0
        try:
            with (
                SourceFileObject(self._archive) as packed,
                zipfile.ZipFile(packed) as opened,
                opened.open(self._member) as data,
            ):
                while part := data.read(_COPIED_AT_ONCE):
                    done += len(part)
                    target.write(part)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            target.close()
            raise LocationError(_damaged(self.file.url, error)) from error
        except BaseException:
            target.close()
            raise
        if done != self.size:
            target.close()
            raise short_read(self.file, ByteRange(0, self.size), found=done)
        return target


def _find(archive: Source, member: str, where: str) -> zipfile.ZipInfo:
    try:
        with SourceFileObject(archive) as packed, zipfile.ZipFile(packed) as opened:
            names = opened.namelist()
            if member not in names:
                raise LocationError(_missing(where, member, names))
            info = opened.getinfo(member)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise LocationError(_damaged(where, error)) from error
    if info.is_dir() or info.flag_bits & _ENCRYPTED:
        reason = "is a folder of the archive" if info.is_dir() else "is encrypted"
        raise LocationError(
            Problem(
                code="archive-member-refused",
                where=where,
                what=f"member {member!r} {reason}",
                hint="unpack the archive, and open the files from there",
            )
        )
    return info


def _start_of(archive: Source, info: zipfile.ZipInfo, where: str) -> int:
    """Return the offset of a stored member: names may differ in length from the directory's."""
    head = ByteRange(info.header_offset, _LOCAL_HEADER)
    header = archive.get_ranges([head])[0]
    if header[:4] != b"PK\x03\x04":
        found = f"no member begins at byte {info.header_offset} of the archive"
        raise LocationError(_damaged(where, found))
    lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    start = info.header_offset + _LOCAL_HEADER + lengths
    check_ranges(archive.file, archive.size, [ByteRange(start, info.file_size)])
    return start


def _missing(where: str, member: str, names: list[str]) -> Problem:
    shown = ", ".join(repr(one) for one in names[:5])
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return Problem(
        code="archive-member-missing",
        where=where,
        what=f"the archive has no member {member!r}; it has {shown or 'none'}{more}",
        hint="choose one of the members that are there",
    )


def _damaged(where: str, reason: object) -> Problem:
    return Problem(
        code="archive-damaged",
        where=where,
        what=f"{name(where)} cannot be unpacked: {reason}",
        hint="test the archive with `unzip -t`, and fetch it again",
    )
