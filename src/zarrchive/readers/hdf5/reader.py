"""HDF5 and netCDF4 files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from zarrchive.readers.hdf5.file_bytes import run
from zarrchive.readers.hdf5.hierarchy import read_hierarchy
from zarrchive.readers.hdf5.opened import opened
from zarrchive.readers.hdf5.superblock import SIGNATURE
from zarrchive.readers.protocol import Match

if TYPE_CHECKING:
    from zarrchive.location.source import Source
    from zarrchive.manifests import ManifestGroup

__all__ = ["HDF5Reader"]

_PLACES: Final = (0, 512, 1024, 2048)
"""A user block may come before the signature (specification §II.A)."""


@dataclass(frozen=True, slots=True)
class HDF5Reader:
    """Map every group and dataset of an HDF5 file, reading no chunk but those to be inlined."""

    name: str = "hdf5"
    formats: tuple[str, ...] = ("HDF5", "netCDF4")

    def match(self, head: bytes, url: str) -> Match:  # noqa: ARG002 - the signature decides alone
        found = any(head[at : at + len(SIGNATURE)] == SIGNATURE for at in _PLACES)
        return Match.YES if found else Match.NO

    def read(
        self,
        source: Source,
        *,
        group: str | None = None,
        inline: frozenset[str] | None = frozenset(),
    ) -> ManifestGroup:
        with opened(source, inline) as file:
            return run(read_hierarchy(file, group), file.data)
