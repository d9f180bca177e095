"""Order and filter of listings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.location.listing import FolderEntry
from zarrchive.session.listing_order import ordered_by_name, shown_entries
from zarrchive.session.state import Listing, Sniff

ENTRIES = st.lists(
    st.builds(
        FolderEntry,
        st.text("ab1²٣.-Ä", max_size=5),
        st.uuids().map(str),
        st.sampled_from(["folder", "file"]),
        st.none() | st.integers(0, 9),
        st.none() | st.floats(0, 9),
    ),
    max_size=12,
).map(tuple)


def shown(entries: tuple[FolderEntry, ...], **choice: object) -> list[FolderEntry]:
    listing = Listing(entries=entries, by_name=ordered_by_name(entries), **choice)
    sniffed = {entry.url: Sniff(entry.name[:1] or None) for entry in entries}
    return [entries[i] for i in shown_entries(listing, sniffed)]


@given(ENTRIES, st.sampled_from(["name", "size", "modified", "format"]), st.booleans())
def test_everything_is_shown_once_with_folders_first(
    entries: tuple[FolderEntry, ...], sort: str, descending: object
) -> None:
    found = shown(entries, sort=sort, descending=descending)
    assert sorted(entry.url for entry in found) == sorted(entry.url for entry in entries)
    kinds = [entry.kind for entry in found]
    assert kinds == sorted(kinds, reverse=True)


@given(ENTRIES, st.booleans())
def test_sizes_are_in_order_and_unknown_ones_last(
    entries: tuple[FolderEntry, ...], descending: object
) -> None:
    found = [e.size for e in shown(entries, sort="size", descending=descending) if e.kind == "file"]
    known = [size for size in found if size is not None]
    assert known == sorted(known, reverse=bool(descending))
    assert found[len(known) :] == [None] * (len(found) - len(known))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["day2.nc", "Day10.nc", "notes.txt"]),
        ("DAY", ["day2.nc", "Day10.nc"]),
        ("*.nc", ["day2.nc", "Day10.nc"]),
        ("day?.nc", ["day2.nc"]),
        ("[nx]*", ["notes.txt"]),
        (" nothing ", []),
    ],
)
def test_filters_and_the_order_of_numbers(text: str, expected: list[str]) -> None:
    names = ["Day10.nc", "notes.txt", "day2.nc"]
    entries = tuple(FolderEntry(name, f"/d/{name}", "file") for name in names)
    assert [entry.name for entry in shown(entries, filter=text)] == expected
