"""From what a person names (files, a folder, a pattern, a list) to the files that are meant."""

from __future__ import annotations

import glob
import os
import re
from typing import TYPE_CHECKING, Any, Final

from zarrchive.errors import LocationError, Problem
from zarrchive.location.credentials import recall, remember
from zarrchive.location.listing import list_folder
from zarrchive.location.local import describe_os_error
from zarrchive.location.opening import open_source
from zarrchive.location.redact import presentable_cause
from zarrchive.location.source import get_range
from zarrchive.location.url import StrPath, is_local, join, normalise, parent, protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["expand", "has_pattern", "is_data_name"]

_LIST_SUFFIX: Final = ".txt"
_LONGEST_LIST: Final = 256 * 2**20
"""Bytes; two million URLs of ordinary length."""
_NOT_DATA: Final = frozenset(
    """
    .bib .cfg .css .csv .doc .docx .gif .html .idx .ini .ipynb .jpeg .jpg .js .json .lock .log
    .md .md5 .pdf .png .py .rst .sh .sha256 .svg .tex .toml .tsv .txt .xml .yaml .yml
    """.split()  # noqa: SIM905 - readable as a list of words
)
_PATTERN: Final = re.compile(r"[*?\[]")
_WEB_PATTERN: Final = re.compile(r"[*\[]")
"""On the web, a question mark begins the query."""


def expand(
    what: StrPath | Iterable[StrPath], *, storage_options: Mapping[str, Any] | None = None
) -> list[str]:
    """Return the files that are meant, each once.

    Parameters
    ----------
    what
        One or several of: a file; a folder (its files, except hidden ones and those that are
        no data by their suffix, such as ``.md`` or ``.png``); a pattern with ``*``, ``?``,
        ``[...]`` and ``**`` (which matches any number of folders); a ``.txt`` file with one
        location per line (``#`` begins a comment, relative paths start at the list's folder).
        A file or folder that exists is meant literally, whatever its name. Of several, what
        is remote and no pattern is taken without asking the server.
    storage_options
        What the file systems need, as fsspec takes it.

    Returns
    -------
    list of str
        In the order given; files of a folder or a pattern in order of their names.

    Raises
    ------
    LocationError
        ``location-missing``, ``pattern-no-match``, ``folder-no-files``, ``list-no-files``, and
        those of listing and opening.
    """
    if isinstance(what, str | os.PathLike):
        found = _expand_one(what, storage_options, ask=True)
    else:
        found = [file for one in what for file in _expand_one(one, storage_options, ask=False)]
    return list(dict.fromkeys(found))


def has_pattern(url: str) -> bool:
    """Tell whether `url` contains characters that make it a pattern, unless it exists."""
    return (_WEB_PATTERN if protocol(url) in {"http", "https"} else _PATTERN).search(
        url
    ) is not None


def is_data_name(name: str) -> bool:
    """Tell whether a file may hold data as far as its name says: not hidden, no ``.md``, ..."""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a location is a string
    return not name.startswith(".") and suffix not in _NOT_DATA


def _expand_one(
    what: StrPath, storage_options: Mapping[str, Any] | None, *, ask: bool
) -> list[str]:
    url = normalise(what)
    if is_local(url):
        return _expand_local(url, storage_options)
    full = recall(url)
    public = remember(full)
    if url.lower().endswith(_LIST_SUFFIX) and not has_pattern(url):
        return _read_list(public, storage_options)
    if url.endswith("/"):
        return _files_of_folder(public, storage_options)
    if has_pattern(url):
        return _expand_remote_pattern(full, storage_options)
    if ask and protocol(url) not in {"http", "https"} and _is_folder(full, storage_options):
        return _files_of_folder(public, storage_options)
    return [public]


def _expand_local(path: str, storage_options: Mapping[str, Any] | None) -> list[str]:
    if os.path.isdir(path):  # noqa: PTH112 - a location is a string
        return _files_of_folder(path, storage_options)
    if os.path.lexists(path):
        is_list = path.lower().endswith(_LIST_SUFFIX)
        return _read_list(path, storage_options) if is_list else [path]
    if not has_pattern(path):
        raise LocationError(describe_os_error(path, FileNotFoundError()))
    pattern = _with_literal_folders(path)
    found = [one for one in glob.glob(pattern, recursive=True) if not os.path.isdir(one)]  # noqa: PTH112, PTH207
    if not found:
        raise LocationError(_no_match(path))
    return sorted(found)


