"""Values as h5py reads them, for what is inlined."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from h5py import h5d, h5t

    from zarrchive.readers.hdf5.datatypes import DataType

__all__ = ["SMALL", "WANTED", "read_block", "read_values"]

SMALL: Final = 2**20
"""Decoded bytes up to which values that cannot be referenced are inlined unasked."""
WANTED: Final = 64 * 2**20
"""Decoded bytes up to which values that somebody asked for are inlined."""


def read_values(
    dataset: h5d.DatasetID, kind: DataType, shape: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    """Read a whole dataset (h5py's low-level object); its dataspace has `shape`."""
    if kind.dtype is None:
        raise TypeError("values of a refused datatype are never read")
    from h5py import h5s

    values = np.zeros(shape + kind.inner, dtype=kind.dtype)
    if prod(shape):
        dataset.read(h5s.ALL, h5s.ALL, values, _memory_type(kind))
    return values


def read_block(
    dataset: h5d.DatasetID, kind: DataType, start: tuple[int, ...], shape: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    """Read the block of `shape` that begins at element `start`."""
    from h5py import h5s

    values = np.zeros(shape, dtype=kind.dtype)
    space = dataset.get_space()
    space.select_hyperslab(start, shape)
    dataset.read(h5s.create_simple(shape), space, values, _memory_type(kind))
    return values


def _memory_type(kind: DataType) -> h5t.TypeID:
    from h5py import h5t

    memory = h5t.py_create(kind.dtype)
    return h5t.array_create(memory, kind.inner) if kind.inner else memory
