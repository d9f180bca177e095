"""HDF5 datatypes as NumPy dtypes: which ones Zarr can take byte for byte, and which it cannot.

Follows the HDF5 File Format Specification 3.0, §IV.A.2.d (datatype message).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from h5py import h5t

from zarrchive.readers.hdf5.problems import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DataType", "data_type"]

_ORDERS: Final = {h5t.ORDER_LE: "<", h5t.ORDER_BE: ">"}
_FLOATS: Final = (
    (h5t.IEEE_F16LE, "<f2"),
    (h5t.IEEE_F16BE, ">f2"),
    (h5t.IEEE_F32LE, "<f4"),
    (h5t.IEEE_F32BE, ">f4"),
    (h5t.IEEE_F64LE, "<f8"),
    (h5t.IEEE_F64BE, ">f8"),
)
_BITFIELDS: Final = tuple(
    (getattr(h5t, f"STD_B{8 * size}{order}"), f"{sign}u{size}")
    for size in (1, 2, 4, 8)
    for order, sign in (("LE", "<"), ("BE", ">"))
)
_BOOL: Final = {"FALSE": 0, "TRUE": 1}
_INLINE_HINT: Final = "name it in loadable_variables, so that h5py's values are used instead"


@dataclass(frozen=True, slots=True)
class DataType:
    """What an HDF5 datatype is in Zarr."""

    dtype: np.dtype[Any] | None
    """Type of the values that h5py reads; None where there are none that Zarr could hold."""
    inner: tuple[int, ...] = ()
    """Trailing dimensions that an H5T_ARRAY adds to those of the dataspace."""
    reason: Reason | None = None
    """Why the stored bytes are not `dtype` in C order; None where they are exactly that."""
    caution: Reason | None = None
    """What is not exact about using the stored bytes, though they are used where the data are
    too large to be inlined."""
    is_vlen_string: bool = False
    """Variable-length strings; `dtype` is h5py's dtype of objects then."""
    enum: Mapping[str, int] | None = None
    """Names of the values of an enumeration."""


@lru_cache(maxsize=4096)
def data_type(encoded: bytes) -> DataType:
    """Describe the datatype whose HDF5 encoding (``TypeID.encode()``) is `encoded`.

    Files of a series share their types, so the answers are kept.
    """
    return _describe(h5t.decode(encoded))


def _describe(tid: h5t.TypeID) -> DataType:
    describe = _BY_CLASS.get(tid.get_class())
    if describe is None:
        return _refused(f"datatype class {tid.get_class()}", "it has no equal in Zarr")
    return describe(tid)


_H5PY_HINT: Final = "read this variable with h5py; all others can be used"


def _refused(kind: str, why: str, hint: str = _H5PY_HINT) -> DataType:
    return DataType(
        dtype=None,
        reason=Reason(
            code="hdf5-type",
            what=f"the datatype is {kind}: {why}",
            hint=hint,
        ),
    )


def _converted(dtype: np.dtype[Any], what: str) -> DataType:
    """Return a type whose values h5py converts on reading."""
    reason = Reason(
        code="hdf5-type",
        what=f"{what}; h5py reads it as {dtype.name}, but its stored bytes are not that",
        hint=_INLINE_HINT,
    )
    return DataType(dtype=dtype, reason=reason)


def _integer(tid: h5t.TypeID) -> DataType:
    size, precision, offset = tid.get_size(), tid.get_precision(), tid.get_offset()
    kind = "u" if tid.get_sign() == h5t.SGN_NONE else "i"
    order = _ORDERS.get(tid.get_order())
    if size in {1, 2, 4, 8} and precision == 8 * size and offset == 0 and order is not None:
        return DataType(np.dtype(f"{order}{kind}{size}"))
    wide = next((n for n in (1, 2, 4, 8) if 8 * n >= precision and n >= min(size, 8)), None)
    if wide is None or order is None:
        return _refused(f"an integer of {precision} bits", "no type of NumPy is wide enough")
    dtype = np.dtype(f"{order}{kind}{wide}")
    return _converted(dtype, f"integers of {precision} bits at bit {offset} of {size} bytes")


