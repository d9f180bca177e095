"""HDF5 datatypes as NumPy dtypes: which ones Zarr can take byte for byte, and which it cannot."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
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
from zarrchive.readers.hdf5.float_layouts import holding_size, ieee_size, is_extended
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.type_names import type_name

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
    enums: Mapping[tuple[str, ...], Mapping[str, int]] = field(default_factory=dict)
    """Names of the values of enumerations, by field: ``()`` for the values themselves,
    ``("a", "b")`` for field ``b`` of field ``a``."""
    is_reference: bool = False
    """Whether elements point to other objects of the file."""

    @property
    def enum(self) -> Mapping[str, int] | None:
        """Names of the values of an enumeration."""
        return self.enums.get(())


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
        return _refused(f"elements of {found.size} bytes", "no type of NumPy is that large")
    return _DESCRIPTIONS[type(found)](found)


def _refused(kind: str, why: str, hint: str = _H5PY_HINT) -> DataType:
    return DataType(
        dtype=None,
        reason=Reason(
            code="hdf5-type",
            what=f"its values are {kind}: {why}",
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
        return _refused(f"integers of {precision} bits", "no type of NumPy is wide enough")
    dtype = np.dtype(f"{found.order}{kind}{wide}")
    return _converted(dtype, f"integers of {precision} bits at bit {offset} of {size} bytes")


def _float(found: FloatingPoint) -> DataType:
    exact = ieee_size(found)
    if exact is not None:
        return DataType(np.dtype(f"{found.order}f{exact}"))
    if found.order == "vax":
        return _refused(
            "VAX floats",
            "neither Zarr nor h5py reads that byte order rightly",
            "write the file again as IEEE floats with the software that made it",
        )
    what = f"floats of {found.size} bytes with {found.exponent_size} exponent bits (at bit "
    what += f"{found.exponent_position}) and {found.mantissa_size} mantissa bits"
    if is_extended(found):
        reason = Reason(
            code="hdf5-type",
            what=f"{what} have no equal in Zarr; they become float64 where that holds each value",
            hint=_INLINE_HINT,
        )
        return DataType(np.dtype(f"{found.order}f8"), reason=reason)
    size = holding_size(found)
    if size is None:
        return _refused(what, "no type of Zarr holds them exactly")
    return _converted(np.dtype(f"{found.order}f{size}"), what)


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
    return base if base.dtype is None else replace(base, enums={(): members})


def _bitfield(found: BitField) -> DataType:
    size, precision, offset = found.size, found.precision, found.offset
    if size in {1, 2, 4, 8} and precision == 8 * size:
        return DataType(np.dtype(f"{found.order}u{size}"))
    wide = next((n for n in (1, 2, 4, 8) if 8 * n >= precision and n >= min(size, 8)), None)
    if wide is None:
        return _refused(f"bit fields of {precision} bits", "no type of NumPy is wide enough")
    dtype = np.dtype(f"{found.order}u{wide}")
    return _converted(dtype, f"bit fields of {precision} bits at bit {offset} of {size} bytes")


_NUMPY_TAG: Final = re.compile(
    r"NUMPY:([<>=|]?(?:[biufcSUV?]\d{0,9}|[mM]8(?:\[\d{0,9}[A-Za-z]{1,2}(?:/\d{1,9})?\])?))"
)
"""What h5py writes for types of NumPy that HDF5 has not (``h5py.opaque_dtype``)."""


def _opaque(found: Opaque) -> DataType:
    if not found.tag.startswith(b"NUMPY:"):
        return DataType(np.dtype(f"V{found.size}"))
    tag = found.tag.decode("ascii", "replace")
    match = _NUMPY_TAG.fullmatch(tag)
    try:
        dtype = None if match is None else np.dtype(match[1])
    except (TypeError, ValueError):
        dtype = None
    if dtype is None or dtype.itemsize != found.size:
        return _refused(f"opaque bytes with the tag {tag!r}", "NumPy has no such type of that size")
    return DataType(dtype)


def _complex(found: Complex) -> DataType:
    return _complex_of(type_name(found), _float(found.base))


def _complex_of(what: str, part: DataType) -> DataType:
    """Describe complex numbers whose parts are `part`; NumPy has none of two bytes each."""
    if part.dtype is None:
        return part
    size = max(4, part.dtype.itemsize)
    dtype = np.dtype(f"{part.dtype.str[0]}c{2 * size}")
    if part.reason is None and size != part.dtype.itemsize:
        return _converted(dtype, what)
    return DataType(dtype, reason=part.reason)


def _array(found: Array) -> DataType:
    base = describe(found.base)
    if base.dtype is None or base.is_vlen_string:
        return _refused(type_name(found), "Zarr has no such type")
    return replace(base, inner=found.shape + base.inner)


def _compound(found: Compound) -> DataType:
    fields = [describe(member.type) for member in found.members]
    for member, one in zip(found.members, fields, strict=True):
        if one.dtype is None or one.inner or one.is_vlen_string:
            name = member.name.decode("utf-8", "replace")
            return _refused(
                f"compounds whose field {name!r} holds {type_name(member.type)}",
                "Zarr's structs have no such fields",
            )
    if _is_complex(found, fields):
        number = _complex_of(type_name(found), fields[0])
        if _is_packed(found) or number.reason is not None or number.dtype is None:
            return number
        return _converted(number.dtype, "complex numbers whose parts have a gap between or behind")
    return _struct(found, fields)


def _is_complex(found: Compound, fields: list[DataType]) -> bool:
    """Say whether h5py takes a compound for complex numbers, as which it writes those."""
    if [member.name for member in found.members] != [b"r", b"i"]:
        return False
    real, imaginary = (one.dtype for one in fields)
    return real is not None and real == imaginary and real.kind == "f" and real.itemsize in {4, 8}


def _struct(found: Compound, fields: list[DataType]) -> DataType:
    """Describe a compound: exact where the file packs the little-endian fields of a struct."""
    try:
        names = [member.name.decode("utf-8") for member in found.members]
        formats = [one.dtype for one in fields]
        stored = np.dtype({"names": names, "formats": formats})
    except ValueError as error:
        return _refused(type_name(found), f"their field names do not fit NumPy ({error})")
    dtype = stored.newbyteorder("<")
    reason = next((one.reason for one in fields if one.reason is not None), None)
    why = None if reason is None else f"compounds of {reason.what}"
    if stored != dtype:
        why = "compounds with big-endian fields, which not every version of zarr reads rightly"
    elif not _is_packed(found):
        why = "compounds whose fields are not packed without gaps"
    enums = {
        (name, *inner): members
        for name, one in zip(names, fields, strict=True)
        for inner, members in one.enums.items()
    }
    if why is None:
        caution = next((one.caution for one in fields if one.caution is not None), None)
        return DataType(dtype, caution=caution, enums=enums)
    what = f"its values are {why}; Zarr cannot use their stored bytes"
    reason = Reason(code="hdf5-type", what=what, hint=_INLINE_HINT)
    return DataType(dtype, reason=reason, enums=enums)


def _is_packed(found: Compound) -> bool:
    """Say whether fields follow each other without gaps, in the order of their names."""
    end = 0
    for member in found.members:
        if member.offset != end:
            return False
        end += member.type.size
    return end == found.size


def _reference(found: Reference) -> DataType:
    refused = _refused(type_name(found), "they mean nothing outside of this file")
    return replace(refused, is_reference=True)


def _variable_length(found: VariableLength) -> DataType:
    if not found.is_string:
        return _refused(type_name(found), "Zarr has no such type")
    # What h5py.string_dtype returns.
    kind = str if found.charset == "utf-8" else bytes
    return DataType(np.dtype("O", metadata={"vlen": kind}), is_vlen_string=True)


def _time(found: Time) -> DataType:
    return _refused(type_name(found), "no software reads them any more")


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
