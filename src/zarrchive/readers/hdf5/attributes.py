"""The attributes of all objects of a file, decoded from their messages."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Final

import numpy as np

from zarrchive.readers.hdf5.attribute_messages import read_attribute_messages
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
from zarrchive.readers.hdf5.stored_values import decode, heap_references
from zarrchive.readers.hdf5.superblock import number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zarrchive.readers.hdf5.attribute_messages import AttributeMessage
    from zarrchive.readers.hdf5.datatype_tree import Datatype
    from zarrchive.readers.hdf5.global_heap import GlobalHeaps
    from zarrchive.readers.hdf5.objects import FileObject
    from zarrchive.readers.hdf5.opened import OpenFile
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.stored_values import HeapReferences

__all__ = ["read_attributes"]

_VARIABLE_LENGTH: Final = 9
"""Class of the datatypes whose values are in the global heap."""
_SEEN: Final[dict[bytes, object]] = {}
"""Values by the whole message, in which name, type and shape are too."""
_MOST_SEEN: Final = 2**16
_SEEN_SIZE: Final = 2**10
"""Bytes; longer messages are hardly ever repeated."""


def read_attributes(file: OpenFile, objects: Iterable[FileObject]) -> Steps[list[Attributes]]:
    """Read all attributes of groups and datasets; what is in heaps is fetched for all at once.

    An attribute whose message was seen before, in any file, is not decoded again.
    """
    wanted = list(objects)
    listed = yield from together(_listed(file, one) for one in wanted)
    addresses: set[int] = set()
    for messages in listed:
        if not isinstance(messages, Trouble):
            for one in messages:
                if one.datatype[0] & 0x0F == _VARIABLE_LENGTH:
                    addresses.update(_heap_addresses(file, one))
    yield from file.heaps.load(addresses)
    return [_attributes(file, *pair) for pair in zip(wanted, listed, strict=True)]


def _listed(file: OpenFile, one: FileObject) -> Steps[list[AttributeMessage]]:
    if one.messages is None:
        raise NotUnderstood("its object header is left to h5py")
    return (yield from read_attribute_messages(file.superblock, one.messages))


def _heap_addresses(file: OpenFile, one: AttributeMessage) -> set[int]:
    """Return the global heaps that the value of an attribute lies in."""
    try:
        found = _references(file, one)
    except PARSE_ERRORS:
        return set()  # which is said when the value is decoded
    return {*found.addresses[found.lengths > 0].tolist()} - {0, file.superblock.undefined}


def _references(file: OpenFile, one: AttributeMessage) -> HeapReferences:
    count = prod(one.extent.shape) if one.extent.shape is not None else 0
    return heap_references(one.data, count, address_size=file.superblock.address_size)


def _attributes(
    file: OpenFile, obj: FileObject, listed: list[AttributeMessage] | Trouble
) -> Attributes:
    if isinstance(listed, Trouble):
        from zarrchive.readers.hdf5.attributes_by_h5py import attributes_by_h5py

        return attributes_by_h5py(file, obj, listed)
    found = Attributes()
    may_be_scale = any(one.name == b"CLASS" for one in listed)
    for one in listed:
        name = text_of(one.name, "", found)
        if name in NOT_READ or (name == "_Netcdf4Coordinates" and not may_be_scale):
            found.internal[name] = None
            continue
        value = _value(file, one, name, found)
        if value is not None:
            found.put(name, value)
    found.settle()
    return found


def _value(file: OpenFile, one: AttributeMessage, name: str, found: Attributes) -> object:
    """Return the value of one attribute, or None after saying why there is none."""
    if one.body is not None and one.body in _SEEN:
        return _own(_SEEN[one.body])
    n_reasons = len(found.reasons)
    try:
        value = _decoded(file, one, name, found)
    except (Trouble, *PARSE_ERRORS) as error:
        found.reasons.append(lost(name, f"it cannot be decoded ({' '.join(str(error).split())})"))
        return None
    if one.body is not None and len(found.reasons) == n_reasons and len(one.body) <= _SEEN_SIZE:
        if len(_SEEN) >= _MOST_SEEN:
            _SEEN.clear()
        _SEEN[one.body] = _own(value)
    return value


def _own(value: object) -> object:
    """Return a value that nobody else can change."""
    if isinstance(value, np.ndarray):
        return value.copy()
    return list(value) if isinstance(value, list) else value


def _decoded(file: OpenFile, one: AttributeMessage, name: str, found: Attributes) -> object:
    """Decode the value; None after saying why there is none."""
    shape = one.extent.shape
    kind = data_type(one.datatype)
    if one.datatype[0] & 0x0F == _VARIABLE_LENGTH:
        return _from_heap(file, one, name, found)
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
    """Return text, or one sequence, of varying length; or the scales of each dimension."""
    datatype = parse_datatype(one.datatype)
    if not isinstance(datatype, VariableLength):
        raise TypeError("the class of the message said that it is one")
    shape = one.extent.shape
    if shape is None:
        return ""
    base = datatype.base
    if datatype.is_string:
        texts = np.empty(prod(shape), dtype=object)
        texts[:] = [
            data.partition(b"\0")[0] for _, data in _objects(file.heaps, _references(file, one), 1)
        ]
        return presented(texts.reshape(shape or (1,)), name, found)
    if name == "DIMENSION_LIST" and isinstance(base, Reference) and base.kind == "object":
        return _scale_addresses(file, one, base)
    return _sequence(file, one, base, (name, found))


def _objects(
    heaps: GlobalHeaps, references: HeapReferences, item_size: int
) -> list[tuple[int, bytes]]:
    """Return number of items and bytes of each element."""
    columns = (column.tolist() for column in references)
    found = []
    for length, address, index in zip(*columns, strict=True):
        data = b"" if not length or not address else heaps.object(address, index)
        length = length if address else 0  # noqa: PLW2901 - nothing is there
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
    found = _objects(file.heaps, _references(file, one), base.size)
    lists = [[number(data, i * width, width) for i in range(n)] for n, data in found]
    absent = {0, file.superblock.undefined}
    return tuple(tuple(-1 if a in absent else a for a in addresses) for addresses in lists)


def _sequence(
    file: OpenFile, one: AttributeMessage, base: Datatype, place: tuple[str, Attributes]
) -> object:
    """Return a sequence of numbers, if there is just one."""
    name, found = place
    if prod(one.extent.shape or ()) != 1:
        found.reasons.append(lost(name, "it holds several sequences of varying length"))
        return None
    try:
        ((count, data),) = _objects(file.heaps, _references(file, one), base.size)
        values = decode(base, data, count)
    except ValueError:
        found.reasons.append(lost(name, "it holds sequences of references or strings"))
        return None
    return values.astype(values.dtype.newbyteorder("="))
