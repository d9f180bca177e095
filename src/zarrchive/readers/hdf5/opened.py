"""One open HDF5 file over a Source, and what all parts of the reader need to know of it."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from zarrchive.errors import FormatError, LocationError, Problem, StaleSourceError
from zarrchive.location.file_object import SourceFileObject
from zarrchive.readers.hdf5.file_bytes import file_bytes, run
from zarrchive.readers.hdf5.global_heap import GlobalHeaps
from zarrchive.readers.hdf5.object_header import read_header
from zarrchive.readers.hdf5.problems import H5PY_ERRORS
from zarrchive.readers.hdf5.requests import PARSE_ERRORS, NotUnderstood, Trouble
from zarrchive.readers.hdf5.superblock import Superblock, read_superblock, with_extension

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import h5py
    from h5py import h5f

    from zarrchive.location.source import Source
    from zarrchive.readers.hdf5.file_bytes import FileBytes
    from zarrchive.readers.hdf5.linked_files import LinkedFiles
    from zarrchive.readers.hdf5.object_header import Message
    from zarrchive.readers.hdf5.requests import Steps

__all__ = ["OpenFile", "opened", "raise_if_ours"]

_LOG: Final = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class OpenFile:
    """An open file."""

    source: Source
    inline: frozenset[str] | None
    """Names of the arrays whose values are wanted; None means every dimension coordinate."""
    data: FileBytes
    superblock: Superblock
    is_parsed: bool
    """Whether objects are parsed here; otherwise all of them are left to h5py."""
    heaps: GlobalHeaps
    header: Callable[[Superblock, int], Steps[tuple[Message, ...]]] = read_header
    """Reads the object header of a group or dataset."""
    largest_run: int | None = None
    """Bytes that a chunk of contiguous data has at most; None: they are one chunk."""
    paths: dict[int, bytes] = field(default_factory=dict)
    """A path of each object that was found, by address."""
    claimed: set[int] = field(default_factory=set)
    """Addresses of objects inside of groups that were read as others; their paths are not known."""
    linked: LinkedFiles | None = None
    """Follows links into other files; None: they are not followed."""
    left_to_h5py: list[str] = field(default_factory=list)
    """What h5py had to read, with the reason; for the log, and for tests."""
    _h5py: h5py.File | None = None

    @property
    def where(self) -> str:
        """URL of the file."""
        return self.source.file.url

    @property
    def fid(self) -> h5f.FileID:
        """The file as h5py has it, opened on first use.

        Raises `FormatError` with code ``hdf5-unreadable`` where HDF5 refuses the whole file.
        """
        if self._h5py is None:
            self._h5py = _open_h5py(self.source)
        return self._h5py.id

    def leave(self, what: str, why: object) -> None:
        """Take note of something that is left to h5py."""
        self.left_to_h5py.append(f"{what}: {why}")

    def close(self) -> None:
        """Close what h5py has opened, and say what was left to it."""
        if self._h5py is not None:
            # HDF5 may fail to close what is damaged; it has said all that it had to say.
            with suppress(*H5PY_ERRORS):
                self._h5py.close()
        if self.left_to_h5py:
            _LOG.info(
                "%s: %d objects were left to h5py, the first is %s",
                self.where,
                len(self.left_to_h5py),
                self.left_to_h5py[0],
            )


@contextmanager
def opened(source: Source, inline: frozenset[str] | None) -> Iterator[OpenFile]:
    """Open `source`: its bytes are mapped or fetched as they are needed.

    Raises `FormatError` with code ``hdf5-unreadable`` where it cannot be read as a whole.
    """
    _check_lock(source)
    if not source.size:
        raise FormatError(_unreadable(source, "it is empty"))
    data = file_bytes(source)
    try:
        superblock, is_parsed = run(_complete_superblock(source.size), data), True
    except NotUnderstood:
        superblock, is_parsed = _by_h5py(source), False
    except (Trouble, *PARSE_ERRORS) as error:
        raise FormatError(_unreadable(source, str(error))) from error
    file = OpenFile(source, inline, data, superblock, is_parsed, GlobalHeaps(superblock))
    try:
        yield file
    finally:
        file.close()


def _complete_superblock(size: int) -> Steps[Superblock]:
    superblock = yield from read_superblock(size)
    if superblock.extension is not None:
        messages = yield from read_header(superblock, superblock.extension)
        superblock = with_extension(superblock, messages)
    return superblock


def _check_lock(source: Source) -> None:
    """Refuse a local file that another program has locked to write it, as HDF5 does."""
    if source.local_path is None or os.environ.get("HDF5_USE_FILE_LOCKING", "") in {"FALSE", "0"}:
        return
    try:
        import fcntl
    except ImportError:
        return
    try:
        descriptor = os.open(source.local_path, os.O_RDONLY)
    except OSError:
        return  # it has gone since; reading will say so
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
        words = "another program has locked it"
        raise FormatError(_unreadable(source, words)) from error
    except OSError:
        pass  # a file system without locks
    finally:
        os.close(descriptor)


def _open_h5py(source: Source) -> h5py.File:
    import h5py

    target: Any = source.local_path
    if target is None:
        target = SourceFileObject(source)
    try:
        return h5py.File(target, "r")
    except H5PY_ERRORS as error:
        raise_if_ours(error)
        raise FormatError(_unreadable(source, f"HDF5 says: {error}")) from error


def _by_h5py(source: Source) -> Superblock:
    """Return what h5py tells of a file whose superblock is not understood here."""
    from h5py import h5g

    with _open_h5py(source) as file:
        try:
            plist = file.id.get_create_plist()
            address_size, length_size = plist.get_sizes()
            low, high = h5g.get_objinfo(file["/"].id).objno
        except H5PY_ERRORS as error:
            raise_if_ours(error)
            raise FormatError(_unreadable(source, f"HDF5 says: {error}")) from error
        return Superblock(
            version=-1,
            base=int(plist.get_userblock()),
            address_size=address_size,
            length_size=length_size,
            size=source.size,
            root=int(low | high << 32),
        )


def raise_if_ours(error: BaseException) -> None:
    """Raise the error of the source that h5py wrapped, if there is one.

    A lost connection is no damage of the file.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, LocationError | StaleSourceError):
            raise cause
        cause = cause.__cause__ or cause.__context__


def _unreadable(source: Source, words: str) -> Problem:
    return Problem(
        code="hdf5-unreadable",
        where=source.file.url,
        what=f"this file of {source.size} bytes cannot be read as HDF5: {' '.join(words.split())}",
        hint="compare its size with the original: it is probably damaged, incomplete, or still "
        "being written",
    )
