"""Datasets of references: what they point to, for those who miss them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from zarrchive.readers.hdf5.problems import H5PY_ERRORS

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.problems import Reason

__all__ = ["with_targets"]

_MOST: Final = 3
"""References followed; each costs a look at the other object."""


def with_targets(reason: Reason, facts: Facts) -> Reason:
    """Add the paths to which the first references of a dataset point (`dataset`, `shape`)."""
    try:
        targets = _targets(facts)
    except H5PY_ERRORS:  # what they point to is a courtesy; that they are refused is said anyway
        targets = []
    if not targets:
        return reason
    return replace(reason, what=f"{reason.what}; the first point to {', '.join(targets)}")


def _targets(facts: Facts) -> list[str]:
    from h5py import h5r, h5s, h5t  # noqa: PLC0415 - most files are read without it

    dataset, shape = facts.dataset, facts.shape or ()
    stored = dataset.get_type()
    known = stored.equal(h5t.STD_REF_OBJ) or stored.equal(h5t.STD_REF_DSETREG)
    if 0 in shape or not known:
        return []  # h5py does not know those of HDF5 1.12
    space, part = h5s.ALL, shape
    if shape:
        part = (*(1 for _ in shape[:-1]), min(shape[-1], _MOST))
        space = dataset.get_space()
        space.select_hyperslab((0,) * len(shape), part)
    values = np.empty(part, dtype=stored.dtype)
    dataset.read(h5s.create_simple(part) if part else h5s.ALL, space, values)
    names = [h5r.get_name(one, dataset) for one in values.reshape(-1).tolist() if one]
    return [repr(name.decode("utf-8", "replace")) for name in names if name]
