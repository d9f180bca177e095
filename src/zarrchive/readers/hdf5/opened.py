"""One open HDF5 file over a Source, and what all parts of the reader need to know of it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import h5py

from zarrchive.errors import FormatError, LocationError, Problem, StaleSourceError
from zarrchive.location.file_object import SourceFileObject
from zarrchive.location.source import ByteRange
from zarrchive.readers.hdf5.problems import H5PY_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h5py import h5f

    from zarrchive.location.source import Source

__all__ = ["OpenFile", "opened", "raise_if_ours"]

_SMALL_FILE: Final = 2**20
"""Bytes; reading that much takes no longer than a few small reads."""


@dataclass(frozen=True, slots=True)
class OpenFile:
    """An open file."""

    source: Source
    fid: h5f.FileID
    inline: frozenset[str] | None
    """Names of the arrays whose values are wanted; None means every dimension coordinate."""
    base: int
    """Bytes before the superblock (the user block); addresses count from here."""
    address_size: int
    length_size: int
    content: bytes | None = None
    """All bytes of a small local file, which saves a read for each object header."""

    @property
    def where(self) -> str:
        """URL of the file."""
        return self.source.file.url


@contextmanager
def opened(source: Source, inline: frozenset[str] | None) -> Iterator[OpenFile]:
    """Open `source` with h5py; local files are left to HDF5's own driver, which is faster.

    Raises `FormatError` with code ``hdf5-unreadable`` where HDF5 refuses the whole file.
    """
    target: Any = source.local_path
    if target is None:
        target = SourceFileObject(source)
    try:
        file = h5py.File(target, "r")
    except H5PY_ERRORS as error:
        raise_if_ours(error)
        raise FormatError(_unreadable(source, error)) from error
    try:
        plist = file.id.get_create_plist()
        address_size, length_size = plist.get_sizes()
        base = int(plist.get_userblock())
        content = _content(source)
        yield OpenFile(source, file.id, inline, base, address_size, length_size, content)
    finally:
        file.close()


def _content(source: Source) -> bytes | None:
    if source.local_path is None or source.size > _SMALL_FILE:
        return None
    return source.get_ranges([ByteRange(0, source.size)])[0]


def raise_if_ours(error: BaseException) -> None:
    """Raise the error of the source that h5py wrapped, if there is one.

    A lost connection is no damage of the file.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, LocationError | StaleSourceError):
            raise cause
        cause = cause.__cause__ or cause.__context__


def _unreadable(source: Source, error: BaseException) -> Problem:
    words = " ".join(str(error).split())
    return Problem(
        code="hdf5-unreadable",
        where=source.file.url,
        what=f"HDF5 refuses this file of {source.size} bytes: {words}",
        hint="compare its size with the original: it is probably damaged, incomplete, or still "
        "being written",
    )
