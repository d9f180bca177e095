"""The values of a virtual dataset, read from its sources one by one.

HDF5 itself shows fill values for sources that it does not find, and follows names anywhere.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numcodecs
import numpy as np

from zarrchive.readers.hdf5.selections import Irregular
from zarrchive.readers.hdf5.storage import Absent, Inlined, Refused
from zarrchive.readers.hdf5.stored_values import decode
from zarrchive.readers.hdf5.virtual_mappings import Misfit, slabs_of
from zarrchive.readers.limits import WANTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.selections import Selection
    from zarrchive.readers.hdf5.storage import Storage
    from zarrchive.readers.hdf5.virtual_mappings import Mapping, Slab

__all__ = ["Canvas", "SourceValues"]

_MOST: Final = 2**24
"""Elements that are read of one source, or listed one by one."""
_VLEN_UTF8: Final = numcodecs.VLenUTF8()


class SourceValues:
    """The values of one source, read once if it is small."""

    def __init__(self, facts: Facts, storage: Storage, fill: object) -> None:
        if isinstance(storage, Refused):
            raise Misfit(f"{facts.file.where}: {storage.reason.what}")
        self.facts = facts
        self._whole: np.ndarray[Any, Any] | None = None
        if isinstance(storage, Inlined | Absent):
            self._whole = _whole(facts, storage, fill)

    def box(self, box: Sequence[tuple[int, int]]) -> np.ndarray[Any, Any]:
        """Return the elements of a box, flat; those of an array in each element stay together."""
        facts = self.facts
        if self._whole is not None:
            inside = tuple(slice(start, end) for start, end in box)
            return self._whole[inside].reshape(-1, *facts.kind.inner)
        if prod(end - start for start, end in box) * facts.itemsize > WANTED:
            raise Misfit(f"more than {WANTED} bytes of {facts.file.where} would have to be read")
        return _box_by_h5py(facts, box)


def _whole(facts: Facts, storage: Inlined | Absent, fill: object) -> np.ndarray[Any, Any]:
    """Return the values that a manifest holds."""
    shape = facts.full_shape
    dtype = np.dtype(object) if facts.kind.is_vlen_string else facts.kind.dtype
    if isinstance(storage, Absent):
        return np.full(shape, fill, dtype=dtype)
    if not facts.kind.is_vlen_string:
        data = b"".join(storage.manifest.inlined)
        return np.frombuffer(data, dtype=dtype).reshape(shape)
    values = np.full(shape, fill, dtype=dtype)
    for index, chunk in storage.manifest.entries():
        texts = _VLEN_UTF8.decode(chunk.data).reshape(storage.chunk_shape)  # type: ignore[union-attr]
        inside = tuple(
            slice(i * n, (i + 1) * n) for i, n in zip(index, storage.chunk_shape, strict=True)
        )
        target = values[inside]
        values[inside] = texts[tuple(slice(n) for n in target.shape)]
    return values


def _box_by_h5py(facts: Facts, box: Sequence[tuple[int, int]]) -> np.ndarray[Any, Any]:
    """Read a box of a large dataset that was found to be healthy."""
    from h5py import h5s

    start, count = tuple(a for a, _ in box), tuple(b - a for a, b in box)
    space = facts.dataset.get_space()
    space.select_hyperslab(start, count)
    stored = facts.dataset.get_type()
    raw = np.empty(prod(count) * stored.get_size(), dtype=np.uint8)
    facts.dataset.read(h5s.create_simple(count), space, raw, stored)
    return decode(facts.datatype, raw.data, prod(count))


class Canvas:
    """The values of a virtual dataset while its sources are copied into it."""

    def __init__(self, facts: Facts, fill: object) -> None:
        dtype = np.dtype(object) if facts.kind.is_vlen_string else facts.kind.dtype
        self.values = np.full(facts.full_shape, fill, dtype=dtype)
        self._shape = facts.shape or ()
        self._flat = self.values.reshape(prod(self._shape), *facts.kind.inner)
        self._is_mapped = np.zeros(prod(self._shape), dtype=bool)

    def copy(self, mapping: Mapping, source: SourceValues) -> None:
        """Copy what a mapping shows of a source.

        Raises `Misfit` where that is too much, the selections do not match or lie over those
        before, or the values are of another type that does not hold them.
        """
        theirs_type = _dtype_of(source.facts)
        is_same_shape = source.facts.kind.inner == self._flat.shape[1:]
        if not is_same_shape or not _is_held(theirs_type, self.values.dtype):
            raise Misfit(f"{mapping} shows values of type {theirs_type} as {self.values.dtype}")
        source_shape = source.facts.shape or ()
        slabs = mapping.slabs(self._shape, source_shape)
        if slabs is None:
            mine = _listed(mapping.virtual, self._shape)
            theirs = _listed(mapping.source, source_shape)
            box = [(0, size) for size in source_shape]
        else:
            mine = _flat(slabs[0], self._shape)
            box = [(slab.start, slab.end) for slab in slabs[1]]
            inside = [replace(slab, start=0) for slab in slabs[1]]
            theirs = _flat(inside, tuple(end - start for start, end in box))
        if mine.size != theirs.size:
            raise Misfit(f"{mapping} matches {mine.size} elements with {theirs.size}")
        if self._is_mapped[mine].any():
            raise Misfit(f"{mapping} lies over others, for which HDF5 has no rule")
        self._is_mapped[mine] = True
        if mine.size:
            self._flat[mine] = source.box(box)[theirs]

    def encoded(self) -> bytes:
        """Return the values as the only chunk of a Zarr array."""
        if self.values.dtype != object:
            return self.values.tobytes()
        return bytes(_VLEN_UTF8.encode(self.values.reshape(-1)))


def _dtype_of(facts: Facts) -> np.dtype[Any]:
    if facts.kind.is_vlen_string or facts.kind.dtype is None:
        return np.dtype(object)
    return facts.kind.dtype


def _is_held(theirs: np.dtype[Any], mine: np.dtype[Any]) -> bool:
    """Say whether each value of one type is a value of the other, and HDF5 converts it so."""
    if theirs.kind + mine.kind in {"OO", "SS"} or {theirs.kind, mine.kind} <= set("iuf"):
        return np.can_cast(theirs, mine, "safe")
    return theirs.newbyteorder("<") == mine.newbyteorder("<")


def _flat(slabs: Sequence[Slab], shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return the flat indices (C order) that a regular selection takes of a shape."""
    if prod(slab.size for slab in slabs) > _MOST:
        raise Misfit(f"more than {_MOST} elements would have to be copied")
    sums = np.zeros(1, dtype=np.int64)
    for axis, slab in enumerate(slabs):
        steps = slab.start + slab.stride * np.arange(slab.count, dtype=np.int64)
        indices = (steps[:, None] + np.arange(slab.block)).reshape(-1)
        sums = np.add.outer(sums, indices * prod(shape[axis + 1 :])).reshape(-1)
    return sums


def _listed(selection: Selection, shape: tuple[int, ...]) -> npt.NDArray[np.intp]:
    """Return the flat indices (C order) that any selection takes of a shape."""
    if prod(shape) > _MOST:
        raise Misfit(f"an irregular selection is made of more than {_MOST} elements")
    if not isinstance(selection, Irregular):
        slabs = slabs_of(selection, shape) or []
        if any(slab.end > size for slab, size in zip(slabs, shape, strict=True)):
            raise Misfit(f"a selection passes the end of shape {shape}")
        return _flat(slabs, shape)
    is_selected = np.zeros(shape, dtype=bool)
    for first, end in zip(selection.first.tolist(), selection.end.tolist(), strict=True):
        if len(end) != len(shape) or any(a > b for a, b in zip(end, shape, strict=True)):
            raise Misfit(f"an irregular selection passes the end of shape {shape}")
        is_selected[tuple(slice(a, b) for a, b in zip(first, end, strict=True))] = True
    return np.flatnonzero(is_selected)
