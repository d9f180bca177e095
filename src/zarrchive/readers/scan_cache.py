"""What was read of files, kept in a folder: a file that has not changed is not read again."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from zarrchive.errors import LocationError, Problem
from zarrchive.location.identity import SourceFile
from zarrchive.manifests.packing import unpack

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike
    from typing import Self

    from zarrchive.manifests import ManifestGroup
    from zarrchive.readers.protocol import Reader

__all__ = ["ScanCache", "is_recognisable"]

_NAME: Final = "zarrchive-scans.sqlite"
_COMMIT_SECONDS: Final = 1.0
"""What was read is on disk after this time: an interruption loses no more."""
_TABLE: Final = """
create table if not exists scan (
    url text, how text, size integer, mtime_ns integer, etag text, packed blob,
    primary key (url, how)
) without rowid
"""
_AT_ONCE: Final = 500


def is_recognisable(file: SourceFile) -> bool:
    """Whether a changed file would be noticed: something besides its size is known."""
    return file.size is not None and (file.mtime_ns is not None or file.etag is not None)


class ScanCache:
    """Hierarchies of files, by URL and by how they were read, with the identity of each file.

    Used by one thread of one process; several processes may share a folder.

    Parameters
    ----------
    folder
        Made where it does not exist.
    reader, group, inline
        How files are read: as `zarrchive.readers.read_group` takes it. What was read in
        another way is passed over.

    Raises
    ------
    LocationError
        ``cache-unusable`` if the folder cannot be written to, or its database is damaged.
    """

    def __init__(
        self,
        folder: str | PathLike[str],
        *,
        reader: str | Reader | None,
        group: str | None,
        inline: frozenset[str] | None,
    ) -> None:
        self.path = Path(folder) / _NAME
        self._how = _how(reader, group, inline)
        self._committed = monotonic()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self.path, timeout=60)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        try:
            self._database.execute(_TABLE)
        except sqlite3.Error as error:
            self._database.close()
            raise self._unusable(error) from error

    def known(self, urls: Iterable[str]) -> dict[str, SourceFile]:
        """Return which of the files were read before, each with the identity that it had."""
        wanted, found = list(urls), {}
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            query = f"select url, size, mtime_ns, etag from scan where how = ? and url in ({marks})"  # noqa: S608 - question marks only
            for row in self._execute(query, (self._how, *some)):
                found[row[0]] = SourceFile(*row)
        return found

    def get(self, url: str) -> ManifestGroup | None:
        """Return what was read of a file; None where that is damaged, or was never read."""
        query = "select packed from scan where how = ? and url = ?"
        for (packed,) in self._execute(query, (self._how, url)):
            try:
                return unpack(packed)
            except (ValueError, KeyError, TypeError):
                return None
        return None

    def put(self, url: str, file: SourceFile, packed: bytes) -> None:
        """Keep what was read of a file."""
        row = (url, self._how, file.size, file.mtime_ns, file.etag, packed)
        self._execute("insert or replace into scan values (?, ?, ?, ?, ?, ?)", row)
        if monotonic() - self._committed > _COMMIT_SECONDS:
            self._commit()

    def close(self) -> None:
        """Write what was not written yet."""
        try:
            self._commit()
        finally:
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _commit(self) -> None:
        try:
            self._database.commit()
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        self._committed = monotonic()

    def _execute(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> LocationError:
        return LocationError(
            Problem(
                code="cache-unusable",
                where=str(self.path),
                what=f"what was read of files cannot be kept there: {error}",
                hint="name another folder, or remove this file; files are then read again",
            )
        )


def _how(reader: str | Reader | None, group: str | None, inline: frozenset[str] | None) -> str:
    """Say how files are read, by which version: as a key."""
    from importlib.metadata import version  # noqa: PLC0415 - not needed to import the package

    names = None if inline is None else sorted(inline)
    said = None if reader is None else reader if isinstance(reader, str) else repr(reader)
    return json.dumps([version("zarrchive"), said, (group or "").strip("/"), names])
