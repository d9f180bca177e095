"""Names that Zarr nodes may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Container

__all__ = ["free_name"]

_RESERVED: Final = frozenset({"zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata"})


def free_name(wanted: str, taken: Container[str]) -> str:
    """Return `wanted`, or the nearest name that a Zarr node can have and no sibling has.

    The Zarr v3 specification reserves some names; zarr takes a backslash for a slash.
    """
    name = wanted
    if wanted in _RESERVED or not wanted.strip("."):
        name = f"_{wanted}"
    name = name.replace("\\", "_").replace("/", "_").replace("\0", "_")
    while name in taken:
        name += "_"
    return name
