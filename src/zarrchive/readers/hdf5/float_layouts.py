"""Layouts of floating-point numbers, and which of NumPy's floats hold them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from zarrchive.readers.hdf5.datatype_tree import FloatingPoint

__all__ = ["has_disputed_specials", "holding_size", "ieee_size", "is_extended"]


def ieee_size(found: FloatingPoint) -> int | None:
    """Return 2, 4 or 8 where the layout is that of NumPy's float of so many bytes."""
    for layout in _IEEE if found.order != "vax" else ():
        if replace(layout, order=found.order) == found:
            return layout.size
    return None


def holding_size(found: FloatingPoint) -> int | None:
    """Return the size of the smallest float that holds each number of a layout, as h5py does.

    None where none does, or where HDF5 has no rule: it reads mantissas without an implied bit
    as if they had one where that bit is not set.
    """
    if found.normalization != "implied" or found.order == "vax":
        return None
    for layout in _IEEE:
        if layout.size >= min(found.size, 8) and _holds(layout, found):
            return layout.size
    return None


def is_extended(found: FloatingPoint) -> bool:
    """Say whether numbers have the layout of a long double: x87 with 80 bits, or binary128."""
    parts = (found.exponent_size, found.exponent_bias, found.mantissa_size, found.normalization)
    return found.order != "vax" and parts in {
        (15, 16383, 64, "none"),
        (15, 16383, 112, "implied"),
    }


def has_disputed_specials(found: FloatingPoint) -> bool:
    """Say whether a layout is one of OCP's formats of 4 to 8 bits, which lack infinities.

    HDF5 2.0 reads their greatest numbers as infinite or NaN (OCP 8-bit Floating Point
    Specification 1.0, Microscaling Formats Specification 1.0).
    """
    parts = (found.exponent_size, found.mantissa_size, found.exponent_bias)
    return found.size == 1 and parts in {(4, 3, 7), (2, 3, 1), (3, 2, 3), (2, 1, 1)}


def _ieee(size: int, exponent_size: int) -> FloatingPoint:
    """Return the layout of IEEE 754 floats of `size` bytes."""
    mantissa_size = 8 * size - 1 - exponent_size
    return FloatingPoint(
        size=size,
        order="<",
        offset=0,
        precision=8 * size,
        sign_position=8 * size - 1,
        exponent_position=mantissa_size,
        exponent_size=exponent_size,
        exponent_bias=2 ** (exponent_size - 1) - 1,
        mantissa_position=0,
        mantissa_size=mantissa_size,
        normalization="implied",
    )


_IEEE: Final = (_ieee(2, 5), _ieee(4, 8), _ieee(8, 11))


def _holds(wide: FloatingPoint, narrow: FloatingPoint) -> bool:
    """Say whether each number in one layout, subnormal ones too, is one in the other."""
    greatest = 2**narrow.exponent_size - 2 - narrow.exponent_bias
    return (
        narrow.mantissa_size <= wide.mantissa_size
        and greatest <= wide.exponent_bias
        and narrow.exponent_bias <= wide.exponent_bias
    )
