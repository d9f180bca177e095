"""URLs and paths: one spelling for each location, and none that shows a credential.

A location is either a plain absolute local path, exactly as the operating system has it
(``/data/50% of a+b #1.nc``), or an absolute URL (``s3://bucket/key``). A string is a URL when it
begins with ``scheme://`` or with a chain of fsspec such as ``simplecache::https://``; everything
else is a path. ``zip://member.nc::/data/archive.zip`` is a member of a zip archive.
"""

from __future__ import annotations

import os
import re
from typing import Final, TypeAlias
from urllib.parse import quote, unquote

from zarrchive.errors import LocationError, Problem

__all__ = [
    "StrPath",
    "crumbs",
    "is_local",
    "join",
    "name",
    "normalise",
    "parent",
    "protocol",
    "split_archive",
]

StrPath: TypeAlias = str | os.PathLike[str]

_URL: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]+::)*[A-Za-z][A-Za-z0-9+.-]+://")
_WEB: Final = frozenset({"http", "https"})
_FILE: Final = frozenset({"file", "local"})
_ZIP: Final = "zip://"
_MEMBER: Final = re.compile(r"zip://(.*?)::((?!:).+)", re.DOTALL)


def is_local(url: str) -> bool:
    """Tell whether `url` is a plain local path."""
    return _URL.match(url) is None


def protocol(url: str) -> str:
    """Return the scheme in lower case; ``file`` for a plain path."""
    return "file" if is_local(url) else url.partition(":")[0].lower()


def normalise(url: StrPath) -> str:
    """Return the one spelling of a location: an absolute path, or an absolute URL.

    Applying it twice changes nothing. No file is read; symbolic links are followed only where
    ``..`` makes it necessary.

    Parameters
    ----------
    url
        A path object is always a path. In a string, a leading ``~/`` is the home folder,
        and ``file://`` URLs are percent-decoded.

    Raises
    ------
    LocationError
        ``location-empty`` for an empty string, ``location-host`` for a ``file://`` URL of
        another machine.
    """
    if not isinstance(url, str):
        return _absolute(os.fsdecode(url))
    if not url:
        raise LocationError(
            Problem(
                code="location-empty",
                where="location",
                what="the path or URL is an empty string",
                hint="give the path or URL of a file or folder",
            )
        )
    if is_local(url):
        home = url == "~" or url.startswith("~/")
        return _absolute(os.path.expanduser(url) if home else url)  # noqa: PTH111 - no Path(): it collapses //
    scheme, _, rest = url.partition(":")
    scheme = scheme.lower()
    if scheme in _FILE and rest.startswith("//"):
        return _absolute(_path_of_file_url(rest[2:]))
    return _spelled(scheme, rest)


def split_archive(url: str) -> tuple[str, str] | None:
    """Split ``zip://member::archive`` into the member and the archive's location."""
    found = _MEMBER.fullmatch(url)
    return (found[1], found[2]) if found else None


def join(folder: str, child: str) -> str:
    """Return the location of the entry `child` (a plain name or relative path) of `folder`."""
    if is_local(folder):
        return os.path.join(folder, child)  # noqa: PTH118 - a location is a string
    if parts := split_archive(folder):
        member = f"{parts[0].rstrip('/')}/{child}" if parts[0].strip("/") else child
        return f"{_ZIP}{member}::{parts[1]}"
    base, mark, query = _split_query(folder)
    if protocol(folder) in _WEB:
        child = quote(child, safe="/:@!$&'()*+,;=~")
    separator = "" if base.endswith("/") else "/"
    return f"{base}{separator}{child}{mark}{query}"


def parent(url: str) -> str | None:
    """Return the folder that holds `url`; None at the top (``/``, ``s3://bucket``, a host)."""
    if is_local(url):
        folder = os.path.dirname(url.rstrip("/") or "/")  # noqa: PTH120 - a location is a string
        return folder if folder != url and folder else None
    if parts := split_archive(url):
        member, archive = parts
        if not member.strip("/"):
            return parent(archive)
        above = member.rstrip("/").rpartition("/")[0]
        return f"{_ZIP}{above}::{archive}"
    top, path = _split_top(_split_query(url)[0])
    if not path.strip("/"):
        return None
    above = path.rstrip("/").rpartition("/")[0]
    # Links on a web page are relative to its folder, and only a final slash makes it one.
    return f"{top}{above}/" if protocol(url) in _WEB else f"{top}{above}"


def name(url: str) -> str:
    """Return the last part of a location, for display: ``b c.nc`` of ``https://h/a/b%20c.nc``."""
    if is_local(url):
        return os.path.basename(url.rstrip("/")) or url  # noqa: PTH119 - a location is a string
    if parts := split_archive(url):
        return parts[0].rstrip("/").rpartition("/")[2] or name(parts[1])
    top, path = _split_top(_split_query(url)[0])
    last = path.rstrip("/").rpartition("/")[2]
    if not last:
        return top.rstrip("/").rpartition("/")[2] or url
    return unquote(last) if protocol(url) in _WEB else last


def crumbs(url: str) -> list[tuple[str, str]]:
    """Return ``(name, location)`` of every folder on the way to `url`, the top first."""
    trail = []
    here: str | None = url
    while here is not None:
        trail.append((name(here), here))
        here = parent(here)
    return trail[::-1]


def _spelled(scheme: str, rest: str) -> str:
    url = f"{scheme}:{rest}"
    if parts := split_archive(url):
        return f"{_ZIP}{parts[0]}::{normalise(parts[1])}"
    if scheme == "memory":
        return f"memory://{rest.lstrip('/')}"
    # A fragment never reaches a web server (netCDF-C's "#mode=bytes" is one).
    return url.partition("#")[0] if scheme in _WEB else url


def _absolute(path: str) -> str:
    """Make a path absolute; ``..`` is resolved as the system does it, after symbolic links."""
    head, found, tail = f"/{path}/".rpartition("/../")
    if found:
        above = os.path.realpath(f"{head[1:] or '.'}/.." if head else "..")
        return os.path.abspath(os.path.join(above, tail.strip("/")))  # noqa: PTH100, PTH118 - a location is a string
    absolute = os.path.abspath(path)  # noqa: PTH100 - Path() cannot hold every string
    # POSIX gives exactly two leading slashes a meaning of their own that Linux does not use.
    return absolute[1:] if absolute.startswith("//") else absolute


def _path_of_file_url(rest: str) -> str:
    host, slash, path = rest.partition("/")
    if host not in {"", "localhost"} or not slash:
        machine = host.rpartition("@")[2]
        raise LocationError(
            Problem(
                code="location-host",
                where=f"file://{machine}/{path}",
                what=f"names the machine {machine!r}, but file:// URLs are of this one",
                hint="use three slashes before an absolute path, as in file:///data/a.nc",
            )
        )
    return unquote(f"/{path}", errors="surrogateescape")


def _split_query(url: str) -> tuple[str, str, str]:
    """Split a web URL at its query; elsewhere a question mark is part of the name."""
    return url.partition("?") if protocol(url) in _WEB else (url, "", "")


def _split_top(url: str) -> tuple[str, str]:
    """Split into ``scheme://host-or-bucket`` (or ``memory://``) and the path below it."""
    scheme, _, rest = url.partition("://")
    if scheme == "memory":
        return f"{scheme}://", rest.lstrip("/")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}", f"{slash}{path}"
