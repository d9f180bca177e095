"""Find the reader for a file: by its first bytes, never by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from zarrchive.errors import FormatError, Problem
from zarrchive.location.source import ByteRange
from zarrchive.plugins import readers
from zarrchive.readers.protocol import Match
from zarrchive.readers.signatures import HDF5_SIGNATURE, Format, sniff

if TYPE_CHECKING:
    from zarrchive.location.source import Source
    from zarrchive.readers.protocol import Reader

__all__ = ["Format", "detect", "format_of", "sniff"]

_HEAD: Final = 4096
"""Bytes; what a reader is shown."""


def format_of(source: Source) -> Format | None:
    """Name the format of a file, for display; None if it is of no known kind.

    Reads the first 4096 bytes, and where they tell nothing, 8 bytes at each place where HDF5
    may begin after a user block.
    """
    head = _head(source)
    found = sniff(head)
    # The user block may itself be of a known kind: text, or another format's header.
    return sniff(HDF5_SIGNATURE) if _user_block_end(source, head) else found


def detect(source: Source, reader: str | Reader | None = None) -> Reader:
    """Return the reader for a file.

    Every installed reader is shown the first bytes; the surest one is taken, of several the
    first by name.

    Parameters
    ----------
    source
        At most 4096 bytes of it are read, and 8 at each place where HDF5 may begin.
    reader
        Name of a reader, or a reader, to be taken without asking.

    Raises
    ------
    FormatError
        ``file-empty``, ``format-not-data`` (an HTML page, text, a picture, ...),
        ``format-no-reader`` or ``format-unknown``; the message says what the file is.
    PluginError
        If `reader` names none that is installed.
    """
    if source.size == 0:
        raise FormatError(_problem_of(sniff(b""), source))
    if isinstance(reader, str):
        return readers.get(reader)
    if reader is not None:
        return reader
    head = _head(source)
    heads = [head]
    if start := _user_block_end(source, head):
        heads.append(_read(source, start, _HEAD))
    ranked = [(_best_match(one, heads, source.file.url), one) for one in readers.usable()]
    for sureness in (Match.YES, Match.MAYBE):
        for match, candidate in ranked:
            if match is sureness:
                return candidate
    found = sniff(HDF5_SIGNATURE) if len(heads) > 1 else sniff(head)
    raise FormatError(_problem_of(found, source), *readers.broken.values())


def _best_match(reader: Reader, heads: list[bytes], url: str) -> Match:
    try:
        return max((reader.match(head, url) for head in heads), key=lambda match: match.value)
    except Exception:  # noqa: BLE001 - a plug-in that fails here must not hide the others
        return Match.NO


def _head(source: Source) -> bytes:
    return _read(source, 0, _HEAD)


def _read(source: Source, start: int, length: int) -> bytes:
    return source.get_ranges([ByteRange(start, min(length, source.size - start))])[0]


def _user_block_end(source: Source, head: bytes) -> int:
    """Return where HDF5 begins behind a user block (512 · 2ⁿ bytes), or 0 if nowhere."""
    if head.startswith(HDF5_SIGNATURE):
        return 0
    for start in (512, 1024, 2048):
        if head.startswith(HDF5_SIGNATURE, start):
            return start
    if _is_known(head):
        return 0
    width = len(HDF5_SIGNATURE)
    starts = []
    start = _HEAD
    while start + width <= source.size:
        starts.append(start)
        start *= 2
    found = source.get_ranges([ByteRange(start, width) for start in starts])
    hits = (at for at, part in zip(starts, found, strict=True) if part == HDF5_SIGNATURE)
    return next(hits, 0)


def _is_known(head: bytes) -> bool:
    """Tell whether the first bytes alone say what the file is, so that no probe is needed."""
    found = sniff(head)
    return found is not None and found.key not in _MAYBE_USER_BLOCK


_MAYBE_USER_BLOCK: Final = frozenset({"text", "xml", "json", "zeros"})


def _problem_of(found: Format | None, source: Source) -> Problem:
    where = source.file.url
    names = ", ".join(name for one in readers.usable() for name in one.formats) or "none"
    if found is None:
        return Problem(
            code="format-unknown",
            where=where,
            what=f"is of no known format: it begins with {_head(source)[:8]!r}",
            hint=f"check what made the file; formats that can be read: {names}",
        )
    if found.key == "empty":
        return Problem(
            code="file-empty", where=where, what="is empty: it has 0 bytes", hint=found.hint
        )
    if not found.holds_data:
        return Problem(
            code="format-not-data", where=where, what=f"is {found.title}", hint=found.hint
        )
    return Problem(
        code="format-no-reader",
        where=where,
        what=f"is {found.title}, for which no reader is installed (installed: {names})",
        hint=found.hint,
    )
