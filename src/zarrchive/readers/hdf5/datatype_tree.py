"""HDF5 datatypes as frozen values: what a datatype message says, and nothing of NumPy or Zarr.

Named after the classes of the HDF5 File Format Specification 3.0, §IV.A.2.d. Padding bits are
left out: they say nothing about values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = [
    "Array",
    "BitField",
    "Charset",
    "Complex",
    "Compound",
    "Datatype",
    "Enumeration",
    "FixedPoint",
    "FixedString",
    "FloatingPoint",
    "Member",
    "Normalization",
    "Opaque",
    "Order",
    "Padding",
    "Reference",
    "ReferenceKind",
    "Time",
    "VariableLength",
]

Order: TypeAlias = Literal["<", ">", "vax"]
Padding: TypeAlias = Literal["null-terminated", "null-padded", "space-padded"]
Charset: TypeAlias = Literal["ascii", "utf-8"]
Normalization: TypeAlias = Literal["none", "most significant bit set", "implied"]
ReferenceKind: TypeAlias = Literal["object", "region", "object 2", "region 2", "attribute"]


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """Integers."""

    size: int
    """Bytes of one element, as for all other types."""
    order: Order
    offset: int
    """Bits below the least significant one of the value."""
    precision: int
    """Bits of the value."""
    is_signed: bool


@dataclass(frozen=True, slots=True)
class FloatingPoint:
    """Floats of any layout; positions are bits from the least significant one of the element."""

    size: int
    order: Order
    offset: int
    precision: int
    sign_position: int
    exponent_position: int
    exponent_size: int
    exponent_bias: int
    mantissa_position: int
    mantissa_size: int
    normalization: Normalization


@dataclass(frozen=True, slots=True)
class Time:
    """Times, which the specification names without defining them."""

    size: int
    order: Order
    precision: int


@dataclass(frozen=True, slots=True)
class FixedString:
    """Text of a fixed number of bytes."""

    size: int
    padding: Padding
    charset: Charset


@dataclass(frozen=True, slots=True)
class BitField:
    """Bits, used like an unsigned integer."""

    size: int
    order: Order
    offset: int
    precision: int


@dataclass(frozen=True, slots=True)
class Opaque:
    """Bytes that only their tag explains."""

    size: int
    tag: bytes
    """Without the NULs behind it."""


@dataclass(frozen=True, slots=True)
class Member:
    """One field of a compound."""

    name: bytes
    offset: int
    type: Datatype


@dataclass(frozen=True, slots=True)
class Compound:
    """Fields at their offsets; none overlaps another, all lie inside of `size`."""

    size: int
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """The place of another object, or of a part of it."""

    size: int
    kind: ReferenceKind


@dataclass(frozen=True, slots=True)
class Enumeration:
    """Integers with names."""

    size: int
    base: FixedPoint
    members: tuple[tuple[bytes, int], ...]
    """Name and value, in the order of the file."""


@dataclass(frozen=True, slots=True)
class VariableLength:
    """Sequences of `base`, or text; elements are length, heap address and heap index."""

    size: int
    base: Datatype
    is_string: bool
    padding: Padding
    charset: Charset


@dataclass(frozen=True, slots=True)
class Array:
    """Arrays of one shape in each element."""

    size: int
    base: Datatype
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Complex:
    """Complex numbers in rectangular form: real part, imaginary part (HDF5 2.0)."""

    size: int
    base: FloatingPoint


Datatype: TypeAlias = (
    FixedPoint
    | FloatingPoint
    | Time
    | FixedString
    | BitField
    | Opaque
    | Compound
    | Reference
    | Enumeration
    | VariableLength
    | Array
    | Complex
)