def _float(tid: h5t.TypeID) -> DataType:
    for known, name in _FLOATS:
        if tid.equal(known):
            return DataType(np.dtype(name))
    if tid.get_order() not in _ORDERS:
        return _refused(
            "a VAX float",
            "neither Zarr nor h5py reads that byte order rightly",
            "write the file again as IEEE floats with the software that made it",
        )
    _, exponent_position, exponent_bits, _, mantissa_bits = tid.get_fields()
    what = f"floats of {tid.get_size()} bytes with {exponent_bits} exponent bits (at bit "
    what += f"{exponent_position}) and {mantissa_bits} mantissa bits"
    if exponent_bits <= 8 and mantissa_bits <= 23:
        return _converted(np.dtype(np.float32), what)
    if exponent_bits <= 11 and mantissa_bits <= 52:
        return _converted(np.dtype(np.float64), what)
    return _refused(what, "no type of Zarr holds them exactly")


def _string(tid: h5t.TypeID) -> DataType:
    if tid.is_variable_str():
        return DataType(tid.dtype, is_vlen_string=True)
    dtype = np.dtype(f"S{tid.get_size()}")
    padding = tid.get_strpad()
    caution = None
    if padding == h5t.STR_SPACEPAD:
        caution = Reason(
            code="hdf5-string-padding",
            what=f"strings of {dtype.itemsize} bytes are padded with spaces: h5py removes the "
            "trailing spaces, Zarr keeps them",
            hint="strip the strings after reading",
            severity="warning",
        )
    elif padding == h5t.STR_NULLTERM and dtype.itemsize > 1:
        caution = Reason(
            code="hdf5-string-padding",
            what=f"strings of {dtype.itemsize} bytes end at their first NUL: h5py stops there, "
            "Zarr shows what the file has behind it, if there is anything",
            hint="cut the strings at the first NUL after reading",
            severity="warning",
        )
    return DataType(dtype, caution=caution)


def _enum(tid: h5t.TypeID) -> DataType:
    base = _describe(tid.get_super())
    if base.dtype is None or base.reason is not None:
        return base
    members = {
        tid.get_member_name(i).decode("utf-8", "replace"): int(tid.get_member_value(i))
        for i in range(tid.get_nmembers())
    }
    if members == _BOOL and base.dtype == np.dtype(np.int8):
        return DataType(np.dtype(np.bool_))
    return DataType(base.dtype, enum=members)


def _bitfield(tid: h5t.TypeID) -> DataType:
    for known, name in _BITFIELDS:
        if tid.equal(known):
            return DataType(np.dtype(name))
    return _refused(f"a bit field of {tid.get_size()} bytes", "not all of its bits are used")


def _opaque(tid: h5t.TypeID) -> DataType:
    tag = tid.get_tag()
    if not tag.startswith(b"NUMPY:"):
        return DataType(np.dtype(f"V{tid.get_size()}"))
    dtype = np.dtype(tag[6:].decode("ascii", "replace"))
    if dtype.kind in "mM" and dtype.itemsize == tid.get_size():
        return DataType(dtype)
    return _refused(f"an opaque {dtype}", "Zarr has no such type")


def _complex(tid: h5t.TypeID) -> DataType:
    base = _describe(tid.get_super())
    if base.reason is None and base.dtype in _COMPLEX:
        return DataType(_COMPLEX[base.dtype])
    return _refused("a complex number", "its parts are no floats of 4 or 8 bytes")


_COMPLEX: Final = {
    np.dtype(f"{order}f{size}"): np.dtype(f"{order}c{2 * size}")
    for order in "<>"
    for size in (4, 8)
}


