"""The only module that uses names of xarray which xarray does not declare public."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zarrchive.manifests import ManifestArray

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["virtual_array"]


def virtual_array(variable: xr.Variable) -> ManifestArray | None:
    """Return the virtual array of a variable; None where it has values.

    ``Variable.data`` would read the values of a lazy variable only to tell that it is none.
    """
    data = variable._data  # noqa: SLF001 - see above
    return data if isinstance(data, ManifestArray) else None
