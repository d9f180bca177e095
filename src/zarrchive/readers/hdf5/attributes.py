"""The attributes of all objects of a file, decoded from their messages."""

from __future__ import annotations

from functools import lru_cache, partial
from math import prod
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from zarrchive.readers.hdf5.attribute_messages import AttributeMessage, read_attribute_messages
from zarrchive.readers.hdf5.attribute_values import (
    LARGEST,
    NOT_READ,
    Attributes,
    lost,
    presented,
    text_of,
)
from zarrchive.readers.hdf5.datatype_message import parse_datatype
from zarrchive.readers.hdf5.datatype_tree import Reference, VariableLength
from zarrchive.readers.hdf5.datatypes import data_type
from zarrchive.readers.hdf5.requests import PARSE_ERRORS, NotUnderstood, Trouble, together
from zarrchive.readers.hdf5.stored_values import decode
from zarrchive.readers.hdf5.superblock import address_at, number
from zarrchive.readers.hdf5.unusual_attributes import sequences_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from zarrchive.readers.hdf5.objects import FileObject
    from zarrchive.readers.hdf5.opened import OpenFile
    from zarrchive.readers.hdf5.problems import Reason
    from zarrchive.readers.hdf5.requests import Steps

__all__ = [
    "decoded_value",
    "heap_objects_of",
    "heap_references_of",
    "listed_attributes",
    "read_attributes",
]

_VARIABLE_LENGTH: Final = 9
"""Class of the datatypes whose values are in the global heap."""


def read_attributes(file: OpenFile, objects: Iterable[FileObject]) -> Steps[list[Attributes]]:
    """Read all attributes of groups and datasets; what is in heaps is fetched for all at once.

    Equal messages are decoded once, whatever file they are in.
    """
    wanted = list(objects)
    listed = yield from together(listed_attributes(file, one) for one in wanted)
    width = file.superblock.address_size
    addresses: set[int] = set()
    for messages in listed:
        if not isinstance(messages, Trouble):
            addresses |= _heap_addresses(messages, width)
    yield from file.heaps.load(addresses - {0, file.superblock.undefined})
    return [_attributes(file, *pair) for pair in zip(wanted, listed, strict=True)]


def listed_attributes(file: OpenFile, one: FileObject) -> Steps[tuple[AttributeMessage, ...]]:
    """Return the attributes of an object as its messages say them."""
    if one.messages is None:
        raise NotUnderstood("its object header is left to h5py")
    return (yield from read_attribute_messages(file.superblock, one.messages))


@lru_cache(maxsize=2**13)
def _heap_addresses(messages: tuple[AttributeMessage, ...], width: int) -> frozenset[int]:
    """Return the global heaps that the values of attributes lie in."""
    found: set[int] = set()
    for one in messages:
        if one.datatype[0] & 0x0F == _VARIABLE_LENGTH:
            try:
                found.update(address for n, address, _ in heap_references_of(one, width) if n)
            except PARSE_ERRORS:
                continue  # which is said when the value is decoded
    return frozenset(found)


def heap_references_of(one: AttributeMessage, width: int) -> list[tuple[int, int, int]]:
    """Return length, heap address and index of each element (§III.E)."""
    size = 8 + width
    count = prod(one.extent.shape) if one.extent.shape is not None else 0
    if count * size > len(one.data):
        raise ValueError(f"{count} elements take {count * size} bytes, not {len(one.data)}")
    if type(one.data) is bytes:
        return list(_REFERENCES[width].iter_unpack(one.data[: count * size]))
    places = range(0, count * size, size)
    return [
        (
            number(one.data, at, 4),
            address_at(one.data, at + 4, width),
            number(one.data, at + size - 4, 4),
        )
        for at in places
    ]


_REFERENCES: Final = {2: Struct("<IHI"), 4: Struct("<III"), 8: Struct("<IQI")}
"""Length, heap address and index, by the bytes of an address."""


def _attributes(
    file: OpenFile, obj: FileObject, listed: tuple[AttributeMessage, ...] | Trouble
) -> Attributes:
    if isinstance(listed, NotUnderstood):
        from zarrchive.readers.hdf5.attributes_by_h5py import attributes_by_h5py

        return attributes_by_h5py(file, obj, listed)
    if isinstance(listed, Trouble):
        return Attributes(reasons=[lost("?", f"the list of attributes cannot be read ({listed})")])
    template = _template(listed)
    found = Attributes(dict(template.values), dict(template.internal), list(template.reasons))
    for name, value in template.owned:
        found.put(name, _own(value))
    for name, message in template.in_heap:
        value = _from_heap(file, message, name, found)
        if value is not None:
            found.put(name, value)
        else:
            found.drop(name)
    found.settle()
    return found


class _Template(NamedTuple):
    """The attributes of an object, decoded once for all objects whose messages are equal."""

    values: dict[str, Any]
    internal: dict[str, Any]
    reasons: tuple[Reason, ...]
    owned: tuple[tuple[str, Any], ...]
    """Those that can be changed, of which each object gets its own."""
    in_heap: tuple[tuple[str, AttributeMessage], ...]
    """Those whose values are elsewhere; None holds their place."""


