"""From an open dataset to a variable whose dimensions are left to name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zarrchive.readers.hdf5.decision import decide
from zarrchive.readers.hdf5.fill import fill_value
from zarrchive.readers.hdf5.flags import add_flags
from zarrchive.readers.hdf5.inlined_texts import fill_text
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.storage import Inlined, Refused
from zarrchive.readers.hdf5.variable import Variable
from zarrchive.readers.hdf5.virtual import with_current_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarrchive.readers.hdf5.attribute_values import Attributes
    from zarrchive.readers.hdf5.dimensions import Axes, Scale
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.opened import OpenFile
    from zarrchive.readers.hdf5.requests import Steps

__all__ = ["variable_of", "wants_values"]


def wants_values(
    file: OpenFile, name: str, facts: Facts, axes: Axes, scales: Mapping[int, Scale]
) -> bool:
    """Say whether the values of what a group calls `name` were asked for."""
    if file.inline is not None:
        return name in file.inline
    if len(facts.shape or ()) != 1:
        return False
    (scale,) = axes.scales
    found = None if scale is None else scales.get(scale)
    return found is not None and found.name == name


def variable_of(
    facts: Facts, attributes: Attributes, axes: Axes, *, is_wanted: bool
) -> Steps[Variable | Reason]:
    """Decide how the values of a dataset are had, and collect all else that an array needs."""
    current = with_current_shape(facts)
    if isinstance(current, Reason):
        return current
    facts = current
    storage = yield from decide(facts, is_wanted=is_wanted)
    if isinstance(storage, Refused):
        return storage.reason
    fill: Any = (yield from fill_text(facts)) if facts.kind.is_vlen_string else fill_value(facts)
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
        is_padded_with_fill=not facts.fill.is_never_written,
        is_inlined=isinstance(storage, Inlined),
    )


def _no_fill(facts: Facts) -> Reason:
    return Reason(
        code="hdf5-fill-value",
        what=f"parts of it were never written, and its fill value is an array of {facts.kind.inner}"
        " values, which Zarr cannot say",
        hint="name it in loadable_variables, so that h5py's values are used instead",
    )
