"""Stored bytes as the values that h5py reads from them, by their datatype and without h5py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np

from zarrchive.readers.hdf5.datatype_message import parse_datatype
from zarrchive.readers.hdf5.datatype_tree import (
    Array,
    BitField,
    Complex,
    Compound,
    Enumeration,
    FixedPoint,
    FixedString,
    FloatingPoint,
)
from zarrchive.readers.hdf5.datatypes import data_type, describe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from zarrchive.readers.hdf5.datatype_tree import Datatype, Order
    from zarrchive.readers.hdf5.datatypes import DataType

__all__ = ["HeapReferences", "decode", "heap_references"]


class HeapReferences(NamedTuple):
    """Where the elements of a variable-length type are in the global heap, as columns."""

    lengths: npt.NDArray[np.uint32]
    """Number of values of each sequence, or bytes of each text."""
    addresses: npt.NDArray[np.uint64]
    """Of the heap collections; 0 where there is nothing."""
    indices: npt.NDArray[np.uint32]
    """Of the objects in the collections."""


def decode(found: Datatype | bytes, raw: bytes | memoryview, count: int) -> np.ndarray[Any, Any]:
    """Return the first `count` elements of `raw` as the values that h5py reads.

    Parameters
    ----------
    found
        The datatype, or the message that says it.
    raw
        Stored elements, without any filter. The result may share their memory.
    count
        Number of elements; those of an array in each element follow as trailing dimensions.

    Raises
    ------
    ValueError
        Where `raw` is too short, the message is damaged, or NumPy has no such values (then
        `data_type` says why: its `dtype` is None, or one of objects).
    """
    if isinstance(found, bytes):
        kind, found = data_type(found), parse_datatype(found)
    else:
        kind = describe(found)
    if kind.dtype is None or kind.is_vlen_string:
        raise ValueError(kind.reason.what if kind.reason else "the text is in a heap")
    return _values(found, kind, _elements(raw, count, found.size))


def heap_references(raw: bytes | memoryview, count: int, *, address_size: int) -> HeapReferences:
    """Split `count` stored elements of a variable-length type (specification §III.E, §VIII).

    Raises `ValueError` where `raw` is too short.
    """
    elements = _elements(raw, count, 8 + address_size)
    end = 4 + address_size
    return HeapReferences(
        _unsigned(elements[:, :4], "<").astype(np.uint32),
        _unsigned(elements[:, 4:end], "<"),
        _unsigned(elements[:, end:], "<").astype(np.uint32),
    )


def _elements(raw: bytes | memoryview, count: int, size: int) -> npt.NDArray[np.uint8]:
    """Return the bytes of each element as a row."""
    stored = np.frombuffer(raw, dtype=np.uint8)
    if count < 0 or stored.size < count * size:
        raise ValueError(f"{count} elements take {count * size} bytes, but {stored.size} are there")
    return stored[: count * size].reshape(count, size)


def _values(found: Datatype, kind: DataType, rows: npt.NDArray[np.uint8]) -> np.ndarray[Any, Any]:
    """Return the values of rows of bytes; `kind` describes their type."""
    if kind.dtype is None:
        raise ValueError("values of a refused datatype are never decoded")
    if kind.reason is None and kind.caution is None:
        flat = np.ascontiguousarray(rows).reshape(-1).view(kind.dtype)
        return flat.reshape(len(rows), *kind.inner)
    return _CONVERSIONS[type(found)](found, kind.dtype, rows)


def _unsigned(rows: npt.NDArray[np.uint8], order: Order) -> npt.NDArray[np.uint64]:
    """Return the lowest 64 bits of rows of bytes."""
    little = rows if order == "<" else rows[:, ::-1]
    wide = np.zeros((len(rows), 8), dtype=np.uint8)
    used = min(8, rows.shape[1])
    wide[:, :used] = little[:, :used]
    return wide.reshape(-1).view("<u8")


def _bits(
    rows: npt.NDArray[np.uint8], order: Order, offset: int, precision: int
) -> npt.NDArray[np.uint64]:
    """Return up to 64 bits that begin at bit `offset` of each row."""
    little = rows if order == "<" else rows[:, ::-1]
    first, shift = divmod(offset, 8)
    value = _unsigned(little[:, first:], "<") >> np.uint64(shift)
    if shift + precision > 64:
        value |= little[:, first + 8].astype(np.uint64) << np.uint64(64 - shift)
    return value & np.uint64((1 << precision) - 1)


def _integers(
    found: FixedPoint, dtype: np.dtype[Any], rows: npt.NDArray[np.uint8]
) -> np.ndarray[Any, Any]:
    value = _bits(rows, found.order, found.offset, found.precision)
    if found.is_signed:
        sign = np.uint64(1 << found.precision - 1)
        value = (value ^ sign) - sign  # wraps around below zero, as two's complement does
        return value.view(np.int64).astype(dtype)
    return value.astype(dtype)


def _bit_fields(
    found: BitField, dtype: np.dtype[Any], rows: npt.NDArray[np.uint8]
) -> np.ndarray[Any, Any]:
    return _bits(rows, found.order, found.offset, found.precision).astype(dtype)


def _enumerations(
    found: Enumeration, dtype: np.dtype[Any], rows: npt.NDArray[np.uint8]
) -> np.ndarray[Any, Any]:
    return _integers(found.base, dtype, rows)


def _floats(
    found: FloatingPoint, dtype: np.dtype[Any], rows: npt.NDArray[np.uint8]
) -> np.ndarray[Any, Any]:
    """Build floats from their parts; float64 holds each of them, as `describe` made sure."""
    order, size = found.order, found.mantissa_size
    sign = _bits(rows, order, found.sign_position, 1)
    mantissa = _bits(rows, order, found.mantissa_position, size)
    exponent = _bits(rows, order, found.exponent_position, found.exponent_size)
    leading = (exponent > 0).astype(np.uint64) << np.uint64(size)
    is_special = exponent == (1 << found.exponent_size) - 1
    power = np.maximum(exponent, 1).astype(np.int32) - (found.exponent_bias + size)
    power[is_special] = 0
    value = np.ldexp((mantissa | leading).astype(np.float64), power)
    value[is_special] = np.where(mantissa[is_special] > 0, _NAN, np.inf)
    bits = value.view(np.uint64) | sign << np.uint64(63)
    return bits.view(np.float64).astype(dtype)


_NAN: Final = np.uint64(2**63 - 1).view(np.float64)
"""The NaN that HDF5 makes of any other: all bits of its mantissa are set."""


def _strings(
    found: FixedString, dtype: np.dtype[Any], rows: npt.NDArray[np.uint8]
) -> np.ndarray[Any, Any]:
    """Cut text where its padding begins, as HDF5 does for text that NumPy pads with NULs."""
    if found.padding == "space-padded":
        kept = np.logical_or.accumulate((rows != ord(" "))[:, ::-1], axis=1)[:, ::-1]
    else:
        kept = np.logical_and.accumulate(rows != 0, axis=1)
    return np.where(kept, rows, np.uint8(0)).reshape(-1).view(dtype)


def _complexes(
    found: Complex, dtype: np.dtype[Any], rows: npt.NDArray[np.uint8]
) -> np.ndarray[Any, Any]:
    parts = Array(found.size, found.base, (2,))
    return _values(parts, describe(parts), rows).reshape(-1).view(dtype)


def _arrays(
    found: Array,
    dtype: np.dtype[Any],  # noqa: ARG001 - one signature for all
    rows: npt.NDArray[np.uint8],
) -> np.ndarray[Any, Any]:
    inner = np.ascontiguousarray(rows).reshape(-1, found.base.size)
    values = _values(found.base, describe(found.base), inner)
    return values.reshape(len(rows), *found.shape, *values.shape[1:])


def _compounds(
    found: Compound, dtype: np.dtype[Any], rows: npt.NDArray[np.uint8]
) -> np.ndarray[Any, Any]:
    values = np.zeros(len(rows), dtype=dtype)
    for name, member in zip(dtype.names or (), found.members, strict=True):
        end = member.offset + member.type.size
        values[name] = _values(member.type, describe(member.type), rows[:, member.offset : end])
    return values


_Conversion: TypeAlias = (
    "Callable[[Any, np.dtype[Any], npt.NDArray[np.uint8]], np.ndarray[Any, Any]]"
)
_CONVERSIONS: Final[Mapping[type[Any], _Conversion]] = {
    FixedPoint: _integers,
    FloatingPoint: _floats,
    FixedString: _strings,
    Enumeration: _enumerations,
    BitField: _bit_fields,
    Complex: _complexes,
    Array: _arrays,
    Compound: _compounds,
}
"""For types whose stored bytes are not yet the values."""
