"""Read the hierarchy of a file at any location, with whichever reader it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zarrchive.errors import FormatError, Problem, StaleSourceError, ZarrchiveError
from zarrchive.location import open_source, redact_text
from zarrchive.location.identity import problems_of_change
from zarrchive.location.local import local_file
from zarrchive.location.redact import causes_of, presentable_cause
from zarrchive.readers.detect import detect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike
    from typing import Any

    from zarrchive.location.source import Source
    from zarrchive.manifests import ManifestGroup
    from zarrchive.readers.protocol import Reader

__all__ = ["read_group", "read_source"]


def read_group(
    url: str | PathLike[str],
    *,
    reader: str | Reader | None = None,
    group: str | None = None,
    inline: frozenset[str] | None = frozenset(),
    storage_options: Mapping[str, Any] | None = None,
) -> ManifestGroup:
    """Map the hierarchy of one file, without reading chunk data.

    Parameters
    ----------
    url
        A path or URL.
    reader
        Name of the reader to use, or one; by default the first bytes decide.
    group
        Path of the group to begin at; by default the root.
    inline
        Names of the arrays whose values to keep in the result; None means every dimension
        coordinate.
    storage_options
        What the file system of `url` needs, as fsspec takes it.

    Raises
    ------
    LocationError
        If the file cannot be reached or is none (see `zarrchive.location.open_source`).
    FormatError
        If no reader knows the file (see `zarrchive.readers.detect.detect`), or nothing of it
        can be used; ``reader-failed`` for whatever else a reader raises.
    StaleSourceError
        ``source-changed`` if a local file changes while it is read.
    """
    with open_source(url, storage_options=storage_options) as source:
        return read_source(source, reader=reader, group=group, inline=inline)


def read_source(
    source: Source,
    *,
    reader: str | Reader | None = None,
    group: str | None = None,
    inline: frozenset[str] | None = frozenset(),
) -> ManifestGroup:
    """Map the hierarchy of an open source, as `read_group` does; the source stays open."""
    chosen = detect(source, reader)
    try:
        hierarchy = chosen.read(source, group=group, inline=inline)
    except ZarrchiveError:
        raise
    except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
        # A library may have wrapped an error of ours, such as a short read, in its own.
        for cause in causes_of(error):
            if isinstance(cause, ZarrchiveError):
                raise cause from None
        raise FormatError(_failed(chosen, source, error)) from presentable_cause(error)
    _check_unchanged(source)
    return hierarchy


def _check_unchanged(source: Source) -> None:
    """Refuse references into a local file that was rewritten or replaced meanwhile."""
    if source.local_path is None:
        return
    if problems := problems_of_change(source.file, local_file(source.local_path)):
        raise StaleSourceError(*problems)


def _failed(reader: Reader, source: Source, error: Exception) -> Problem:
    reason = redact_text(str(error)) or "no reason given"
    return Problem(
        code="reader-failed",
        where=source.file.url,
        what=f"the reader {reader.name!r} gave up with {type(error).__name__}: {reason}",
        hint="the file is probably damaged; compare its size with the original, or report it",
    )