@lru_cache(maxsize=2**13)
def _template(messages: tuple[AttributeMessage, ...]) -> _Template:
    """Decode what the messages hold themselves."""
    found = Attributes()
    owned: list[tuple[str, Any]] = []
    in_heap: list[tuple[str, AttributeMessage]] = []
    may_be_scale = any(one.name == b"CLASS" for one in messages)
    for one in messages:
        name = text_of(one.name, "", found)
        if name in NOT_READ or (name == "_Netcdf4Coordinates" and not may_be_scale):
            found.put(name, None)
        elif one.datatype[0] & 0x0F == _VARIABLE_LENGTH:
            found.put(name, None)
            in_heap.append((name, one))
        else:
            value, told = _in_message(one)
            found.reasons += told
            if value is not None:
                found.put(name, value)
                owned += [(name, value)] if isinstance(value, np.ndarray | list) else []
    reasons = tuple(found.reasons)
    return _Template(found.values, found.internal, reasons, tuple(owned), tuple(in_heap))


@lru_cache(maxsize=2**13)
def _in_message(one: AttributeMessage) -> tuple[object, tuple[Reason, ...]]:
    """Decode a value that is in the message; None where there is none, and what is said of it."""
    found = Attributes()
    name = text_of(one.name, "", Attributes())
    value = _guarded(name, found, partial(decoded_value, one, name, found))
    return value, tuple(found.reasons)


def _guarded(name: str, found: Attributes, decoded: Callable[[], object]) -> object:
    """Return a value, or None after saying why there is none."""
    try:
        return decoded()
    except (Trouble, *PARSE_ERRORS) as error:
        found.reasons.append(lost(name, f"it cannot be decoded ({' '.join(str(error).split())})"))
        return None


def _own(value: object) -> object:
    """Return a value that nobody else can change."""
    if isinstance(value, np.ndarray):
        return value.copy()
    return list(value) if isinstance(value, list) else value


def decoded_value(one: AttributeMessage, name: str, found: Attributes) -> object:
    """Decode a value that is in the message; None after saying why there is none."""
    shape = one.extent.shape
    kind = data_type(one.datatype)
    if kind.dtype is None:
        found.reasons.append(lost(name, kind.reason.what if kind.reason else "unknown datatype"))
        return None
    if shape is None:
        return "" if kind.dtype.kind in "SO" else np.zeros(0, dtype=kind.dtype)
    whole = (*shape, *kind.inner)
    if prod(whole) * kind.dtype.itemsize > LARGEST:
        found.reasons.append(lost(name, f"its shape {whole} is larger than {LARGEST} bytes"))
        return None
    values = decode(one.datatype, one.data, prod(shape)).copy()  # nobody else's memory
    # A scalar or one element: all the same to netCDF.
    return presented(values.reshape(whole or (1,)), name, found)


def _from_heap(file: OpenFile, one: AttributeMessage, name: str, found: Attributes) -> object:
    """Decode a value that is in a heap; None after saying why there is none."""
    return _guarded(name, found, partial(_heap_value, file, one, name, found))


def _heap_value(file: OpenFile, one: AttributeMessage, name: str, found: Attributes) -> object:
    """Return text, or one sequence, of varying length; or the scales of each dimension."""
    datatype = parse_datatype(one.datatype)
    if not isinstance(datatype, VariableLength):
        raise ValueError("the class of the message said that it is one")  # noqa: TRY004 - damage
    shape, base = one.extent.shape, datatype.base
    if shape is None and datatype.is_string:
        return ""
    if shape is None:
        found.reasons.append(lost(name, "it has no values"))
        return None
    if datatype.is_string:
        found_texts = [data.partition(b"\0")[0] for _, data in heap_objects_of(file, one, 1)]
        texts = np.empty(len(found_texts), dtype=object)  # as many as there are bytes for
        texts[:] = found_texts
        return presented(texts.reshape(shape or (1,)), name, found)
    if name == "DIMENSION_LIST" and isinstance(base, Reference) and base.kind == "object":
        return _scale_addresses(file, one, base)
    try:
        found_values = [decode(base, data, n) for n, data in heap_objects_of(file, one, base.size)]
    except ValueError:
        found_values = []
    if not found_values:
        found.reasons.append(lost(name, "it holds sequences of references or strings, or none"))
        return None
    return sequences_value(found_values, shape)


def heap_objects_of(
    file: OpenFile, one: AttributeMessage, item_size: int
) -> list[tuple[int, bytes]]:
    """Return number of items and bytes of each element."""
    found = []
    for length, address, index in heap_references_of(one, file.superblock.address_size):
        if not length or not address:
            found.append((0, b""))
            continue
        data = file.heaps.object(address, index)
        if length * item_size > len(data):
            raise ValueError(f"{length} items are in {len(data)} bytes of the global heap")
        found.append((length, data[: length * item_size]))
    return found


def _scale_addresses(
    file: OpenFile, one: AttributeMessage, base: Reference
) -> tuple[tuple[int, ...], ...]:
    """Return the addresses of the scales that each dimension is attached to."""
    width = file.superblock.address_size
    if base.size != width:
        raise ValueError(f"references of {base.size} bytes are not addresses")
    lists = [
        [address_at(data, i * width, width) for i in range(count)]
        for count, data in heap_objects_of(file, one, base.size)
    ]
    absent = {0, file.superblock.undefined}
    return tuple(tuple(-1 if a in absent else a for a in addresses) for addresses in lists)
