"""What lies at a location: a folder's entries, the matches of a pattern, or one file's folder."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from zarrchive.errors import LocationError, Problem, ZarrchiveError
from zarrchive.location import is_local, normalise, open_source, parent, redact
from zarrchive.location import name as name_of
from zarrchive.location.expand import expand, has_pattern
from zarrchive.location.listing import FolderEntry, list_folder
from zarrchive.location.local import local_file
from zarrchive.readers import format_of
from zarrchive.session.state import Sniff

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Browsed", "browse", "sniff_file"]

_DATA_SUFFIXES: Final = frozenset(
    {"nc", "nc4", "cdf", "h5", "hdf", "hdf5", "he5", "grib", "grib2", "grb", "grb2", "tif", "fits"}
)
_NETCDF_SUFFIXES: Final = frozenset({"nc", "nc4", "cdf"})


@dataclass(frozen=True, slots=True)
class Browsed:
    """The contents of a location."""

    url: str
    entries: tuple[FolderEntry, ...]
    file: str | None = None
    """The file that was asked for, where its folder is listed instead."""


def browse(location: str, *, storage_options: Mapping[str, Any] | None = None) -> Browsed:
    """List a folder, a zip archive, a pattern or a list of files; for a file, its folder.

    Raises
    ------
    LocationError
        If it does not exist, may not be read, or its file system is not available.
    """
    url = normalise(location)
    exists = is_local(url) and os.path.lexists(url)
    is_list = url.lower().endswith(".txt") and not (exists and os.path.isdir(url))  # noqa: PTH112
    if is_list or (has_pattern(url) and not exists):
        found = expand(url, storage_options=storage_options)
        return Browsed(redact(url), tuple(_entry_of(file) for file in found))
    if exists and url.lower().endswith(".zip") and os.path.isfile(url):  # noqa: PTH113
        url = f"zip://::{url}"
    try:
        listing = list_folder(url, storage_options=storage_options)
    except LocationError as error:
        folder = parent(url)
        if error.problem.code != "location-not-a-folder" or folder is None:
            raise
        listing = list_folder(folder, storage_options=storage_options)
        return Browsed(listing.url, _with_utf8_names(listing.entries), file=redact(url))
    return Browsed(listing.url, _with_utf8_names(listing.entries))


def sniff_file(url: str, *, storage_options: Mapping[str, Any] | None = None) -> Sniff:
    """Say what a file is by its first bytes; one small read."""
    try:
        with open_source(url, storage_options=storage_options) as source:
            found = format_of(source)
    except ZarrchiveError as error:
        return Sniff(None, error.problem)
    if found is None:
        return Sniff(None)
    suffix = name_of(url).rpartition(".")[2].lower()
    if found.key == "hdf5":
        # The bytes are those of HDF5 either way; the name tells which of its dialects is meant.
        return Sniff("netCDF-4" if suffix in _NETCDF_SUFFIXES else "HDF5")
    if found.holds_data or suffix not in _DATA_SUFFIXES:
        return Sniff(found.title)
    problem = Problem(code="format-not-data", where=url, what=f"is {found.title}", hint=found.hint)
    return Sniff(found.title, problem)


def _entry_of(url: str) -> FolderEntry:
    """Return the line of a file that was named; a remote one is not asked about."""
    if not is_local(url):
        return FolderEntry(name_of(url), url, "file")
    try:
        file = local_file(url)
    except LocationError as error:
        return FolderEntry(name_of(url), url, "file", problem=error.problem)
    modified = None if file.mtime_ns is None else file.mtime_ns / 1e9
    return FolderEntry(name_of(url), url, "file", file.size, modified)


def _with_utf8_names(entries: tuple[FolderEntry, ...]) -> tuple[FolderEntry, ...]:
    """Keep names that no message can carry from being chosen, and say why."""
    return tuple(entry if _is_utf8(entry.url) else _unnameable(entry) for entry in entries)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unnameable(entry: FolderEntry) -> FolderEntry:
    name = entry.name.encode(errors="replace").decode()
    url = entry.url.encode(errors="replace").decode()
    problem = Problem(
        code="location-name",
        where=url,
        what="its name is not valid UTF-8, so the interface cannot name it",
        hint="rename it, or open it from Python",
    )
    return replace(entry, name=name, url=url, kind="file", problem=problem)
