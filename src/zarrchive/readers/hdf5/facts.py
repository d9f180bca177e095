"""What one look at a dataset tells: its datatype, extent and creation properties."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from h5py import h5d, h5s

from zarrchive.readers.hdf5.datatypes import data_type

if TYPE_CHECKING:
    from h5py import h5p

    from zarrchive.readers.hdf5.datatypes import DataType

__all__ = ["Facts", "facts_of"]


@dataclass(frozen=True, slots=True)
class Facts:
    """A dataset, looked at once; nothing of its chunk index was read."""

    dataset: h5d.DatasetID
    address: int
    """Of the object header, without the user block."""
    kind: DataType
    shape: tuple[int, ...] | None
    """Extent of the dataspace; None for a null dataspace."""
    max_shape: tuple[int | None, ...]
    """Greatest extent; None: unlimited."""
    plist: h5p.PropDCID
    """How it was created."""
    layout: int
    chunk_shape: tuple[int, ...] | None
    """None unless the layout is chunked."""

    @property
    def full_shape(self) -> tuple[int, ...]:
        """Extent, with the dimensions inside of each element at the end."""
        return (self.shape or ()) + self.kind.inner

    @property
    def itemsize(self) -> int:
        """Bytes of one element of the dataspace, as the values that h5py reads."""
        dtype = self.kind.dtype
        return 0 if dtype is None else dtype.itemsize * prod(self.kind.inner)

    @property
    def nbytes(self) -> int:
        """Bytes of all values."""
        return prod(self.shape or ()) * self.itemsize


def facts_of(dataset: h5d.DatasetID, address: int) -> Facts:
    """Look at an open dataset."""
    kind = data_type(dataset.get_type().encode()[2:])
    space = dataset.get_space()
    shape: tuple[int, ...] | None = None
    max_shape: tuple[int | None, ...] = ()
    if space.get_simple_extent_type() != h5s.NULL:
        shape = space.get_simple_extent_dims()
        limits = space.get_simple_extent_dims(True)
        max_shape = tuple(None if n in {None, h5s.UNLIMITED} else n for n in limits)
    plist = dataset.get_create_plist()
    layout = plist.get_layout()
    chunk_shape = plist.get_chunk() if layout == h5d.CHUNKED else None
    return Facts(dataset, address, kind, shape, max_shape, plist, layout, chunk_shape)
