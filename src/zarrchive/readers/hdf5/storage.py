"""The storage decision: where the values of each dataset are, or why they cannot be had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from zarrchive.codecs.hdf5 import CodecDocument
    from zarrchive.manifests import ChunkManifest
    from zarrchive.readers.hdf5.problems import Reason

__all__ = ["Absent", "Inlined", "Referenced", "Refused", "Storage"]


@dataclass(frozen=True, slots=True)
class Referenced:
    """The chunks are used where they lie in the file."""

    manifest: ChunkManifest
    chunk_shape: tuple[int, ...]
    codecs: tuple[CodecDocument, ...] = ()
    """Bytes to bytes: what makes values of elements, then HDF5's pipeline in its order."""
    caution: Reason | None = None
    """What is not exact about the stored bytes, as a warning."""

    @property
    def nmissing(self) -> int:
        """Number of chunks that read as the fill value."""
        return self.manifest.size - self.manifest.nstored


@dataclass(frozen=True, slots=True)
class Inlined:
    """h5py read the values; the manifest holds them."""

    manifest: ChunkManifest
    chunk_shape: tuple[int, ...]
    caution: Reason | None = None

    @property
    def nmissing(self) -> int:
        """Number of chunks that read as the fill value."""
        return self.manifest.size - self.manifest.nstored


@dataclass(frozen=True, slots=True)
class Absent:
    """HDF5 says that nothing was ever stored: everything reads as the fill value."""

    chunk_shape: tuple[int, ...]
    nmissing: int
    """Number of values that read as the fill value; 0 for a dataset of length zero."""
    caution: Reason | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The values cannot be had exactly."""

    reason: Reason


Storage: TypeAlias = Referenced | Inlined | Absent | Refused
