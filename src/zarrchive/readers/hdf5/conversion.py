"""Datatypes whose stored bytes are not those of a NumPy type, but become them by a codec."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from h5py import h5t

from zarrchive.codecs.partial_integer import PartialInteger

if TYPE_CHECKING:
    from zarrchive.codecs.hdf5 import CodecDocument
    from zarrchive.readers.hdf5.facts import Facts

__all__ = ["Stored", "stored_as"]

_ORDERS = {h5t.ORDER_LE: "<", h5t.ORDER_BE: ">"}


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
    tid = facts.dataset.get_type()
    while tid.get_class() in {h5t.ARRAY, h5t.ENUM}:
        tid = tid.get_super()
    if tid.get_class() != h5t.INTEGER or dtype.kind not in "iu":
        return None
    order = _ORDERS.get(tid.get_order(), "")
    if order == ">" and tid.get_size() == 1:
        return None  # HDF5 believes that such bytes need to be swapped, and that nothing else does
    try:
        codec = PartialInteger(
            itemsize=tid.get_size(),
            order=order,
            precision=tid.get_precision(),
            offset=tid.get_offset(),
            dtype=dtype.str,
        )
    except ValueError:  # more than eight bytes
        return None
    return Stored(codec.itemsize, (codec.document,))
