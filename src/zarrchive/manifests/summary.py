"""What a virtual array or hierarchy consists of, counted for display."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zarrchive.manifests._zarr import codec_documents
from zarrchive.manifests.naming import codec_label

if TYPE_CHECKING:
    from zarrchive.manifests.hierarchy import ManifestGroup
    from zarrchive.manifests.manifest_array import ManifestArray

__all__ = ["ArraySummary", "GroupSummary", "summarise", "summarise_group"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArraySummary:
    """The chunks of one virtual array, in numbers."""

    nchunks: int
    """Chunks of the grid, stored or not."""
    nrefs: int
    """Chunks that lie in files."""
    ninlined: int
    """Chunks that the manifest itself holds."""
    nmissing: int
    """Chunks that are not stored and read as the fill value."""
    stored_nbytes: int
    """Encoded size of all stored chunks, in bytes."""
    decoded_nbytes: int
    """Size of all elements, in bytes."""
    codecs: tuple[str, ...]
    """Codec chain, array to bytes first, as short text: ``zlib(level=4)``."""
    files: tuple[str, ...]
    """URLs of the files that hold chunks."""

    @property
    def ratio(self) -> float | None:
        """Decoded size over stored size; None where nothing is stored."""
        return self.decoded_nbytes / self.stored_nbytes if self.stored_nbytes else None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSummary:
    """A hierarchy in numbers; sums over all arrays below it."""

    narrays: int
    ngroups: int
    """Groups below it, itself not counted."""
    nrefs: int
    ninlined: int
    nmissing: int
    stored_nbytes: int
    """Bytes."""
    decoded_nbytes: int
    """Bytes."""
    manifest_nbytes: int
    """Memory of the references, in bytes."""
    files: tuple[str, ...]
    """URLs of the files that hold chunks, each once."""
    nproblems: int


def summarise(array: ManifestArray) -> ArraySummary:
    """Count the chunks of an array; cost: a pass over its columns."""
    manifest = array.manifest
    nrefs, ninlined = manifest.nrefs, manifest.ninlined
    return ArraySummary(
        nchunks=manifest.size,
        nrefs=nrefs,
        ninlined=ninlined,
        nmissing=manifest.size - nrefs - ninlined,
        stored_nbytes=manifest.stored_nbytes,
        decoded_nbytes=array.nbytes,
        codecs=tuple(map(codec_label, codec_documents(array.metadata))),
        files=tuple(dict.fromkeys(file.url for file in manifest.files)),
    )


def summarise_group(group: ManifestGroup) -> GroupSummary:
    """Count everything at and below a group; cost: a pass over all columns."""
    arrays = [array for _, array in group.walk_arrays()]
    counts = [summarise(array) for array in arrays]
    files = dict.fromkeys(url for count in counts for url in count.files)
    return GroupSummary(
        narrays=len(arrays),
        ngroups=sum(1 for _ in group.walk()) - 1,
        nrefs=sum(count.nrefs for count in counts),
        ninlined=sum(count.ninlined for count in counts),
        nmissing=sum(count.nmissing for count in counts),
        stored_nbytes=sum(count.stored_nbytes for count in counts),
        decoded_nbytes=sum(count.decoded_nbytes for count in counts),
        manifest_nbytes=sum(array.manifest.nbytes for array in arrays),
        files=tuple(sorted(files)),
        nproblems=len(group.all_problems()),
    )
