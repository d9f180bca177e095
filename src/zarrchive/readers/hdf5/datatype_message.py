"""Datatype messages of HDF5 files, parsed without the HDF5 library.

Follows the HDF5 File Format Specification 3.0, §IV.A.2.d (versions 1 to 4 of the message), and
4.0 for version 5, which HDF5 2.0 writes (complex numbers, revised references).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import prod
from struct import unpack_from
from typing import TYPE_CHECKING, Final, TypeVar

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
    Opaque,
    Reference,
    Time,
    VariableLength,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from zarrchive.readers.hdf5.datatype_tree import (
        Charset,
        Datatype,
        Normalization,
        Order,
        Padding,
        ReferenceKind,
    )

__all__ = ["parse_datatype"]

_T = TypeVar("_T")
_DEEPEST: Final = 32
"""Types inside of types; HDF5 has no limit, but Python's stack has one."""
_MOST_DIMENSIONS: Final = 32  # H5S_MAX_RANK


@lru_cache(maxsize=1024)
def parse_datatype(message: bytes) -> Datatype:
    """Parse the body of a datatype message; bytes behind its end are ignored.

    Raises `ValueError` that says what is wrong where the bytes are no datatype. Takes time and
    memory in proportion to the message, whatever is in it. Answers are kept: files of a series
    share their types.
    """
    return _parsed(_Cursor(message), 0)


