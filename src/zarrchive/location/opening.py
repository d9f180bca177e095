"""Open any location as a source of byte ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zarrchive.errors import StaleSourceError
from zarrchive.location.credentials import recall, remember
from zarrchive.location.identity import SourceFile, problems_of_change
from zarrchive.location.local import LocalSource
from zarrchive.location.url import StrPath, is_local, normalise, protocol, split_archive

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from zarrchive.location.archive import ZipMemberSource
    from zarrchive.location.source import Source

__all__ = ["open_source"]


def open_source(
    url: StrPath | SourceFile, *, storage_options: Mapping[str, Any] | None = None
) -> Source:
    """Open one file, wherever it lies, for reading byte ranges.

    A local file costs one system call to open, a remote one a single request for its size.

    Parameters
    ----------
    url
        A path, an absolute URL that fsspec understands, or ``zip://member::archive``. A
        `SourceFile` is opened only if it still is the file that was scanned.
    storage_options
        What the file system of `url` needs (credentials, endpoints), as fsspec takes it.

    Raises
    ------
    LocationError
        ``location-missing``, ``location-permission``, ``location-not-a-file``,
        ``location-unreadable``, ``location-protocol`` (unknown, or its package is missing).
    StaleSourceError
        ``source-changed`` if size, time or entity tag differ from those of a `SourceFile`.
    """
    seen = url if isinstance(url, SourceFile) else None
    target = normalise(url.url if isinstance(url, SourceFile) else url)
    source = _open(recall(target), storage_options)
    if seen is not None and (problems := problems_of_change(seen, source.file)):
        source.close()
        raise StaleSourceError(*problems)
    return source


def _open(url: str, storage_options: Mapping[str, Any] | None) -> Source:
    if is_local(url):
        return LocalSource.open(url)
    if parts := split_archive(url):
        return _open_member(*parts, storage_options)
    from zarrchive.location.remote import RemoteSource  # noqa: PLC0415 - imports fsspec

    remember(url)
    return RemoteSource.open(url, storage_options=storage_options)


def _open_member(
    member: str, location: str, storage_options: Mapping[str, Any] | None
) -> ZipMemberSource:
    from zarrchive.location.archive import ZipMemberSource  # noqa: PLC0415 - rarely needed

    # As in fsspec, options may be given by protocol: {"https": {...}}.
    inner = (storage_options or {}).get(protocol(location))
    options = inner if isinstance(inner, dict) else storage_options
    archive = _open(recall(location), options)
    try:
        return ZipMemberSource.open(archive, member)
    except BaseException:
        archive.close()
        raise
