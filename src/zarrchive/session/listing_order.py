"""Which entries of a listing are shown, and in what order."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING, Any

from zarrchive.location.natural_order import natural_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from zarrchive.location.listing import FolderEntry
    from zarrchive.session.state import Listing, Sniff

__all__ = ["ordered_by_name", "shown_entries"]


def ordered_by_name(entries: Sequence[FolderEntry]) -> tuple[int, ...]:
    """Return the indices of `entries` in the order of their names, folders first."""
    keys = [(entry.kind != "folder", natural_key(entry.name)) for entry in entries]
    return tuple(sorted(range(len(entries)), key=keys.__getitem__))


def shown_entries(listing: Listing, sniffed: Mapping[str, Sniff]) -> tuple[int, ...]:
    """Return the indices of the entries that pass the filter, in the chosen order.

    Folders come first. What is unknown (no size, no date, no format) comes last in either
    direction; equal entries are ordered by name.
    """
    entries = listing.entries
    matches = _matcher(listing.filter)
    chosen = [i for i in listing.by_name if matches(entries[i].name)]
    if listing.sort == "name":
        parts = [[i for i in chosen if entries[i].kind == kind] for kind in ("folder", "file")]
        step = -1 if listing.descending else 1
        return tuple(i for part in parts for i in part[::step])
    values = {i: _value(listing, entries[i], sniffed) for i in chosen}
    folders = [i for i in chosen if entries[i].kind == "folder"]
    files = [i for i in chosen if entries[i].kind == "file"]
    known = [i for i in files if values[i] is not None]
    known.sort(key=values.__getitem__, reverse=listing.descending)
    return (*folders, *known, *(i for i in files if values[i] is None))


def _matcher(text: str) -> Callable[[str], object]:
    text = text.strip().casefold()
    if not text:
        return lambda _name: True
    if any(sign in text for sign in "*?["):
        pattern = re.compile(translate(text))
        return lambda name: pattern.match(name.casefold())
    return lambda name: text in name.casefold()


def _value(listing: Listing, entry: FolderEntry, sniffed: Mapping[str, Sniff]) -> Any:  # noqa: ANN401
    if listing.sort == "format":
        sniff = sniffed.get(entry.url)
        return None if sniff is None else sniff.format
    return entry.size if listing.sort == "size" else entry.modified
