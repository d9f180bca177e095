"""Whether a B-tree finds what it holds: its keys have to be in order, at every level.

The HDF5 library looks chunks up by their keys. One whose keys are damaged is not found, and
reads as the fill value, although a walk over the tree lists it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zarrchive.readers.hdf5.requests import Damaged

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Bounds", "is_less"]


def is_less(left: npt.NDArray[np.uint64], right: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Compare keys of shape (..., dimensions), the first dimension first."""
    less = np.zeros(np.broadcast_shapes(left.shape, right.shape)[:-1], dtype=np.bool_)
    equal = ~less
    for axis in range(left.shape[-1]):
        less |= equal & (left[..., axis] < right[..., axis])
        equal &= left[..., axis] == right[..., axis]
    return less


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which keys a search comes to each node of a level."""

    low: npt.NDArray[np.uint64] | None
    """Least key of each node, shape (nodes, dimensions); None at the root: any."""
    high: npt.NDArray[np.uint64] | None
    """The first key that is no more in each node."""

    def check(self, first: npt.NDArray[np.uint64], last: npt.NDArray[np.uint64]) -> None:
        """Raise `Damaged` unless the keys of each node are within its bounds."""
        if self.low is not None and is_less(first, self.low).any():
            raise Damaged("a key of its chunk index is less than those above it allow")
        if self.high is not None and not is_less(last, self.high).all():
            raise Damaged("a key of its chunk index is greater than those above it allow")

    def below(
        self,
        node: npt.NDArray[np.intp],
        low: npt.NDArray[np.uint64],
        high: npt.NDArray[np.uint64],
    ) -> Bounds:
        """Return the bounds of children; `node` is the node that each of them is in."""
        if self.low is not None:
            above = self.low[node]
            low = np.where(is_less(low, above)[:, None], above, low)
        if self.high is not None:
            above = self.high[node]
            high = np.where(is_less(above, high)[:, None], above, high)
        return Bounds(low, high)
