"""The filter pipeline of a dataset as Zarr codecs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from zarrchive.codecs.hdf5 import FILTERS, Size, codec_document, size_behind
from zarrchive.readers.hdf5.problems import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from h5py import h5p

    from zarrchive.codecs.hdf5 import CodecDocument

__all__ = ["Filter", "codecs_of", "filters_of", "missing_filter"]


@dataclass(frozen=True, slots=True)
class Filter:
    """One step of a pipeline, as the file declares it."""

    id: int
    values: tuple[int, ...]
    """Client data."""
    name: str
    """As the file calls it; may be empty."""

    @property
    def label(self) -> str:
        """Name and id, for messages."""
        known = FILTERS.get(self.id)
        name = known.name if known else self.name.split(";")[0] or "unknown"
        return f"{name} (HDF5 filter {self.id})"


def filters_of(plist: h5p.PropDCID) -> tuple[Filter, ...]:
    """Return the pipeline in the order in which HDF5 applies it when writing."""
    found = []
    for number in range(plist.get_nfilters()):
        filter_id, _flags, values, name = plist.get_filter(number)
        found.append(Filter(filter_id, tuple(values), name.decode("ascii", "replace")))
    return tuple(found)


@lru_cache(maxsize=1024)
def codecs_of(
    filters: tuple[Filter, ...], mask: int, chunk_nbytes: int
) -> tuple[CodecDocument, ...] | Reason:
    """Return the codecs of the filters that `mask` does not skip, in order of writing.

    `chunk_nbytes` is the size of a decoded chunk in bytes.
    """
    documents = []
    size = Size(chunk_nbytes)
    for number, step in enumerate(filters):
        if mask >> number & 1:
            continue
        try:
            document = codec_document(step.id, step.values, size)
        except ValueError as error:
            return _no_codec(step, str(error))
        size = size_behind(document, size)
        if document is not None:
            documents.append(document)
    return tuple(documents)


def missing_filter(filters: Sequence[Filter]) -> Reason | None:
    """Say which filter of a pipeline h5py cannot undo either, if there is one."""
    from h5py import h5z

    for step in filters:
        if not h5z.filter_avail(step.id):
            return _no_codec(step, "h5py has no plug-in for it")
    return None


def _no_codec(step: Filter, why: str) -> Reason:
    from h5py import h5z

    known = FILTERS.get(step.id)
    if h5z.filter_avail(step.id):
        hint = "name it in loadable_variables: h5py can decode it"
    elif known is not None and known.needs_plugin:
        hint = "install hdf5plugin, import it and name the variable in loadable_variables"
    else:
        hint = "install the HDF5 plug-in of this filter and name it in loadable_variables"
    return Reason(
        code="hdf5-filter",
        what=f"chunks are encoded with {step.label}: {why}",
        hint=hint,
    )
