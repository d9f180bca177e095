"""HDF5 and netCDF4 files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from zarrchive.errors import FormatError
from zarrchive.readers.contiguous_runs import LARGEST_RUN
from zarrchive.readers.hdf5.linked_files import LinkedFiles
from zarrchive.readers.hdf5.moulds import read_file
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
    """Map every group and dataset of an HDF5 file, reading no chunk but those to be inlined.

    The metadata are parsed here; only what is not understood is left to h5py, which is said at
    level INFO of the logger ``zarrchive.readers.hdf5.opened``.
    """

    name: str = "hdf5"
    formats: tuple[str, ...] = ("HDF5", "netCDF4")
    contiguous_chunk_nbytes: int | None = LARGEST_RUN
    """Contiguous data that take more bytes are cut into chunks of at most so many, where such
    chunks fit, so that a part can be read without the whole. None: they stay one chunk."""

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
        with opened(source, inline) as file, LinkedFiles(read_file) as linked:
            file.largest_run, file.linked = self.contiguous_chunk_nbytes, linked
            try:
                return read_file(file, group)
            except FormatError as error:
                if group is None or error.problem.code != "hdf5-no-group":
                    raise
                found = linked.group(file, group)
                if found is None:
                    raise
                return found
