"""Datatypes whose stored bytes are not those of a NumPy type, but become them by a codec."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from zarrchive.codecs.partial_integer import PartialInteger
from zarrchive.readers.hdf5.datatype_message import parse_datatype
from zarrchive.readers.hdf5.datatype_tree import Array, Enumeration, FixedPoint

if TYPE_CHECKING:
    from zarrchive.codecs.hdf5 import CodecDocument
    from zarrchive.readers.hdf5.facts import Facts

__all__ = ["Stored", "stored_as"]


class Stored(NamedTuple):
    """How the elements of a dataset are stored."""

    itemsize: int
    """Stored bytes of one value."""
    codecs: tuple[CodecDocument, ...] = ()
    """What makes values of the dataset's dtype of them."""


def stored_as(facts: Facts) -> Stored | None:
    """Return how elements are stored; None where no codec makes values of them."""
    dtype = facts.kind.dtype
    if dtype is None:
        return None
    if facts.kind.reason is None:
        return Stored(dtype.itemsize)
    found = parse_datatype(facts.datatype)
    while isinstance(found, Array | Enumeration):
        found = found.base
    if not isinstance(found, FixedPoint) or dtype.kind not in "iu":
        return None
    if found.order == ">" and found.size == 1:
        return None  # HDF5 believes that such bytes need to be swapped, and that nothing else does
    try:
        codec = PartialInteger(
            itemsize=found.size,
            order=found.order,
            precision=found.precision,
            offset=found.offset,
            dtype=dtype.str,
        )
    except ValueError:  # more than eight bytes
        return None
    return Stored(codec.itemsize, (codec.document,))
