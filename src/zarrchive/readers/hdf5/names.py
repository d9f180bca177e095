"""Names of HDF5 links as names of Zarr nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.node_names import free_name

if TYPE_CHECKING:
    from collections.abc import Container

__all__ = ["decoded_name", "node_name"]

_NOT_COORDINATE: Final = "_nc4_non_coord_"
"""What netCDF-C puts before a variable that is called like a dimension that is not its own."""


def decoded_name(raw: bytes) -> tuple[str, Reason | None]:
    """Decode the name of a link, and say so where it is not UTF-8."""
    try:
        return raw.decode("utf-8"), None
    except UnicodeDecodeError:
        name = raw.decode("latin-1")
        what = f"the name {raw!r} is not UTF-8; it is shown as {name!r}, read as Latin-1"
        return name, _renamed(what)


def node_name(link: str, taken: Container[str]) -> tuple[str, Reason | None]:
    """Return the Zarr name of the node that the file calls `link`, and what was changed.

    `taken` are the names of its siblings so far.
    """
    name = link.removeprefix(_NOT_COORDINATE) or link
    if name != link and name in taken:
        name = link
    wanted = name
    name = free_name(wanted, taken)
    if name != wanted:
        return name, _renamed(f"the name {wanted!r} is reserved in Zarr; it is called {name!r}")
    if name.startswith("__"):
        return name, Reason(
            code="hdf5-name",
            what=f"the name {name!r} begins with two underscores, which Zarr reserves",
            hint="rename it after opening if another program refuses the store",
            severity="warning",
        )
    return name, None


def _renamed(what: str) -> Reason:
    return Reason(
        code="hdf5-name",
        what=what,
        hint="use the new name in selections",
        severity="warning",
    )
