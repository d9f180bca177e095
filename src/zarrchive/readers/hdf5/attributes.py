"""Attributes of HDF5 objects as Python values, and those that HDF5 and netCDF4 keep for themselves.

An attribute that cannot be kept is a Problem that names it; it never costs the variable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, Final

import h5py
import numpy as np
from h5py import h5a, h5s, h5t

from zarrchive.readers.hdf5.attribute_messages import AttributeMessage, attribute_messages
from zarrchive.readers.hdf5.attribute_values import (
    compound_value,
    opaque_words,
    sequences_value,
)
from zarrchive.readers.hdf5.datatypes import data_type
from zarrchive.readers.hdf5.problems import H5PY_ERRORS, Reason

if TYPE_CHECKING:
    from h5py import h5d, h5g

    from zarrchive.readers.hdf5.datatypes import DataType
    from zarrchive.readers.hdf5.opened import OpenFile

__all__ = ["Attributes", "read_attributes"]

_KEPT_APART: Final = frozenset(
    {
        "CLASS",
        "NAME",
        "DIMENSION_LIST",
        "REFERENCE_LIST",
        "DIMENSION_LABELS",
        "_Netcdf4Dimid",
        "_Netcdf4Coordinates",
        "_nc3_strict",
        "_NCProperties",
    }
)
_NOT_READ: Final = frozenset(
    {"DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS", "_nc3_strict", "_NCProperties"}
)
_LARGEST: Final = 64 * 2**20
"""Bytes; a larger attribute is taken for damage."""
_SEEN: Final[dict[bytes, object]] = {}
"""Values by the whole message, in which name, type and shape are too."""
_MOST_SEEN: Final = 2**16
_SEEN_SIZE: Final = 2**10
"""Bytes; longer messages are hardly ever repeated."""


@dataclass(slots=True)
class Attributes:
    """The attributes of one object."""

    values: dict[str, Any] = field(default_factory=dict)
    """Strings, lists of strings, NumPy scalars and arrays; one element counts as a scalar."""
    internal: dict[str, Any] = field(default_factory=dict)
    """Those that HDF5 and netCDF4 keep for themselves; None for those that nobody reads here."""
    reasons: list[Reason] = field(default_factory=list)
    """What was lost or changed."""

    @property
    def is_scale(self) -> bool:
        """Whether the object is an HDF5 dimension scale."""
        return self.internal.get("CLASS") == "DIMENSION_SCALE"


def read_attributes(file: OpenFile, obj: h5g.GroupID | h5d.DatasetID, address: int) -> Attributes:
    """Read all attributes of an open group or dataset (h5py's low-level object).

    An attribute whose message was seen before, in any file, is not read again.
    """
    found = Attributes()
    listed = _listed(file, obj, address, found)
    may_be_scale = any(one.name == b"CLASS" for one in listed)
    for one in listed:
        name = _text(one.name, "", found)
        if name in _NOT_READ or (name == "_Netcdf4Coordinates" and not may_be_scale):
            found.internal[name] = None
            continue
        value = _value(obj, one, name, found)
        if value is not None:
            (found.internal if name in _KEPT_APART else found.values)[name] = value
    if not found.is_scale:
        # Only dimension scales have these from HDF5; elsewhere they are the author's own.
        for name in ("CLASS", "NAME"):
            if name in found.internal:
                found.values[name] = found.internal.pop(name)
    return found


def _listed(
    file: OpenFile, obj: h5g.GroupID | h5d.DatasetID, address: int, found: Attributes
) -> list[AttributeMessage]:
    """List the attributes by name, from the object header if they are all there."""
    if file.source.local_path is not None:
        listed = attribute_messages(file, address)
        if listed is not None:
            return listed
    names: list[bytes] = []
    try:
        h5a.iterate(obj, names.append)
    except H5PY_ERRORS as error:
        found.reasons.append(_lost("?", f"the list of attributes cannot be read ({error})"))
    return [AttributeMessage(name, None) for name in names]


def _value(
    obj: h5g.GroupID | h5d.DatasetID, one: AttributeMessage, name: str, found: Attributes
) -> object:
    """Return the value of one attribute, or None after saying why there is none."""
    if one.body is not None and one.body in _SEEN:
        return _own(_SEEN[one.body])
    n_reasons = len(found.reasons)
    try:
        value = _read(obj, one.name, name, found)
    except H5PY_ERRORS as error:
        found.reasons.append(_lost(name, f"HDF5 cannot read it ({' '.join(str(error).split())})"))
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


def _read(
    obj: h5g.GroupID | h5d.DatasetID, raw_name: bytes, name: str, found: Attributes
) -> object:
    """Read the value; None after saying why there is none."""
    attribute = h5a.open(obj, raw_name)
    size = h5a.get_info(attribute).data_size
    encoded = attribute.get_type().encode()
    kind, itemsize, memory = _attribute_type(encoded)
    if kind.dtype is None and isinstance(memory, h5t.TypeVlenID):
        return _read_sequence(attribute, name, found)
    if kind.dtype is None:
        found.reasons.append(_lost(name, kind.reason.what if kind.reason else "unknown datatype"))
        return None
    if size == itemsize and not kind.inner:
        shape: tuple[int, ...] = (1,)  # a scalar or one element: all the same to netCDF
    else:
        space = attribute.get_space()
        if space.get_simple_extent_type() == h5s.NULL:
            return "" if kind.dtype.kind in "SO" else np.zeros(0, dtype=kind.dtype)
        shape = (*space.shape, *kind.inner)
        if size > _LARGEST or prod(shape) * kind.dtype.itemsize > _LARGEST:
            found.reasons.append(_lost(name, f"its shape {shape} is larger than {_LARGEST} bytes"))
            return None
    values = np.zeros(shape, dtype=kind.dtype)
    if values.size:
        attribute.read(values, memory)
    return _presented(values, name, found)


@lru_cache(maxsize=4096)
def _attribute_type(encoded: bytes) -> tuple[DataType, int, h5t.TypeID]:
    """Return what a type is, the bytes of one element in the file, and the type to read it as."""
    tid, kind = h5t.decode(encoded), data_type(encoded[2:])
    if kind.dtype is None:
        return kind, tid.get_size(), tid
    memory = h5t.py_create(kind.dtype)
    text = tid.get_super() if kind.inner else tid
    if kind.dtype.kind == "S" and isinstance(text, h5t.TypeStringID):
        # HDF5 refuses to convert text from one character set to another.
        memory = memory.copy()
        memory.set_cset(text.get_cset())
    if kind.inner:
        memory = h5t.array_create(memory, kind.inner)
    return kind, tid.get_size(), memory


def _read_sequence(attribute: h5a.AttrID, name: str, found: Attributes) -> object:
    """Read variable-length sequences of numbers."""
    dtype = attribute.dtype
    values = np.empty(attribute.shape, dtype=dtype)
    base = h5py.check_vlen_dtype(dtype)
    if not isinstance(base, np.dtype) or base.hasobject or not values.size:
        found.reasons.append(_lost(name, "it holds sequences of references or strings, or none"))
        return None
    attribute.read(values)
    return sequences_value(values.reshape(-1).tolist(), values.shape)


def _presented(values: np.ndarray[Any, Any], name: str, found: Attributes) -> object:
    """Return text as str, one element as a scalar, everything else as an array."""
    kind = values.dtype.kind
    if kind == "S" and values.size == 1:
        return _text(values.item(), name, found)
    if kind in "SO":
        texts = [_text(item, name, found) for item in values.reshape(-1).tolist()]
        if len(texts) == 1:
            return texts[0]
        return texts if values.ndim == 1 else np.array(texts, dtype=object).reshape(values.shape)
    if values.dtype.names is not None:
        return compound_value(values)
    if kind == "V":
        what = opaque_words(values)
        found.reasons.append(_lost(name, f"it holds {what}, which JSON cannot say"))
        return None
    if values.dtype.byteorder == ">":
        values = values.astype(values.dtype.newbyteorder("="))
    return values.reshape(-1)[0] if values.size == 1 and values.ndim <= 1 else values


def _text(raw: object, name: str, found: Attributes) -> str:
    """Decode the text of attribute `name`, or the name of an attribute where that is empty."""
    if isinstance(raw, str):
        return raw
    if not isinstance(raw, bytes):
        return ""  # None or 0, as which h5py returns strings that were never written
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        what = f"attribute {name!r}" if name else "the name of an attribute"
        what += " is not UTF-8 as HDF5 says, "
        if found.reasons and found.reasons[-1].what.startswith(what):
            return raw.decode("latin-1")
        found.reasons.append(
            Reason(
                code="hdf5-text-encoding",
                what=f"{what}but {raw[:40]!r}; it was read as Latin-1",
                hint="check the characters beyond ASCII, and correct the attribute where they "
                "are wrong",
                severity="warning",
            )
        )
        return raw.decode("latin-1")


def _lost(name: str, why: str) -> Reason:
    return Reason(
        code="hdf5-attribute",
        what=f"attribute {name!r} is left out: {why}",
        hint="read it with h5py if it is needed; the values are not affected",
        severity="warning",
    )
