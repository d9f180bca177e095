"""What stands for "no value" in a variable, as it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.manifests import ManifestArray

__all__ = ["missing_value"]


def missing_value(array: ManifestArray, holders: Sequence[ManifestArray]) -> Any:  # noqa: ANN401 - a scalar
    """Return a stored value that is decoded as missing; None where there is none."""
    for key in ("_FillValue", "missing_value"):
        value = array.attributes.get(key)
        if value is not None and np.ndim(value) == 0 and not isinstance(value, str | bytes):
            stored = np.asarray(value).astype(array.dtype)
            return stored[()] if np.array_equal(stored, value, equal_nan=True) else None
    is_whole = all(one.manifest.nstored == one.manifest.size for one in holders)
    return array.dtype.type(np.nan) if array.dtype.kind == "f" and is_whole else None
