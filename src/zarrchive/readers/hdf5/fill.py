"""What HDF5 returns for values that were never written."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from zarrchive.readers.hdf5.stored_values import decode

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.facts import Facts

__all__ = ["fill_value", "has_own_fill", "stored_fill"]


def fill_value(facts: Facts) -> object:
    """Return the fill value of a dataset as a scalar of its dtype.

    That is zero, unless the dataset has a fill value of its own that HDF5 was not told never
    to use. None where the type has no scalar that says it (an array in each element). That of
    strings of varying length is `inlined_texts.fill_text`.
    """
    kind = facts.kind
    if kind.dtype is None:
        return None
    if not has_own_fill(facts):
        return np.zeros((), dtype=kind.dtype)[()]
    if kind.inner:
        return None
    if facts.is_told_by_h5py:
        value = np.zeros((1,), dtype=kind.dtype)
        facts.plist.get_fill_value(value)
        return value[0]
    return _decoded(facts.datatype, facts.fill.value or b"")


@lru_cache(maxsize=1024)
def _decoded(datatype: bytes, value: bytes) -> object:
    scalar: object = decode(datatype, value, 1)[0]
    return scalar


def has_own_fill(facts: Facts) -> bool:
    """Say whether unwritten values read as anything but zeros or empty strings."""
    return facts.fill.value is not None and not facts.fill.is_never_written


def stored_fill(facts: Facts, element_size: int) -> bytes:
    """Return one unwritten element as the file would store it."""
    return (facts.fill.value or b"") if has_own_fill(facts) else bytes(element_size)
