"""What lies at a location: a folder's entries, the matches of a glob, or one file's folder."""

from __future__ import annotations

import glob
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from zarrchive.errors import LocationError, Problem
from zarrchive.location import is_local, join, normalise, open_source, parent, redact
from zarrchive.location import name as name_of
from zarrchive.location.credentials import recall
from zarrchive.location.local import describe_os_error, problem_of_kind
from zarrchive.location.remote import file_system, modified_ns, problem_of_failure
from zarrchive.readers import format_of
from zarrchive.session.state import Entry, Sniff

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import Event

from zarrchive.errors import ZarrchiveError

__all__ = ["Browsed", "browse", "sniff_file"]

_DATA_SUFFIXES: Final = frozenset(
    {"nc", "nc4", "cdf", "h5", "hdf", "hdf5", "he5", "grib", "grib2", "grb", "grb2", "tif", "fits"}
)
_GLOB: Final = frozenset("*?[")
_NANO: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Browsed:
    """The contents of a location."""

    url: str
    entries: tuple[Entry, ...]
    file: str | None = None
    """The file that was asked for, where its folder is listed instead."""


def browse(
    location: str, *, storage_options: Mapping[str, Any] | None = None, cancelled: Event
) -> Browsed:
    """List a folder or the matches of a glob; for a file, the folder that holds it.

    Raises
    ------
    LocationError
        If it does not exist, may not be read, or its file system is not available.
    """
    url = normalise(location)
    if not is_local(url):
        return _browse_remote(url, storage_options)
    if _GLOB.intersection(url) and not os.path.lexists(url):
        return _browse_glob(url, cancelled)
    try:
        mode = os.stat(url).st_mode  # noqa: PTH116 - a location is a string
    except (OSError, ValueError) as error:
        raise LocationError(describe_os_error(url, error)) from error
    if stat.S_ISDIR(mode):
        return Browsed(url, _local_entries(url, cancelled))
    folder = parent(url) or url
    return Browsed(folder, _local_entries(folder, cancelled), file=url)


def sniff_file(url: str, *, storage_options: Mapping[str, Any] | None = None) -> Sniff:
    """Say what a file is by its first bytes; one small read."""
    try:
        with open_source(url, storage_options=storage_options) as source:  # type: ignore[attr-defined]
            found = format_of(source)
    except ZarrchiveError as error:
        return Sniff(None, error.problem)
    except OSError as error:
        return Sniff(None, describe_os_error(url, error))
    if found is None:
        return Sniff(None)
    looks_like_data = name_of(url).rpartition(".")[2].lower() in _DATA_SUFFIXES
    if found.holds_data or not looks_like_data:
        return Sniff(found.title)
    problem = Problem(
        code="format-not-data", where=url, what=f"is {found.title}", hint=found.hint
    )
    return Sniff(found.title, problem)


def _local_entries(folder: str, cancelled: Event) -> tuple[Entry, ...]:
    entries = []
    try:
        with os.scandir(folder) as found:
            for item in found:
                if cancelled.is_set():
                    break
                entries.append(_local_entry(join(folder, item.name), item.name))
    except OSError as error:
        raise LocationError(describe_os_error(folder, error)) from error
    return tuple(entries)


def _local_entry(url: str, name: str) -> Entry:
    name = name.encode(errors="replace").decode()
    try:
        status = os.stat(url)  # noqa: PTH116 - a location is a string
    except OSError as error:
        return Entry(url, name, "file", problem=describe_os_error(url, error))
    if stat.S_ISDIR(status.st_mode):
        return Entry(url, name, "folder", None, status.st_mtime)
    problem = problem_of_kind(url, status.st_mode)
    return Entry(url, name, "file", status.st_size, status.st_mtime, problem)


def _browse_glob(pattern: str, cancelled: Event) -> Browsed:
    base = pattern
    while _GLOB.intersection(base):
        base = parent(base) or "/"
    entries = []
    for path in glob.iglob(pattern, recursive=True):  # noqa: PTH207 - a location is a string
        if cancelled.is_set():
            break
        entries.append(_local_entry(path, path.removeprefix(base).lstrip("/")))
    if not entries:
        raise LocationError(
            Problem(
                code="location-no-match",
                where=pattern,
                what="no file matches this pattern",
                hint=f"check the pattern; it was looked up below {base}",
            )
        )
    return Browsed(pattern, tuple(entry for entry in entries if entry.kind == "file"))


def _browse_remote(url: str, storage_options: Mapping[str, Any] | None) -> Browsed:
    public = redact(url)
    try:
        system, path = file_system(recall(url), storage_options=storage_options)
        if not system.isdir(path) and system.exists(path):
            folder = parent(url)
            if folder is not None:
                return Browsed(redact(folder), _remote_entries(folder, storage_options), file=public)
        return Browsed(public, _remote_entries(url, storage_options))
    except ZarrchiveError:
        raise
    except Exception as error:
        raise LocationError(problem_of_failure(public, error)) from error


def _remote_entries(url: str, storage_options: Mapping[str, Any] | None) -> tuple[Entry, ...]:
    system, path = file_system(recall(url), storage_options=storage_options)
    entries = []
    for item in system.ls(path, detail=True):
        name = str(item["name"]).rstrip("/").rpartition("/")[2]
        if not name or str(item["name"]).rstrip("/") == path.rstrip("/"):
            continue
        modified = modified_ns(item)
        entries.append(
            Entry(
                redact(join(url, name)),
                name,
                "folder" if item.get("type") == "directory" else "file",
                item.get("size"),
                None if modified is None else modified * _NANO,
            )
        )
    return tuple(entries)
