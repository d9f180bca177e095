"""Values of attributes that are neither plain numbers nor text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["compound_value", "opaque_words", "sequences_value"]

_MOST_SHOWN: Final = 16
"""Opaque bytes shown in a message."""


def compound_value(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | np.void:
    """Return compound values in the byte order of this machine, without gaps; one as a scalar."""
    dtype = _packed(values.dtype)
    native = values.astype(dtype)
    return native.reshape(-1)[0] if native.size == 1 and native.ndim <= 1 else native


def _packed(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.names is None:
        return dtype.newbyteorder("=")
    return np.dtype([(name, _packed(dtype[name])) for name in dtype.names])


def sequences_value(
    sequences: Iterable[np.ndarray[Any, Any]], shape: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    """Return sequences of varying length: one as an array, several as an array of lists."""
    found = list(sequences)
    if len(found) == 1:
        return found[0].astype(found[0].dtype.newbyteorder("="))
    lists = np.empty(len(found), dtype=object)
    for at, one in enumerate(found):
        lists[at] = one.tolist()
    return lists.reshape(shape)


def opaque_words(values: np.ndarray[Any, Any]) -> str:
    """Say which opaque bytes an attribute holds, as far as a message has room for them."""
    raw = values.tobytes()
    more = "..." if len(raw) > _MOST_SHOWN else ""
    return f"{len(raw)} opaque bytes ({raw[:_MOST_SHOWN].hex(' ')}{more})"
