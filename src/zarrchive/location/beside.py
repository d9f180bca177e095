"""Other files that a file names: followed inside of its own folder, and nowhere else."""

from __future__ import annotations

import os.path
import posixpath
import re
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from zarrchive.errors import LocationError, Problem
from zarrchive.location.local import LocalSource, local_file
from zarrchive.location.url import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zarrchive.location.source import Source

__all__ = ["WithNeighbours", "neighbours_noted", "open_beside"]

_NOTED: Final[ContextVar[list[str] | None]] = ContextVar("_NOTED", default=None)

_ELSEWHERE: Final = re.compile(r"::|://|[\x00-\x1f\\]")
"""What could make another address of a name that is joined to a URL."""


@runtime_checkable
class WithNeighbours(Protocol):
    """A source that can open other objects of its folder."""

    def open_beside(self, relative: str) -> Source:
        """Open the object at a path relative to the folder, which it does not leave."""


@contextmanager
def neighbours_noted() -> Iterator[list[str]]:
    """Collect the names of all files that are looked for beside others, found or not.

    What is read meanwhile depends on them too.
    """
    names: list[str] = []
    before = _NOTED.set(names)
    try:
        yield names
    finally:
        _NOTED.reset(before)


def open_beside(source: Source, name: str, *, may_have_moved: bool = False) -> Source:
    """Open a file that `source` refers to by `name`.

    Parameters
    ----------
    source
        The file that refers to it.
    name
        Path as the file has it; relative ones begin at the folder of `source`.
    may_have_moved
        Whether an absolute path that leads nowhere means the file of that name in the folder
        of `source`, as HDF5 has it for virtual datasets.

    Raises
    ------
    LocationError
        ``location-outside`` where the name leads out of the folder, or a symbolic link does;
        ``location-alone`` where nothing is known of the folder; else as
        `zarrchive.location.open_source`.
    """
    if (noted := _NOTED.get()) is not None:
        noted.append(name)
    if source.local_path is not None:
        return LocalSource.open(_local(source.local_path, name, may_have_moved=may_have_moved))
    if not isinstance(source, WithNeighbours):
        raise LocationError(_alone(source, name))
    if posixpath.isabs(name) and may_have_moved:
        name = posixpath.basename(name)
    relative = posixpath.normpath(name)
    if posixpath.isabs(relative) or relative.split("/")[0] == ".." or _ELSEWHERE.search(name):
        raise LocationError(_outside(source.file.url, name))
    return source.open_beside(relative)


def _local(path: str, name: str, *, may_have_moved: bool) -> str:
    """Return the absolute path of a file that exists and lies in the folder of `path`."""
    folders = list(dict.fromkeys(os.path.dirname(p) for p in (path, os.path.realpath(path))))  # noqa: PTH120 - a location is a string
    wanted = name
    if os.path.isabs(name) and may_have_moved and not os.path.lexists(name):  # noqa: PTH117 - a location is a string
        wanted = os.path.basename(name)  # noqa: PTH119 - a location is a string
    candidates = [os.path.join(folder, wanted) for folder in folders]  # noqa: PTH118 - a location is a string
    found = next(filter(os.path.lexists, candidates), candidates[0])
    real = os.path.realpath(found)
    if not any(_is_inside(real, os.path.realpath(folder)) for folder in folders):
        raise LocationError(_outside(path, name))
    found = normalise(found)
    local_file(found)
    return found


def _is_inside(path: str, folder: str) -> bool:
    return path.startswith(os.path.join(folder, ""))  # noqa: PTH118 - a location is a string


def _outside(where: str, name: str) -> Problem:
    return Problem(
        code="location-outside",
        where=where,
        what=f"it refers to {name!r}, which is outside of its folder and is not followed",
        hint="put the file that it refers to into its folder; a link to it is not enough",
    )


def _alone(source: Source, name: str) -> Problem:
    return Problem(
        code="location-alone",
        where=source.file.url,
        what=f"it refers to {name!r}, but files beside it cannot be reached from here",
        hint="download or unpack both files into one folder, and open them there",
    )
