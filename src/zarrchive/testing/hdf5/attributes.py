"""The attributes of one HDF5 object, as a value that can be written."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Final

import numpy as np
from h5py import h5a, h5s

from zarrchive.testing.hdf5.datatypes import KINDS

if TYPE_CHECKING:
    import h5py
    from h5py import h5p

__all__ = ["NO_ATTRIBUTES", "AttributeRecipe", "AttributesRecipe"]


@dataclass(frozen=True, kw_only=True)
class AttributeRecipe:
    """One attribute: any datatype, any shape."""

    name: str
    kind: str = "text"
    """Name of its datatype, of `KINDS`."""
    shape: tuple[int, ...] | None = ()
    """None: a null dataspace."""
    is_written: bool = True
    seed: int = 0

    def write(self, target: h5py.HLObject) -> None:
        """Add it to an open object."""
        kind = KINDS[self.kind]
        if self.shape is None:
            space = h5s.create(h5s.NULL)
        elif self.shape:
            space = h5s.create_simple(self.shape)
        else:
            space = h5s.create(h5s.SCALAR)
        made = h5a.create(target.id, self.name.encode(), kind.tid(), space)
        if self.shape is None or not self.is_written or not prod(self.shape):
            return
        random = np.random.default_rng(self.seed)
        values = kind.values(random, prod(self.shape), target.file).reshape(self.shape)
        made.write(values, (kind.memory or kind.tid)())


@dataclass(frozen=True, kw_only=True)
class AttributesRecipe:
    """All attributes of one object, and how they are stored."""

    named: tuple[AttributeRecipe, ...] = ()
    n_more: int = 0
    """Number of further attributes, each of `more_size` bytes."""
    more_size: int = 8
    n_removed: int = 0
    """How many of the further attributes are deleted again, every second one."""
    dense: tuple[int, int] | None = None
    """Most attributes in the object header, fewest beside it; None: the library's choice."""
    order: int = 0
    """Creation order: 0 not kept, 1 tracked, 3 tracked and indexed."""

    def prepare(self, plist: h5p.PropOCID) -> None:
        """Set how they are stored."""
        if self.dense is not None:
            plist.set_attr_phase_change(*self.dense)
        if self.order:
            plist.set_attr_creation_order(self.order)

    def write(self, target: h5py.HLObject) -> None:
        """Add all to an open object."""
        for attribute in self.named:
            attribute.write(target)
        count = max(1, self.more_size // 4)
        for number in range(self.n_more):
            values = np.arange(number, number + count, dtype=">i4")
            target.attrs.create(f"more {number:04d}", values)
        for number in range(0, 2 * self.n_removed, 2):
            del target.attrs[f"more {number:04d}"]


NO_ATTRIBUTES: Final = AttributesRecipe()
