"""HDF5 datatypes in words, for messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

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

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from zarrchive.readers.hdf5.datatype_tree import Datatype

__all__ = ["type_name"]

_MOST_FIELDS: Final = 5


def type_name(found: Datatype) -> str:
    """Return a datatype in a few words; of fields only the first names."""
    return _WORDS[type(found)](found)


def _sequence(found: VariableLength) -> str:
    if found.is_string:
        return "text of varying length"
    return f"sequences of varying length of {type_name(found.base)}"


def _compound(found: Compound) -> str:
    names = [member.name.decode("utf-8", "replace") for member in found.members[:_MOST_FIELDS]]
    more = ", ..." if len(found.members) > _MOST_FIELDS else ""
    return f"compounds ({', '.join(names)}{more})"


def _reference(found: Reference) -> str:
    return {
        "object": "references to objects",
        "object 2": "references to objects",
        "region": "references to regions of datasets",
        "region 2": "references to regions of datasets",
        "attribute": "references to attributes",
    }[found.kind]


_WORDS: Final[Mapping[type[Any], Callable[[Any], str]]] = {
    FixedPoint: lambda found: f"{'' if found.is_signed else 'u'}int{found.precision}",
    FloatingPoint: lambda found: f"float{found.precision}",
    Time: lambda found: f"HDF5 times of {found.size} bytes",
    FixedString: lambda found: f"text of {found.size} bytes",
    BitField: lambda found: f"bit fields of {found.precision} bits",
    Opaque: lambda found: f"{found.size} opaque bytes",
    Compound: _compound,
    Reference: _reference,
    Enumeration: lambda found: f"enumerations of {type_name(found.base)}",
    VariableLength: _sequence,
    Array: lambda found: f"arrays {found.shape} of {type_name(found.base)}",
    Complex: lambda found: f"complex numbers of {type_name(found.base)}",
}