def _with_literal_folders(path: str) -> str:
    """Escape the leading folders that exist as they are written, such as ``data[1]``."""
    done, parts = "/", path.strip("/").split("/")
    while len(parts) > 1 and os.path.isdir(os.path.join(done, parts[0])):  # noqa: PTH112, PTH118
        done = os.path.join(done, parts.pop(0))  # noqa: PTH118
    return os.path.join(glob.escape(done), *parts)  # noqa: PTH118


def _files_of_folder(url: str, storage_options: Mapping[str, Any] | None) -> list[str]:
    entries = list_folder(url, storage_options=storage_options).entries
    files = [entry.url for entry in entries if entry.kind == "file" and is_data_name(entry.name)]
    if files:
        return files
    raise LocationError(
        Problem(
            code="folder-no-files",
            where=url,
            what=f"none of the {len(entries)} entries of the folder is a data file",
            hint="name another folder, or a pattern such as */*.nc to look into its folders",
        )
    )


def _is_folder(full: str, storage_options: Mapping[str, Any] | None) -> bool:
    from zarrchive.location.remote import file_system  # noqa: PLC0415 - imports fsspec

    system, path = file_system(full, storage_options=storage_options)
    try:
        return bool(system.isdir(path))
    except Exception:  # noqa: BLE001 - opening it as a file will say what is wrong
        return False


def _expand_remote_pattern(full: str, storage_options: Mapping[str, Any] | None) -> list[str]:
    from zarrchive.location.remote import (  # noqa: PLC0415 - imports fsspec
        file_system,
        problem_of_failure,
    )

    system, path = file_system(full, storage_options=storage_options)
    fixed = full
    while has_pattern(fixed):
        above = parent(fixed)
        if above is None:
            raise LocationError(_no_match(remember(full)))
        fixed = above
    _, root = file_system(fixed, storage_options=storage_options)
    try:
        if system.exists(path):
            return [remember(full)]
        found = system.glob(path, detail=True)
    except Exception as error:  # noqa: BLE001 - fsspec file systems may raise anything
        raise LocationError(problem_of_failure(full, error)) from presentable_cause(error)
    names = [name for name, info in found.items() if info.get("type") != "directory"]
    if not names:
        raise LocationError(_no_match(remember(full)))
    if protocol(full) in {"http", "https"}:
        return sorted(remember(name) for name in names)
    below = (name.removeprefix(root).lstrip("/") for name in names)
    return sorted(remember(join(fixed, one)) for one in below)


def _read_list(url: str, storage_options: Mapping[str, Any] | None) -> list[str]:
    """Return the locations in a list; a relative path starts at the folder of the list.

    A file that is no text is no list, whatever its name; it is taken as it is.
    """
    with open_source(url, storage_options=storage_options) as source:
        if source.size > _LONGEST_LIST:
            raise LocationError(_bad_list(url, f"has {source.size} bytes"))
        data = get_range(source, 0, source.size)
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        return [url]
    named = [line.strip() for line in lines]
    named = [line for line in named if line and not line.startswith("#")]
    if not named:
        raise LocationError(_bad_list(url, "names no file"))
    folder = parent(url) or "/"
    return [_from_list(folder, line) for line in named]


def _from_list(folder: str, line: str) -> str:
    relative = is_local(line) and not line.startswith(("/", "~"))
    url = normalise(join(folder, line) if relative else line)
    return url if is_local(url) else remember(recall(url))


def _no_match(url: str) -> Problem:
    return Problem(
        code="pattern-no-match",
        where=url,
        what="no file matches this pattern",
        hint="check the spelling; ** matches any number of folders, * stays within one",
    )


def _bad_list(url: str, what: str) -> Problem:
    return Problem(
        code="list-no-files",
        where=url,
        what=f"this list of files {what}",
        hint="write one path or URL per line; to open the file itself, rename it to .nc",
    )
