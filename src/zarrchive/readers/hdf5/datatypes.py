"""HDF5 datatypes as NumPy dtypes: which ones Zarr can take byte for byte, and which it cannot."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

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
    Opaque,
    Reference,
    Time,
    VariableLength,
)
from zarrchive.readers.hdf5.problems import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from zarrchive.readers.hdf5.datatype_tree import Datatype

__all__ = ["DataType", "data_type", "describe"]

_INLINE_HINT: Final = "name it in loadable_variables, so that h5py's values are used instead"
_H5PY_HINT: Final = "read this variable with h5py; all others can be used"
_LARGEST: Final = 2**31 - 1
"""Bytes of one element that NumPy can say."""


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


@lru_cache(maxsize=1024)
def data_type(message: bytes) -> DataType:
    """Describe the datatype of a datatype message (h5py: ``TypeID.encode()[2:]``).

    Files of a series share their types, so the answers are kept. Raises `ValueError` where the
    message is damaged.
    """
    return describe(parse_datatype(message))


def describe(found: Datatype) -> DataType:
    """Describe a datatype that was parsed already."""
    if found.size > _LARGEST:
        return _refused(f"one of {found.size} bytes an element", "no type of NumPy is that large")
    return _DESCRIPTIONS[type(found)](found)


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


def _integer(found: FixedPoint) -> DataType:
    size, precision, offset = found.size, found.precision, found.offset
    kind = "i" if found.is_signed else "u"
    if size in {1, 2, 4, 8} and precision == 8 * size:
        return DataType(np.dtype(f"{found.order}{kind}{size}"))
    wide = next((n for n in (1, 2, 4, 8) if 8 * n >= precision and n >= min(size, 8)), None)
    if wide is None:
        return _refused(f"an integer of {precision} bits", "no type of NumPy is wide enough")
    dtype = np.dtype(f"{found.order}{kind}{wide}")
    return _converted(dtype, f"integers of {precision} bits at bit {offset} of {size} bytes")


def _float(found: FloatingPoint) -> DataType:
    if found.order == "vax":
        return _refused(
            "a VAX float",
            "neither Zarr nor h5py reads that byte order rightly",
            "write the file again as IEEE floats with the software that made it",
        )
    for layout, size in _IEEE:
        if replace(layout, order=found.order) == found:
            return DataType(np.dtype(f"{found.order}f{size}"))
    what = f"floats of {found.size} bytes with {found.exponent_size} exponent bits (at bit "
    what += f"{found.exponent_position}) and {found.mantissa_size} mantissa bits"
    if found.normalization != "implied":
        return _refused(what, "HDF5 itself has no rule for numbers whose first bit is not set")
    for layout, size in _IEEE:
        if size >= min(found.size, 8) and _holds(layout, found):
            return _converted(np.dtype(f"{found.order}f{size}"), what)
    return _refused(what, "no type of Zarr holds them exactly")


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


_IEEE: Final = ((_ieee(2, 5), 2), (_ieee(4, 8), 4), (_ieee(8, 11), 8))


def _holds(wide: FloatingPoint, narrow: FloatingPoint) -> bool:
    """Say whether each number in one layout, subnormal ones too, is one in the other."""
    greatest = 2**narrow.exponent_size - 2 - narrow.exponent_bias
    return (
        narrow.mantissa_size <= wide.mantissa_size
        and greatest <= wide.exponent_bias
        and narrow.exponent_bias <= wide.exponent_bias
    )


def _string(found: FixedString) -> DataType:
    dtype = np.dtype(f"S{found.size}")
    caution = None
    if found.padding == "space-padded":
        caution = Reason(
            code="hdf5-string-padding",
            what=f"strings of {found.size} bytes are padded with spaces: h5py removes the "
            "trailing spaces, Zarr keeps them",
            hint="strip the strings after reading",
            severity="warning",
        )
    elif found.padding == "null-terminated" and found.size > 1:
        caution = Reason(
            code="hdf5-string-padding",
            what=f"strings of {found.size} bytes end at their first NUL: h5py stops there, "
            "Zarr shows what the file has behind it, if there is anything",
            hint="cut the strings at the first NUL after reading",
            severity="warning",
        )
    return DataType(dtype, caution=caution)


def _enum(found: Enumeration) -> DataType:
    base = _integer(found.base)
    members = {name.decode("utf-8", "replace"): value for name, value in found.members}
    if members == {"FALSE": 0, "TRUE": 1} and found.size == 1 and base.reason is None:
        return DataType(np.dtype(np.bool_))
    return base if base.dtype is None else replace(base, enum=members)


def _bitfield(found: BitField) -> DataType:
    if found.size in {1, 2, 4, 8} and found.precision == 8 * found.size:
        return DataType(np.dtype(f"{found.order}u{found.size}"))
    return _refused(f"a bit field of {found.size} bytes", "not all of its bits are used")


_NUMPY_TIME: Final = re.compile(r"NUMPY:([<>=|]?[mM]8(\[\d{0,9}[A-Za-z]{1,2}(/\d{1,9})?\])?)")


def _opaque(found: Opaque) -> DataType:
    if not found.tag.startswith(b"NUMPY:"):
        return DataType(np.dtype(f"V{found.size}"))
    tag = found.tag.decode("ascii", "replace")
    match = _NUMPY_TIME.fullmatch(tag)
    if match is None or found.size != 8:
        return _refused(f"an opaque {tag.removeprefix('NUMPY:')}", "Zarr has no such type")
    try:
        return DataType(np.dtype(match[1]))
    except (TypeError, ValueError):
        return _refused(f"an opaque {match[1]}", "NumPy has no such unit of time")


def _complex(found: Complex) -> DataType:
    base = _float(found.base)
    if base.reason is None and base.dtype in _COMPLEX:
        return DataType(_COMPLEX[base.dtype])
    return _refused("a complex number", "its parts are no floats of 4 or 8 bytes")


_COMPLEX: Final = {
    np.dtype(f"{order}f{size}"): np.dtype(f"{order}c{2 * size}")
    for order in "<>"
    for size in (4, 8)
}


def _array(found: Array) -> DataType:
    base = describe(found.base)
    if base.dtype is None or base.is_vlen_string:
        return _refused("arrays of strings or references", "Zarr has no such type")
    return replace(base, inner=found.shape + base.inner)


def _compound(found: Compound) -> DataType:
    described = [describe(member.type) for member in found.members]
    for member, field in zip(found.members, described, strict=True):
        if field.dtype is None or field.inner or field.is_vlen_string:
            name = member.name.decode("utf-8", "replace")
            what = field.reason.what if field.reason else "it has a length or shape of its own"
            return _refused(f"a compound whose field {name!r} Zarr cannot hold", what)
    types = [field.dtype for field in described if field.dtype is not None]
    number = _as_complex(found, types)
    if number is not None:
        return DataType(number)
    try:
        fields = [(m.name.decode(), t) for m, t in zip(found.members, types, strict=True)]
        dtype = np.dtype([(name, t.newbyteorder("<")) for name, t in fields])
        return _packed(found, np.dtype(fields), dtype, described)
    except ValueError as error:
        return _refused("a compound", f"its field names do not fit NumPy ({error})")


def _as_complex(found: Compound, types: list[np.dtype[Any]]) -> np.dtype[Any] | None:
    """Return the complex dtype of what h5py writes for complex numbers."""
    if [member.name for member in found.members] != [b"r", b"i"] or types[0] != types[1]:
        return None
    number = _COMPLEX.get(types[0])
    offsets = [member.offset for member in found.members]
    is_packed = number is not None and offsets == [0, types[0].itemsize]
    return number if is_packed and found.size == 2 * offsets[1] else None


def _packed(
    found: Compound, stored: np.dtype[Any], dtype: np.dtype[Any], described: list[DataType]
) -> DataType:
    """Return the compound `dtype`, exact where the file packs the same little-endian fields."""
    caution = next((field.caution for field in described if field.caution), None)
    reason = next((field.reason for field in described if field.reason), None)
    why = None if reason is None else reason.what
    offsets = [member.offset for member in found.members]
    if stored != dtype:
        why = "a compound with big-endian fields, which not every version of zarr reads rightly"
    elif offsets != _packed_offsets(dtype) or found.size != dtype.itemsize:
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
    offsets, end = [], 0
    for name in dtype.names or ():
        offsets.append(end)
        end += dtype[name].itemsize
    return offsets


def _reference(found: Reference) -> DataType:  # noqa: ARG001 - one signature for all classes
    return _refused("a reference to another object", "it means nothing outside of this file")


def _variable_length(found: VariableLength) -> DataType:
    if not found.is_string:
        return _refused("sequences of varying length", "Zarr has no such type")
    # What h5py.string_dtype returns.
    kind = str if found.charset == "utf-8" else bytes
    return DataType(np.dtype("O", metadata={"vlen": kind}), is_vlen_string=True)


def _time(found: Time) -> DataType:  # noqa: ARG001 - one signature for all classes
    return _refused("an HDF5 time", "no software reads it any more")


_Description: TypeAlias = "Callable[[Any], DataType]"
_DESCRIPTIONS: Final[Mapping[type[Any], _Description]] = {
    FixedPoint: _integer,
    FloatingPoint: _float,
    FixedString: _string,
    Enumeration: _enum,
    BitField: _bitfield,
    Opaque: _opaque,
    Complex: _complex,
    Array: _array,
    Compound: _compound,
    Reference: _reference,
    VariableLength: _variable_length,
    Time: _time,
}
