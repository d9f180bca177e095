"""What HDF5 returns for values that were never written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from h5py import h5d

if TYPE_CHECKING:
    from h5py import h5p

    from zarrchive.readers.hdf5.datatypes import DataType

__all__ = ["fill_value", "has_own_fill"]

_USER_DEFINED: Final = 2  # H5D_FILL_VALUE_USER_DEFINED


def fill_value(plist: h5p.PropDCID, kind: DataType) -> object:
    """Return the fill value of a dataset as a scalar of its dtype.

    That is zero, unless the dataset has a fill value of its own that HDF5 was not told never
    to use. None where the type has no scalar that says it (an array in each element).
    """
    dtype = kind.dtype
    if dtype is None:
        return None
    is_own = has_own_fill(plist)
    if kind.is_vlen_string:
        return _string_fill(plist, dtype) if is_own else ""
    if not is_own:
        return np.zeros((), dtype=dtype)[()]
    if kind.inner:
        return None
    value = np.zeros((1,), dtype=dtype)
    plist.get_fill_value(value)
    return value[0]


def has_own_fill(plist: h5p.PropDCID) -> bool:
    """Say whether unwritten values read as anything but zeros or empty strings."""
    is_defined = plist.fill_value_defined() == _USER_DEFINED
    return bool(is_defined and plist.get_fill_time() != h5d.FILL_TIME_NEVER)


def _string_fill(plist: h5p.PropDCID, dtype: np.dtype[Any]) -> str:
    value = np.zeros((1,), dtype=dtype)
    plist.get_fill_value(value)
    raw = value[0]
    return raw.decode("utf-8") if isinstance(raw, bytes) else ""
