"""Attributes as h5py reads them, of objects whose messages are not understood here."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from h5py import h5a, h5r, h5s, h5t

from zarrchive.errors import FormatError
from zarrchive.readers.hdf5.attribute_values import (
    LARGEST,
    NOT_READ,
    Attributes,
    lost,
    presented,
    text_of,
)
from zarrchive.readers.hdf5.by_h5py import address_of, open_object
from zarrchive.readers.hdf5.datatypes import data_type
from zarrchive.readers.hdf5.opened import raise_if_ours
from zarrchive.readers.hdf5.problems import H5PY_ERRORS
from zarrchive.readers.hdf5.unusual_attributes import sequences_value

if TYPE_CHECKING:
    from h5py import h5o

    from zarrchive.readers.hdf5.objects import FileObject
    from zarrchive.readers.hdf5.opened import OpenFile
    from zarrchive.readers.hdf5.requests import Trouble

__all__ = ["attributes_by_h5py"]


def attributes_by_h5py(file: OpenFile, obj: FileObject, trouble: Trouble) -> Attributes:
    """Read all attributes of a group or dataset."""
    if obj.messages is not None:
        file.leave(f"attributes of {obj.path.decode('utf-8', 'replace')}", trouble)
    found = Attributes()
    names: list[bytes] = []
    try:
        opened = open_object(file, obj.path)
        h5a.iterate(opened, names.append)
    except (FormatError, *H5PY_ERRORS) as error:
        raise_if_ours(error)
        what = f"the list of attributes cannot be read ({trouble}; HDF5 says: {error})"
        found.reasons.append(lost("?", what))
        return found
    for raw in sorted(names):
        name = text_of(raw, "", found)
        if name in NOT_READ:
            found.internal[name] = None
            continue
        try:
            value = _read(opened, raw, name, found)
        except H5PY_ERRORS as error:
            words = " ".join(str(error).split())
            found.reasons.append(lost(name, f"HDF5 cannot read it ({words})"))
            continue
        if value is not None:
            found.put(name, value)
    found.settle()
    return found


def _read(obj: h5o.ObjectID, raw_name: bytes, name: str, found: Attributes) -> object:
    """Read the value; None after saying why there is none."""
    attribute = h5a.open(obj, raw_name)
    if name == "DIMENSION_LIST":
        return _scale_addresses(obj, attribute)
    size = h5a.get_info(attribute).data_size
    encoded = attribute.get_type().encode()
    kind = data_type(encoded[2:])
    tid = h5t.decode(encoded)
    itemsize, memory = tid.get_size(), _memory_type(tid, kind)
    if kind.dtype is None and isinstance(memory, h5t.TypeVlenID):
        return _read_sequence(attribute, name, found)
    if kind.dtype is None:
        found.reasons.append(lost(name, kind.reason.what if kind.reason else "unknown datatype"))
        return None
    if size == itemsize and not kind.inner:
        shape: tuple[int, ...] = (1,)  # a scalar or one element: all the same to netCDF
    else:
        space = attribute.get_space()
        if space.get_simple_extent_type() == h5s.NULL:
            return "" if kind.dtype.kind in "SO" else np.zeros(0, dtype=kind.dtype)
        shape = (*space.shape, *kind.inner)
        if size > LARGEST or prod(shape) * kind.dtype.itemsize > LARGEST:
            found.reasons.append(lost(name, f"its shape {shape} is larger than {LARGEST} bytes"))
            return None
    values = np.zeros(shape, dtype=kind.dtype)
    if values.size:
        attribute.read(values, memory)
    return presented(values, name, found)


def _memory_type(tid: h5t.TypeID, kind: Any) -> h5t.TypeID:  # noqa: ANN401 - a DataType
    """Return the type to read values of a type as."""
    if kind.dtype is None:
        return tid
    memory = h5t.py_create(kind.dtype)
    text = tid.get_super() if kind.inner else tid
    if kind.dtype.kind == "S" and isinstance(text, h5t.TypeStringID):
        # HDF5 refuses to convert text from one character set to another.
        memory = memory.copy()
        memory.set_cset(text.get_cset())
    return h5t.array_create(memory, kind.inner) if kind.inner else memory


def _scale_addresses(obj: h5o.ObjectID, attribute: h5a.AttrID) -> tuple[tuple[int, ...], ...]:
    """Return the addresses of the scales that each dimension is attached to."""
    dtype = h5py.vlen_dtype(h5py.ref_dtype)
    lists = np.empty(attribute.shape, dtype=dtype)
    attribute.read(lists, h5t.py_create(dtype))
    return tuple(
        tuple(
            address_of(h5r.dereference(one, obj)) if one else -1
            for one in (() if references is None else references)
        )
        for references in lists.reshape(-1).tolist()
    )


def _read_sequence(attribute: h5a.AttrID, name: str, found: Attributes) -> object:
    """Read variable-length sequences of numbers."""
    base = h5py.check_vlen_dtype(attribute.dtype)
    if not isinstance(base, np.dtype) or base.hasobject or 0 in attribute.shape:
        found.reasons.append(lost(name, "it holds sequences of references or strings, or none"))
        return None
    # In the byte order of this machine: h5py labels others with it without swapping their bytes.
    dtype = h5py.vlen_dtype(base.newbyteorder("="))
    values = np.empty(attribute.shape, dtype=dtype)
    attribute.read(values, h5t.py_create(dtype))
    return sequences_value(values.reshape(-1).tolist(), values.shape)
