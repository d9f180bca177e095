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
    Member,
)
from zarrchive.readers.hdf5.datatypes import data_type, describe
from zarrchive.readers.hdf5.float_layouts import is_extended
from zarrchive.readers.hdf5.stored_bits import bits_at, lowest_bits
from zarrchive.readers.hdf5.stored_floats import InexactError, extended_floats, small_floats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from zarrchive.readers.hdf5.datatype_tree import Datatype
    from zarrchive.readers.hdf5.datatypes import DataType

__all__ = ["HeapReferences", "InexactError", "decode", "heap_references"]

_BLOCK: Final = 2**16
"""Elements converted at a time, because conversion takes many times their memory."""


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
    InexactError
        Where the type could be converted, but not these values.
    """
    if isinstance(found, bytes):
        kind, found = data_type(found), parse_datatype(found)
    else:
        kind = describe(found)
    if kind.dtype is None or kind.is_vlen_string:
        raise ValueError(kind.reason.what if kind.reason else "the text is in a heap")
    rows = _elements(raw, count, found.size)
    if count <= _BLOCK or (kind.reason is None and kind.caution is None):
        return _values(found, kind, rows)
    values = np.empty((count, *kind.inner), dtype=kind.dtype)
    for start in range(0, count, _BLOCK):
        values[start : start + _BLOCK] = _values(found, kind, rows[start : start + _BLOCK])
    return values


def heap_references(raw: bytes | memoryview, count: int, *, address_size: int) -> HeapReferences:
    """Split `count` stored elements of a variable-length type (specification §III.E, §VIII).

    Raises `ValueError` where `raw` is too short.
    """
    elements = _elements(raw, count, 8 + address_size)
    end = 4 + address_size
    return HeapReferences(
        lowest_bits(elements[:, :4], "<").astype(np.uint32),
        lowest_bits(elements[:, 4:end], "<"),
        lowest_bits(elements[:, end:], "<").astype(np.uint32),
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


def _integers(
    found: FixedPoint, dtype: np.dtype[Any], rows: npt.NDArray[np.uint8]
) -> np.ndarray[Any, Any]:
    value = bits_at(rows, found.order, found.offset, found.precision)
    if found.is_signed:
        sign = np.uint64(1 << found.precision - 1)
        value = (value ^ sign) - sign  # wraps around below zero, as two's complement does
        return value.view(np.int64).astype(dtype)
    return value.astype(dtype)


def _bit_fields(
    found: BitField, dtype: np.dtype[Any], rows: npt.NDArray[np.uint8]
) -> np.ndarray[Any, Any]:
    return bits_at(rows, found.order, found.offset, found.precision).astype(dtype)


def _enumerations(
    found: Enumeration, dtype: np.dtype[Any], rows: npt.NDArray[np.uint8]
) -> np.ndarray[Any, Any]:
    return _integers(found.base, dtype, rows)


def _floats(
    found: FloatingPoint, dtype: np.dtype[Any], rows: npt.NDArray[np.uint8]
) -> np.ndarray[Any, Any]:
    return (extended_floats if is_extended(found) else small_floats)(found, rows).astype(dtype)


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
    base, size = found.base, found.base.size
    parts = Compound(found.size, (Member(b"r", 0, base), Member(b"i", size, base)))
    return _compounds(parts, dtype, rows)


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
    if dtype.kind == "c":
        part = np.dtype(f"{dtype.str[0]}f{dtype.itemsize // 2}")
        parts = np.dtype({"names": ["r", "i"], "formats": [part, part]})
        return _compounds(found, parts, rows).view(dtype)
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
