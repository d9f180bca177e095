"""What a reader is: something that recognises a format and maps its bytes, reading no chunk."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from zarrchive.location.source import Source
    from zarrchive.manifests import ManifestGroup

__all__ = ["Match", "Reader"]


class Match(Enum):
    """How sure a reader is that a file is of its format."""

    NO = 0
    MAYBE = 1
    YES = 2


@runtime_checkable
class Reader(Protocol):
    """A plug-in of the entry-point group ``zarrchive.readers``."""

    @property
    def name(self) -> str:
        """Short name, as in ``open_virtual_dataset(..., reader="hdf5")``."""

    @property
    def formats(self) -> tuple[str, ...]:
        """What people call the formats, for display: ``("HDF5", "netCDF4")``."""

    def match(self, head: bytes, url: str) -> Match:
        """Judge a file by its first bytes (up to 4096); the name is only a tie-break.

        Where the file begins with a user block, `head` is also offered from the end of it.
        """

    def read(
        self,
        source: Source,
        *,
        group: str | None = None,
        inline: frozenset[str] | None = frozenset(),
    ) -> ManifestGroup:
        """Map the whole hierarchy (or that below `group`), without reading chunk data.

        Arrays whose name (the last part of the path) is in `inline` are stored by value, as
        one inline chunk; None means every dimension coordinate. Whatever cannot be mapped
        exactly is a `Problem` of its group; `FormatError` only where nothing of the file can
        be used.
        """
