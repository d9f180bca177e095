"""Values as h5py reads them, for what is inlined."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from h5py import h5s, h5t

from zarrchive.readers.hdf5.stored_values import decode

if TYPE_CHECKING:
    from h5py import h5d

    from zarrchive.readers.hdf5.datatypes import DataType

__all__ = ["SMALL", "WANTED", "read_block", "read_values"]

SMALL: Final = 2**20
"""Decoded bytes up to which values that cannot be referenced are inlined unasked."""
WANTED: Final = 64 * 2**20
"""Decoded bytes up to which values that somebody asked for are inlined."""


def read_values(
    dataset: h5d.DatasetID, kind: DataType, shape: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    """Read a whole dataset (h5py's low-level object); its dataspace has `shape`.

    HDF5 returns the stored elements as they are, and `decode` makes values of them: HDF5 itself
    has no conversion between character sets, nor from bit fields to integers.

    Raises `InexactError` where the type could be converted, but not these values.
    """
    if kind.is_vlen_string:
        texts = np.zeros(shape, dtype=kind.dtype)
        if texts.size:
            dataset.read(h5s.ALL, h5s.ALL, texts, h5t.py_create(kind.dtype))
        return texts
    stored = dataset.get_type()
    raw = np.zeros(prod(shape) * stored.get_size(), dtype=np.uint8)
    if raw.size:
        dataset.read(h5s.ALL, h5s.ALL, raw, stored)
    values = decode(stored.encode()[2:], raw.data, prod(shape))
    return values.reshape(shape + kind.inner)


def read_block(
    dataset: h5d.DatasetID, kind: DataType, start: tuple[int, ...], shape: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    """Read the block of `shape` that begins at element `start` of variable-length strings."""
    texts = np.zeros(shape, dtype=kind.dtype)
    space = dataset.get_space()
    space.select_hyperslab(start, shape)
    dataset.read(h5s.create_simple(shape), space, texts, h5t.py_create(kind.dtype))
    return texts
