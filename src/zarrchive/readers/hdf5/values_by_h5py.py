"""Values as the HDF5 library reads them: text of varying length, and what is not decoded here."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from h5py import h5s, h5t

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.facts import Facts

__all__ = ["elements_by_h5py", "fill_text_by_h5py", "texts_by_h5py"]


def elements_by_h5py(facts: Facts) -> bytes:
    """Read all elements of a dataset as they are stored: HDF5 undoes filters, and converts nothing.

    HDF5 itself has no conversion between character sets, nor from bit fields to integers.
    """
    stored = facts.dataset.get_type()
    raw = np.zeros(prod(facts.shape or ()) * stored.get_size(), dtype=np.uint8)
    if raw.size:
        facts.dataset.read(h5s.ALL, h5s.ALL, raw, stored)
    return raw.tobytes()


def texts_by_h5py(
    facts: Facts, start: tuple[int, ...], shape: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    """Read the block of `shape` that begins at element `start` of variable-length strings."""
    texts = np.zeros(shape, dtype=facts.kind.dtype)
    memory = h5t.py_create(facts.kind.dtype)
    if shape == facts.shape:
        facts.dataset.read(h5s.ALL, h5s.ALL, texts, memory)
        return texts
    space = facts.dataset.get_space()
    space.select_hyperslab(start, shape)
    facts.dataset.read(h5s.create_simple(shape), space, texts, memory)
    return texts


def fill_text_by_h5py(facts: Facts) -> str:
    """Return what unwritten variable-length strings of a dataset read as."""
    value = np.zeros((1,), dtype=facts.kind.dtype)
    facts.plist.get_fill_value(value)
    raw = value[0]
    return raw.decode("utf-8") if isinstance(raw, bytes) else ""
