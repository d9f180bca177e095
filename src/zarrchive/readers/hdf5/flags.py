"""Names of the values of enumerations as attributes, which is where CF conventions keep them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.datatypes import DataType

__all__ = ["add_flags"]


def add_flags(attributes: dict[str, Any], kind: DataType) -> None:
    """Add ``flag_values`` and ``flag_meanings`` (CF conventions §3.5), unless the file has such.

    Those of a field of compound values have its name before them, as in ``field.flag_values``.
    White space in a name becomes an underscore, because CF parts the names by spaces.
    """
    if kind.dtype is None:
        return
    for field, members in kind.enums.items():
        names = [".".join((*field, name)) for name in ("flag_values", "flag_meanings")]
        if any(name in attributes for name in names):
            continue
        base = kind.dtype
        for name in field:
            base = base[name]
        values = np.array(list(members.values()), dtype=base.newbyteorder("="))
        attributes[names[0]] = values
        attributes[names[1]] = " ".join("_".join(name.split()) for name in members)
