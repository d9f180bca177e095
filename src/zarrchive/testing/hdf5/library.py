"""Creation properties that the HDF5 library has and h5py does not offer: set through ctypes.

Only the library that h5py itself has loaded is of use. Where it cannot be found (builds that are
not wheels), `library` is None and files are made without these properties.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import h5py

if TYPE_CHECKING:
    from h5py import h5p, h5t

__all__ = ["Property", "library", "set_fill", "set_property"]

Property = tuple[str, tuple[int, ...]]
"""Name of a function ``H5P<name>`` of unsigned integers, and the integers."""

_SIGNATURES: Final = {
    "set_sym_k": 2,  # rank of group nodes, entries of their leaves
    "set_istore_k": 1,  # rank of chunk nodes
    "set_shared_mesg_nindexes": 1,
    "set_shared_mesg_index": 3,  # number, kinds of messages, least size
    "set_shared_mesg_phase_change": 2,
    "set_link_phase_change": 2,
    "set_chunk_opts": 1,  # 2: chunks at the edge are not filtered
    "set_nbit": 0,
    "set_deflate": 1,  # of groups: filters the heap of dense links
}


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL | None:
    """Return the HDF5 library inside the wheel of h5py, or None."""
    folder = Path(h5py.__file__).parent.parent / "h5py.libs"
    found = next(iter(sorted(folder.glob("libhdf5-*.so*"))), None)
    if found is None:
        return None
    opened = ctypes.CDLL(str(found))
    for name, count in _SIGNATURES.items():
        function = getattr(opened, f"H5P{name}")
        function.argtypes = [ctypes.c_int64, *[ctypes.c_uint] * count]
        function.restype = ctypes.c_int
    opened.H5Pset_fill_value.argtypes = [ctypes.c_int64, ctypes.c_int64, ctypes.c_char_p]
    opened.H5Pset_fill_value.restype = ctypes.c_int
    return opened


def set_property(plist: h5p.PropInstanceID, name: str, *values: int) -> bool:
    """Call ``H5P<name>``; say whether the library could be asked."""
    opened = library()
    if opened is None:
        return False
    _check(getattr(opened, f"H5P{name}")(plist.id, *values), name)
    return True


def set_fill(plist: h5p.PropDCID, tid: h5t.TypeID, value: bytes) -> bool:
    """Set a fill value by its stored bytes, which h5py can for types of NumPy only."""
    opened = library()
    if opened is None:
        return False
    _check(opened.H5Pset_fill_value(plist.id, tid.id, value), "set_fill_value")
    return True


def _check(status: Any, name: str) -> None:
    if status < 0:
        raise ValueError(f"HDF5 refuses H5P{name}")
