"""Which entries of a listing are shown, and in what order."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from zarrchive.location.listing import FolderEntry
    from zarrchive.session.state import Listing, Sniff

__all__ = ["shown_entries"]

_DIGITS = re.compile(r"(\d+)")


def shown_entries(listing: Listing, sniffed: Mapping[str, Sniff]) -> tuple[int, ...]:
    """Return the indices of the entries that pass the filter, in the chosen order.

    Folders come first. What is unknown (no size, no date, no format) comes last in either
    direction; equal entries are ordered by name.
    """
    matches = _matcher(listing.filter)
    chosen = [i for i, entry in enumerate(listing.entries) if matches(entry.name)]
    backwards = listing.sort == "name" and listing.descending
    chosen.sort(key=lambda i: natural_key(listing.entries[i].name), reverse=backwards)
    if listing.sort != "name":
        values = [_value(listing, listing.entries[i], sniffed) for i in chosen]
        known = [i for i, value in zip(chosen, values, strict=True) if value is not None]
        unknown = [i for i, value in zip(chosen, values, strict=True) if value is None]
        value_of = dict(zip(chosen, values, strict=True))
        known.sort(key=value_of.__getitem__, reverse=listing.descending)
        chosen = [*known, *unknown]
    folders = [i for i in chosen if listing.entries[i].kind == "folder"]
    files = [i for i in chosen if listing.entries[i].kind == "file"]
    return (*folders, *files)


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Order names as people do: ``day2`` before ``day10``; case does not matter."""
    parts = _DIGITS.split(name.casefold())
    return tuple((0, int(p), "") if i % 2 else (1, 0, p) for i, p in enumerate(parts) if p)


def _matcher(text: str) -> Callable[[str], bool]:
    text = text.strip().casefold()
    if any(sign in text for sign in "*?["):
        pattern = re.compile(translate(text))
        return lambda name: pattern.match(name.casefold()) is not None
    return lambda name: text in name.casefold()


def _value(listing: Listing, entry: FolderEntry, sniffed: Mapping[str, Sniff]) -> Any:  # noqa: ANN401
    if listing.sort == "format":
        sniff = sniffed.get(entry.url)
        return None if sniff is None else sniff.format
    return entry.size if listing.sort == "size" else entry.modified
