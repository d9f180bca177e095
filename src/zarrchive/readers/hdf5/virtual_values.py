"""The values of a virtual dataset, read from its sources one by one.

HDF5 itself shows fill values for sources that it does not find, and follows names anywhere.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.readers.hdf5.stored_values import decode
from zarrchive.readers.hdf5.virtual_mappings import Misfit

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from h5py import h5d, h5s

    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.virtual_mappings import Mapping, Slab

__all__ = ["copy_mapped"]

_MOST: Final = 2**24
"""Elements that are read of one source, or listed one by one."""


def copy_mapped(
    values: np.ndarray[Any, Any],
    mapping: Mapping,
    facts: Facts,
    source: Facts,
    is_mapped: npt.NDArray[np.bool_],
) -> None:
    """Read what a mapping shows of `source` into the `values` of the virtual dataset `facts`.

    Takes `dataset`, `kind` and `shape` of both; notes in `is_mapped` what was read. Raises
    `Misfit` where that is too much, the selections do not match, or lie over those before.
    """
    shape, source_shape = facts.shape or (), source.shape or ()
    slabs = mapping.slabs(shape, source_shape)
    if slabs is None:
        mine, theirs = _listed(mapping.virtual, shape), _listed(mapping.source, source_shape)
        box = [(0, size) for size in source_shape]
    else:
        mine = _flat(slabs[0], shape)
        box = [(slab.start, slab.end) for slab in slabs[1]]
        inside = [replace(slab, start=0) for slab in slabs[1]]
        theirs = _flat(inside, tuple(end - start for start, end in box))
    if mine.size != theirs.size:
        raise Misfit(f"{mapping} matches {mine.size} elements with {theirs.size}")
    if not mine.size:
        return
    if is_mapped[mine].any():
        raise Misfit(f"{mapping} lies over others, for which HDF5 has no rule")
    is_mapped[mine] = True
    flat = values.reshape(prod(shape), *facts.kind.inner)
    flat[mine] = _read(facts, source.dataset, box)[theirs]


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


def _listed(space: h5s.SpaceID, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return the flat indices that any selection takes of a shape, in its own order."""
    from h5py import h5s

    if prod(shape) > _MOST:
        raise Misfit(f"an irregular selection is made of more than {_MOST} elements")
    kind = space.get_select_type()
    if kind == h5s.SEL_ALL:
        return np.arange(prod(shape))
    is_selected = np.zeros(shape, dtype=bool)
    try:
        for first, last in np.asarray(space.get_select_hyper_blocklist(), dtype=np.int64):
            if (last >= shape).any():
                raise Misfit(f"an irregular selection passes the end of shape {shape}")
            is_selected[tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))] = True
    except (ValueError, IndexError) as error:
        raise Misfit(f"an irregular selection does not fit shape {shape} ({error})") from error
    return np.flatnonzero(is_selected)


def _read(facts: Facts, source: h5d.DatasetID, box: list[tuple[int, int]]) -> np.ndarray[Any, Any]:
    """Read a box of a source as elements of the virtual dataset, flat."""
    from h5py import h5s, h5t

    start, count = tuple(a for a, _ in box), tuple(b - a for a, b in box)
    if prod(count) > _MOST:
        raise Misfit(f"more than {_MOST} elements of a source would have to be read")
    space, memory = source.get_space(), h5s.create(h5s.SCALAR)
    if box:
        space.select_hyperslab(start, count)
        memory = h5s.create_simple(count)
    if facts.kind.is_vlen_string:
        texts = np.empty(prod(count), dtype=facts.kind.dtype)
        source.read(memory, space, texts.reshape(count), h5t.py_create(facts.kind.dtype))
        return texts
    stored = facts.dataset.get_type()
    raw = np.empty(prod(count) * stored.get_size(), dtype=np.uint8)
    source.read(memory, space, raw, stored)
    return decode(stored.encode()[2:], raw.data, prod(count))