def _array(tid: h5t.TypeID) -> DataType:
    base, inner = _describe(tid.get_super()), tuple(tid.get_array_dims())
    if base.dtype is None or base.is_vlen_string:
        return _refused("arrays of strings or references", "Zarr has no such type")
    return DataType(
        base.dtype, inner + base.inner, base.reason, caution=base.caution, enum=base.enum
    )


def _compound(tid: h5t.TypeID) -> DataType:
    names = [tid.get_member_name(i) for i in range(tid.get_nmembers())]
    offsets = [tid.get_member_offset(i) for i in range(tid.get_nmembers())]
    members = [_describe(tid.get_member_type(i)) for i in range(tid.get_nmembers())]
    for name, member in zip(names, members, strict=True):
        if member.dtype is None or member.inner or member.is_vlen_string:
            field = name.decode("utf-8", "replace")
            what = member.reason.what if member.reason else "it has a length or shape of its own"
            return _refused(f"a compound whose field {field!r} Zarr cannot hold", what)
    types = [member.dtype for member in members if member.dtype is not None]
    is_complex = names == [b"r", b"i"] and types[0] == types[1] and types[0] in _COMPLEX
    if is_complex and offsets == [0, types[0].itemsize] and tid.get_size() == 2 * offsets[1]:
        return DataType(_COMPLEX[types[0]])
    try:
        fields = [(name.decode(), t) for name, t in zip(names, types, strict=True)]
        dtype = np.dtype([(name, t.newbyteorder("<")) for name, t in fields])
    except ValueError as error:
        return _refused("a compound", f"its field names do not fit NumPy ({error})")
    return _packed(tid, np.dtype(fields), dtype, offsets, members)


def _packed(
    tid: h5t.TypeID,
    stored: np.dtype[Any],
    dtype: np.dtype[Any],
    offsets: list[int],
    members: list[DataType],
) -> DataType:
    """Return the compound `dtype`, exact where the file packs the same little-endian fields."""
    caution = next((member.caution for member in members if member.caution), None)
    reason = next((member.reason for member in members if member.reason), None)
    why = None if reason is None else reason.what
    if stored != dtype:
        why = "a compound with big-endian fields, which not every version of zarr reads rightly"
    elif offsets != _packed_offsets(dtype) or tid.get_size() != dtype.itemsize:
        why = "a compound whose fields are not packed without gaps"
    if why is None:
        return DataType(dtype, caution=caution)
    return DataType(
        dtype,
        reason=Reason(
            code="hdf5-type",
            what=f"the datatype is {why}; Zarr cannot use its stored bytes",
            hint=_INLINE_HINT,
        ),
    )


def _packed_offsets(dtype: np.dtype[Any]) -> list[int]:
    sizes = [dtype[name].itemsize for name in dtype.names or ()]
    return [sum(sizes[:i]) for i in range(len(sizes))]


def _reference(tid: h5t.TypeID) -> DataType:  # noqa: ARG001 - one signature for all classes
    return _refused("a reference to another object", "it means nothing outside of this file")


def _sequence(tid: h5t.TypeID) -> DataType:  # noqa: ARG001 - one signature for all classes
    return _refused("sequences of varying length", "Zarr has no such type")


def _time(tid: h5t.TypeID) -> DataType:  # noqa: ARG001 - one signature for all classes
    return _refused("an HDF5 time", "no software reads it any more")


_BY_CLASS: Final = {
    h5t.INTEGER: _integer,
    h5t.FLOAT: _float,
    h5t.STRING: _string,
    h5t.ENUM: _enum,
    h5t.BITFIELD: _bitfield,
    h5t.OPAQUE: _opaque,
    h5t.COMPOUND: _compound,
    h5t.ARRAY: _array,
    h5t.REFERENCE: _reference,
    h5t.VLEN: _sequence,
    h5t.TIME: _time,
    # Complex numbers as a class of their own are new in HDF5 2.0.
    **({h5t.COMPLEX: _complex} if hasattr(h5t, "COMPLEX") else {}),
}
