"""Replace a file or a folder at once: a reader sees the old one or the new one, never a part.

The new content is written beside the target under a hidden name, made durable, and then put in
its place by one system call. A process that was killed leaves the old content where it was; what
it had begun is removed by the next write to the same target, which knows from a lock that nobody
is still at it.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import os
import secrets
import shutil
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["replaced_file", "replaced_folder"]

_fcntl: Final[Any] = importlib.import_module("fcntl") if os.name == "posix" else None
_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2


@contextmanager
def replaced_file(target: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `target` when the block ends without an exception."""
    target = _resolved(target)
    _remove_leftovers(target)
    temporary = _temporary(target)
    try:
        with temporary.open("xb") as file:
            _lock(file.fileno())
            yield file
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


@contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """Yield a new folder that takes the place of `target` when the block ends.

    Where the system can exchange two names (Linux), the target exists at every moment. Elsewhere
    it is absent between two renames; should the process die exactly there, the next write puts
    the old folder back before it begins.
    """
    target = _resolved(target)
    if not target.exists() and _kept_aside(target).exists():
        _kept_aside(target).rename(target)
    _remove_leftovers(target)
    temporary = _temporary(target)
    temporary.mkdir()
    handle = _open_folder(temporary)
    try:
        yield temporary
        _sync_tree(temporary)
        _put_in_place(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    finally:
        if handle is not None:
            os.close(handle)
    _sync_folder(target.parent)
    # After an exchange, the old content has the temporary name.
    for old in (temporary, _kept_aside(target)):
        shutil.rmtree(old, ignore_errors=True)


def _resolved(target: Path) -> Path:
    """Follow a symbolic link, so that what it points to is replaced and not the link."""
    return Path(os.path.realpath(target))


def _prefix(target: Path) -> str:
    # A digest: the target's own name may already be as long as names can be.
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
    return f".zarrchive-{digest}"


def _temporary(target: Path) -> Path:
    return target.with_name(f"{_prefix(target)}-{secrets.token_hex(4)}.tmp")


def _kept_aside(target: Path) -> Path:
    return target.with_name(f"{_prefix(target)}.old")


def _remove_leftovers(target: Path) -> None:
    for path in target.parent.glob(f"{_prefix(target)}-*.tmp"):
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY)
            try:
                if not _lock(handle):
                    continue
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()
            finally:
                os.close(handle)


def _lock(handle: int) -> bool:
    """Lock an open file for as long as it is open; False if another process holds it."""
    if _fcntl is None:  # pragma: no cover - Windows
        return False
    try:
        _fcntl.flock(handle, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
    except OSError:
        # Locked, or a file system without locks: then nobody knows, and it is left alone.
        return False
    return True


def _open_folder(folder: Path) -> int | None:
    """Open and lock a folder; None where the system does not open folders."""
    if _fcntl is None:  # pragma: no cover - Windows
        return None
    handle = os.open(folder, os.O_RDONLY)
    _lock(handle)
    return handle


def _put_in_place(folder: Path, target: Path) -> None:
    if not target.exists():
        folder.rename(target)
    elif not _exchanged(folder, target):
        shutil.rmtree(_kept_aside(target), ignore_errors=True)
        target.rename(_kept_aside(target))
        folder.rename(target)


def _exchanged(left: Path, right: Path) -> bool:
    """Exchange two names in one system call; False where there is no such call."""
    if sys.platform != "linux":  # pragma: no cover - other systems
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:  # pragma: no cover - old C libraries
        return False
    names = (_AT_FDCWD, os.fsencode(left), _AT_FDCWD, os.fsencode(right))
    return bool(renameat2(*names, _RENAME_EXCHANGE) == 0)


def _sync_tree(folder: Path) -> None:
    """Make everything below `folder` durable, with one call where the system has it."""
    if sys.platform == "linux":
        syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
        handle = os.open(folder, os.O_RDONLY)
        try:
            if syncfs is not None and syncfs(handle) == 0:
                return
        finally:
            os.close(handle)
    for path in sorted(folder.rglob("*")):  # pragma: no cover - other systems
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
