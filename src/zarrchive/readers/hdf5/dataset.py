"""From an open dataset to a variable whose dimensions are left to name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from h5py import h5d

from zarrchive.readers.hdf5.decision import decide
from zarrchive.readers.hdf5.fill import fill_value, has_own_fill
from zarrchive.readers.hdf5.flags import add_flags
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.storage import Inlined, Refused
from zarrchive.readers.hdf5.variable import Variable
from zarrchive.readers.hdf5.virtual import with_current_shape

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.attributes import Attributes
    from zarrchive.readers.hdf5.dimensions import Axes
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.opened import OpenFile

__all__ = ["variable_of"]


def variable_of(
    file: OpenFile, facts: Facts, attributes: Attributes, axes: Axes, *, is_wanted: bool
) -> Variable | Reason:
    """Decide how the values of a dataset are had, and collect all else that an array needs."""
    current = with_current_shape(file, facts)
    if isinstance(current, Reason):
        return current
    facts = current
    fill: Any = None
    if facts.kind.dtype is not None:
        fill = fill_value(facts.plist, facts.kind)
    own_fill = has_own_fill(facts.plist)
    storage = decide(file, facts, is_wanted=is_wanted, has_fill=own_fill)
    if isinstance(storage, Refused):
        return storage.reason
    if fill is None:
        if storage.nmissing:
            return _no_fill(facts)
        fill = np.zeros((), dtype=facts.kind.dtype)[()]
    values = dict(attributes.values)
    add_flags(values, facts.kind)
    return Variable(
        kind=facts.kind,
        shape=facts.full_shape,
        axes=axes,
        storage=storage,
        fill=fill,
        attributes=values,
        unlimited=tuple(limit is None for limit in facts.max_shape),
        is_padded_with_fill=facts.plist.get_fill_time() != h5d.FILL_TIME_NEVER,
        is_inlined=isinstance(storage, Inlined),
    )


def _no_fill(facts: Facts) -> Reason:
    return Reason(
        code="hdf5-fill-value",
        what=f"parts of it were never written, and its fill value is an array of {facts.kind.inner}"
        " values, which Zarr cannot say",
        hint="name it in loadable_variables, so that h5py's values are used instead",
    )
