"""What lies in a folder, a bucket prefix, a web page of links or a zip archive."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import unquote

from zarrchive.errors import LocationError, Problem
from zarrchive.location.credentials import recall, remember
from zarrchive.location.local import describe_os_error, problem_of_kind
from zarrchive.location.redact import presentable_cause, redact
from zarrchive.location.url import StrPath, is_local, join, normalise, protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["FolderEntry", "Kind", "Listing", "list_folder"]

Kind: TypeAlias = Literal["folder", "file"]


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """One file or folder in a `Listing`."""

    name: str
    """As it is to be shown; a percent-encoded name of a web page is decoded."""
    url: str
    """Where it lies, without credentials."""
    kind: Kind
    size: int | None = None
    """Bytes; None for a folder, and where the server does not tell."""
    modified: float | None = None
    """Seconds since 1970-01-01 UTC; None where it is not known."""
    problem: Problem | None = None
    """Why the entry cannot be opened, where that is known already."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The entries of one folder: in order of their names, hidden ones last."""

    url: str
    """The folder, without credentials."""
    entries: tuple[FolderEntry, ...]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of all entries, in their order."""
        return tuple(entry.problem for entry in self.entries if entry.problem is not None)


def list_folder(url: StrPath, *, storage_options: Mapping[str, Any] | None = None) -> Listing:
    """List a folder; no file in it is opened.

    A local folder costs a few microseconds per entry, a remote one as few requests as its file
    system needs. An entry that cannot be looked at is kept, with its Problem.

    Parameters
    ----------
    url
        A folder, ``s3://bucket/prefix``, a web page of links, ``zip://folder::archive.zip``
        (``zip://::archive.zip`` is the top of an archive), ...
    storage_options
        What the file system of `url` needs, as fsspec takes it.

    Raises
    ------
    LocationError
        ``location-not-a-folder``, ``location-missing``, ``location-permission``,
        ``location-unreachable``, ``location-protocol``.
    """
    target = normalise(url)
    if is_local(target):
        return Listing(target, _ordered(_local_entries(target)))
    full = recall(target)
    public = remember(full)
    return Listing(public, _ordered(_remote_entries(full, public, storage_options)))


def _ordered(entries: Iterable[FolderEntry]) -> tuple[FolderEntry, ...]:
    return tuple(sorted(entries, key=lambda entry: (entry.name.startswith("."), entry.name)))


def _local_entries(folder: str) -> list[FolderEntry]:
    try:
        with os.scandir(folder) as found:
            return [_local_entry(folder, entry) for entry in found]
    except NotADirectoryError as error:
        raise LocationError(_not_a_folder(folder)) from error
    except (OSError, ValueError) as error:
        raise LocationError(describe_os_error(folder, error)) from error


def _local_entry(folder: str, entry: os.DirEntry[str]) -> FolderEntry:
    name = entry.name
    url = f"/{name}" if folder == "/" else f"{folder}/{name}"
    try:
        status = entry.stat()
    except OSError as error:
        cause = _broken_link(url) if entry.is_symlink() else describe_os_error(url, error)
        return FolderEntry(name, url, "file", problem=cause)
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        return FolderEntry(name, url, "folder", None, status.st_mtime)
    problem = None if stat.S_ISREG(mode) else problem_of_kind(url, mode)
    return FolderEntry(name, url, "file", status.st_size, status.st_mtime, problem)


def _remote_entries(
    full: str, public: str, storage_options: Mapping[str, Any] | None
) -> list[FolderEntry]:
    from zarrchive.location.remote import (  # noqa: PLC0415 - imports fsspec
        file_system,
        problem_of_failure,
    )

    system, path = file_system(full, storage_options=storage_options)
    try:
        system.invalidate_cache(path)
        found = system.ls(path, detail=True)
    except Exception as error:  # noqa: BLE001 - fsspec file systems may raise anything
        raise LocationError(problem_of_failure(full, error)) from presentable_cause(error)
    own = path.strip("/")
    if len(found) == 1 and found[0]["name"].strip("/") == own and found[0]["type"] == "file":
        raise LocationError(_not_a_folder(public))
    # Object stores list an empty object called like the folder; it stands for the folder itself.
    infos = [info for info in found if info["name"].strip("/") != own]
    if protocol(full) in {"http", "https"}:
        return _links(infos, public)
    return [_remote_entry(info, public) for info in infos]


def _remote_entry(info: Mapping[str, Any], folder: str) -> FolderEntry:
    from zarrchive.location.remote import modified_ns  # noqa: PLC0415 - imports fsspec

    name = info["name"].rstrip("/").rpartition("/")[2]
    nanoseconds = modified_ns(info)
    modified = None if nanoseconds is None else nanoseconds / 1e9
    url = join(folder, name)
    if info["type"] == "directory":
        return FolderEntry(name, url, "folder", None, modified)
    return FolderEntry(name, url, "file", info.get("size"), modified)


def _links(infos: Iterable[Mapping[str, Any]], folder: str) -> list[FolderEntry]:
    """Take the links of a web page that lead to entries right below it, each once."""
    entries = {}
    for info in infos:
        url = redact(info["name"])
        below = url.partition("#")[0].rstrip("/").rpartition("/")[2]
        # Pages of Apache and others link to themselves in another order: "?C=M;O=A".
        if below in {"", ".", ".."} or "?" in url:
            continue
        kind: Kind = "folder" if url.endswith("/") else "file"
        address = f"{folder.partition('?')[0].rstrip('/')}/{below}"
        address = f"{address}/" if kind == "folder" else address
        entries[address] = FolderEntry(unquote(below), address, kind, info.get("size"))
    return list(entries.values())


def _not_a_folder(url: str) -> Problem:
    return Problem(
        code="location-not-a-folder",
        where=url,
        what="is a file, not a folder",
        hint="open it as a file, or list the folder that holds it",
    )


def _broken_link(url: str) -> Problem:
    try:
        target = os.readlink(url)  # noqa: PTH115 - a location is a string
    except OSError:
        target = "?"
    return Problem(
        code="location-missing",
        where=url,
        what=f"is a symbolic link to {target}, where there is no file",
        hint="restore what it points to, or remove the link",
    )
