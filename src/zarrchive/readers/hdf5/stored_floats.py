"""Stored floating-point numbers of any layout as float64, exactly or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from zarrchive.readers.hdf5.float_layouts import has_disputed_specials
from zarrchive.readers.hdf5.stored_bits import bits_at

if TYPE_CHECKING:
    import numpy.typing as npt

    from zarrchive.readers.hdf5.datatype_tree import FloatingPoint

__all__ = ["InexactError", "extended_floats", "small_floats"]

_NAN: Final = np.uint64(2**63 - 1).view(np.float64)
"""The NaN that HDF5 makes of any other: all bits of its mantissa are set."""
_FRACTION: Final = 52
"""Bits of the mantissa of a float64."""


class InexactError(ValueError):
    """Some values have no exact equal in the type that they should become."""


def small_floats(found: FloatingPoint, rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return numbers of a layout whose every number float64 holds (`holding_size`).

    Raises `InexactError` where numbers mean one thing to HDF5 and another to who wrote them.
    """
    order, size = found.order, found.mantissa_size
    mantissa = bits_at(rows, order, found.mantissa_position, size)
    exponent = bits_at(rows, order, found.exponent_position, found.exponent_size)
    leading = (exponent > 0).astype(np.uint64) << np.uint64(size)
    is_special = exponent == (1 << found.exponent_size) - 1
    # In OCP's format of 4 and 3 bits one pattern is no number to both.
    is_disputed = is_special & ((mantissa != 2**size - 1) | (found.exponent_size < 4))
    if has_disputed_specials(found) and is_disputed.any():
        raise InexactError(
            f"some have all {found.exponent_size} bits of the exponent set, which HDF5 takes for "
            "infinite or no number, but OCP's formats of so few bits for numbers"
        )
    power = np.maximum(exponent, 1).astype(np.int32) - (found.exponent_bias + size)
    power[is_special] = 0
    value = np.ldexp((mantissa | leading).astype(np.float64), power)
    value[is_special] = np.where(mantissa[is_special] > 0, _NAN, np.inf)
    return _signed(value, bits_at(rows, order, found.sign_position, 1))


def extended_floats(found: FloatingPoint, rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return long doubles (`is_extended`) as float64.

    Raises `InexactError` where float64 does not hold one of them.
    """
    order, is_explicit = found.order, found.normalization == "none"
    behind_point = found.mantissa_size - is_explicit
    high_position = found.mantissa_position + behind_point - _FRACTION
    high = bits_at(rows, order, high_position, _FRACTION)
    low = bits_at(rows, order, found.mantissa_position, behind_point - _FRACTION)
    exponent = bits_at(rows, order, found.exponent_position, found.exponent_size).astype(np.int32)
    leading = (
        bits_at(rows, order, found.mantissa_position + behind_point, 1)
        if is_explicit
        else (exponent > 0).astype(np.uint64)
    )
    is_zero = (exponent == 0) & (high | low | leading == 0)
    is_special = exponent == (1 << found.exponent_size) - 1
    fraction = (high | leading << np.uint64(_FRACTION)).astype(np.float64)
    power = exponent - (found.exponent_bias + _FRACTION)
    power[is_special | is_zero] = 0
    with np.errstate(over="ignore", under="ignore"):
        value = np.ldexp(fraction, power)
        is_exact = (low == 0) & (leading == 1) & (np.ldexp(value, -power) == fraction)
    value[is_special] = np.where((high | low)[is_special] > 0, _NAN, np.inf)
    is_exact |= is_zero | (is_special & (leading == 1))
    if not is_exact.all():
        count = int(np.count_nonzero(~is_exact))
        raise InexactError(
            f"{count} of {len(rows)} have more bits, or are larger or smaller, than "
            "float64 has room for"
        )
    return _signed(value, bits_at(rows, order, found.sign_position, 1))


def _signed(
    value: npt.NDArray[np.float64], sign: npt.NDArray[np.uint64]
) -> npt.NDArray[np.float64]:
    """Set the signs, those of zeros and NaN too."""
    return (value.view(np.uint64) | sign << np.uint64(63)).view(np.float64)