class _Cursor:
    """A place in the message; nothing is read behind the end of it."""

    __slots__ = ("_data", "at")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self._data):
            raise ValueError(
                f"the datatype message has {len(self._data)} bytes, but needs at least {end}"
            )
        taken = self._data[self.at : end]
        self.at = end
        return taken

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "little")

    def name(self, *, is_padded: bool) -> bytes:
        """Take a name that ends with a NUL, and what pads it to a multiple of 8 bytes."""
        end = self._data.find(b"\0", self.at)
        if end < 0:
            raise ValueError(f"the name at byte {self.at} of the datatype message has no end")
        length = end - self.at
        return self.take((length + 8) // 8 * 8 if is_padded else length + 1)[:length]


@dataclass(frozen=True, slots=True)
class _Head:
    """The first 8 bytes of the message, and how deep it is inside of others."""

    version: int
    flags: int
    """The class bit field, 24 bits."""
    size: int
    depth: int


def _parsed(cursor: _Cursor, depth: int) -> Datatype:
    if depth > _DEEPEST:
        raise ValueError(f"datatypes are nested more than {_DEEPEST} deep")
    first, low, high, size = unpack_from("<BBHI", cursor.take(8))
    version, number = first >> 4, int(first & 0x0F)
    if not 1 <= version <= 5:
        raise ValueError(f"the datatype message has version {version}; 1 to 5 are known")
    if number >= len(_PARSERS):
        raise ValueError(f"datatype class {number} does not exist")
    if not size:
        raise ValueError("the elements of the datatype have 0 bytes")
    return _PARSERS[number](cursor, _Head(version, low | high << 8, size, depth))


def _order(head: _Head) -> Order:
    return ">" if head.flags & 1 else "<"


def _bits(cursor: _Cursor, head: _Head) -> tuple[int, int]:
    """Take bit offset and precision, which have to lie inside of the element."""
    offset, precision = cursor.number(2), cursor.number(2)
    if not precision or offset + precision > 8 * head.size:
        raise ValueError(f"{precision} bits at bit {offset} do not fit into {head.size} bytes")
    return offset, precision


def _fixed_point(cursor: _Cursor, head: _Head) -> FixedPoint:
    offset, precision = _bits(cursor, head)
    return FixedPoint(head.size, _order(head), offset, precision, bool(head.flags & 8))


def _floating_point(cursor: _Cursor, head: _Head) -> FloatingPoint:
    offset, precision = _bits(cursor, head)
    exponent_position, exponent_size, mantissa_position, mantissa_size, bias = unpack_from(
        "<BBBBI", cursor.take(8)
    )
    sign_position = head.flags >> 8 & 0xFF
    parts = sorted(
        [
            (sign_position, 1),
            (exponent_position, exponent_size),
            (mantissa_position, mantissa_size),
            (8 * head.size, 0),
        ]
    )
    overlaps = any(a + size > b for (a, size), (b, _) in pairwise(parts))
    if not exponent_size or not mantissa_size or overlaps or parts[-1][1]:
        raise ValueError(
            f"a float of {head.size} bytes with its sign at bit {sign_position}, {exponent_size} "
            f"bits of exponent at bit {exponent_position} and {mantissa_size} of mantissa at bit "
            f"{mantissa_position} does not exist"
        )
    return FloatingPoint(
        size=head.size,
        order=_float_order(head),
        offset=offset,
        precision=precision,
        sign_position=sign_position,
        exponent_position=exponent_position,
        exponent_size=exponent_size,
        exponent_bias=bias,
        mantissa_position=mantissa_position,
        mantissa_size=mantissa_size,
        normalization=_choice(_NORMALIZATIONS, head.flags >> 4 & 3, "mantissa normalization"),
    )


def _float_order(head: _Head) -> Order:
    """Return the byte order; bit 6 means VAX since version 3, together with bit 0."""
    if head.version >= 3 and head.flags & 0x40:
        if not head.flags & 1:
            raise ValueError("the byte order of a float is none that exists")
        return "vax"
    return _order(head)


def _time(cursor: _Cursor, head: _Head) -> Time:
    return Time(head.size, _order(head), cursor.number(2))


def _fixed_string(cursor: _Cursor, head: _Head) -> FixedString:  # noqa: ARG001 - one signature
    padding = _choice(_PADDINGS, head.flags & 0x0F, "padding of text")
    return FixedString(
        head.size, padding, _choice(_CHARSETS, head.flags >> 4 & 0x0F, "character set")
    )


def _bit_field(cursor: _Cursor, head: _Head) -> BitField:
    offset, precision = _bits(cursor, head)
    return BitField(head.size, _order(head), offset, precision)


def _opaque(cursor: _Cursor, head: _Head) -> Opaque:
    return Opaque(head.size, cursor.take(head.flags & 0xFF).partition(b"\0")[0])


def _compound(cursor: _Cursor, head: _Head) -> Compound:
    count = head.flags & 0xFFFF
    if not count:
        raise ValueError("a compound has no members")
    members = tuple(_member(cursor, head) for _ in range(count))
    end = 0
    for member in sorted(members, key=lambda one: one.offset):
        if member.offset < end:
            raise ValueError(f"member {member.name!r} of a compound overlaps another")
        end = member.offset + member.type.size
    if end > head.size:
        raise ValueError(f"members of a compound of {head.size} bytes end at byte {end}")
    return Compound(head.size, members)


def _member(cursor: _Cursor, head: _Head) -> Member:
    name = cursor.name(is_padded=head.version < 3)
    # Since version 3 the offset takes as many bytes as the size of the compound needs.
    offset = cursor.number(4 if head.version < 3 else (head.size.bit_length() + 7) // 8)
    shape: tuple[int, ...] = ()
    if head.version == 1:
        rank, *sizes = unpack_from("<B11x4I", cursor.take(28))
        if rank > len(sizes):
            raise ValueError(f"member {name!r} of a compound has {rank} dimensions, 4 at most")
        shape = tuple(sizes[:rank])
    base = _parsed(cursor, head.depth + 1)
    return Member(name, offset, _array_of(base, shape) if shape else base)


def _array_of(base: Datatype, shape: tuple[int, ...]) -> Array:
    if 0 in shape:
        raise ValueError(f"an array of shape {shape} in each element holds nothing")
    return Array(base.size * prod(shape), base, shape)


def _reference(cursor: _Cursor, head: _Head) -> Reference:  # noqa: ARG001 - one signature
    kind = _choice(_REFERENCE_KINDS, head.flags & 0x0F, "kind of reference")
    return Reference(head.size, kind)


def _enumeration(cursor: _Cursor, head: _Head) -> Enumeration:
    count = head.flags & 0xFFFF
    base = _parsed(cursor, head.depth + 1)
    if not isinstance(base, FixedPoint) or base.size != head.size:
        raise ValueError(f"an enumeration of {head.size} bytes is not made of such integers")
    names = [cursor.name(is_padded=head.version < 3) for _ in range(count)]
    raw = cursor.take(count * base.size)
    values = [_integer(raw[at : at + base.size], base) for at in range(0, len(raw), base.size)]
    return Enumeration(head.size, base, tuple(zip(names, values, strict=True)))


def _integer(raw: bytes, base: FixedPoint) -> int:
    whole = int.from_bytes(raw, "big" if base.order == ">" else "little")
    value = whole >> base.offset & (1 << base.precision) - 1
    if base.is_signed and value >> base.precision - 1:
        value -= 1 << base.precision
    return value


def _variable_length(cursor: _Cursor, head: _Head) -> VariableLength:
    kind = head.flags & 0x0F
    if kind > 1:
        raise ValueError(f"kind {kind} of variable length does not exist")
    is_string = kind == 1
    # Both mean something for text only (the specification has no checks of them elsewhere).
    padding = head.flags >> 4 & 0x0F if is_string else 0
    charset = head.flags >> 8 & 0x0F if is_string else 0
    return VariableLength(
        head.size,
        _parsed(cursor, head.depth + 1),
        is_string,
        _choice(_PADDINGS, padding, "padding of text"),
        _choice(_CHARSETS, charset, "character set"),
    )


def _array(cursor: _Cursor, head: _Head) -> Array:
    if head.version < 2:
        raise ValueError("arrays as a class of their own came with version 2")
    rank = cursor.number(1)
    if not 1 <= rank <= _MOST_DIMENSIONS:
        raise ValueError(f"an array in each element has {rank} dimensions")
    if head.version == 2:
        cursor.take(3)
    shape = unpack_from(f"<{rank}I", cursor.take(4 * rank))
    if head.version == 2:
        cursor.take(4 * rank)  # permutation of the dimensions, which was never used
    array = _array_of(_parsed(cursor, head.depth + 1), shape)
    if array.size != head.size:
        raise ValueError(f"an array of {array.size} bytes in each element of {head.size} bytes")
    return array


def _complex(cursor: _Cursor, head: _Head) -> Complex:
    """Parse a complex number: bit 0 says that both parts have one type, bits 1-2 the form."""
    if head.version < 5 or head.flags & 7 != 1:
        raise ValueError("a complex number is in no form that HDF5 has defined")
    base = _parsed(cursor, head.depth + 1)
    if not isinstance(base, FloatingPoint) or 2 * base.size != head.size:
        raise ValueError(f"a complex number of {head.size} bytes is not made of two floats")
    return Complex(head.size, base)


def _choice(names: tuple[_T, ...], number: int, what: str) -> _T:
    if number >= len(names):
        raise ValueError(f"{what} {number} does not exist")
    return names[number]


_NORMALIZATIONS: Final[tuple[Normalization, ...]] = ("none", "most significant bit set", "implied")
_PADDINGS: Final[tuple[Padding, ...]] = ("null-terminated", "null-padded", "space-padded")
_CHARSETS: Final[tuple[Charset, ...]] = ("ascii", "utf-8")
_REFERENCE_KINDS: Final[tuple[ReferenceKind, ...]] = (
    "object",
    "region",
    "object 2",
    "region 2",
    "attribute",
)
_PARSERS: Final[tuple[Callable[[_Cursor, _Head], Datatype], ...]] = (
    _fixed_point,
    _floating_point,
    _time,
    _fixed_string,
    _bit_field,
    _opaque,
    _compound,
    _reference,
    _enumeration,
    _variable_length,
    _array,
    _complex,
)
"""By the number of the class."""
