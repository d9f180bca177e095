"""The only module that uses names of xarray which xarray does not declare public."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xarray as xr
from xarray.coding.times import decode_cf_datetime

from zarrchive.manifests import ManifestArray

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["assembled_dataset", "attach", "decoded_times", "virtual_array"]


def virtual_array(variable: xr.Variable) -> ManifestArray | None:
    """Return the virtual array of a variable; None where it has values.

    ``Variable.data`` would read the values of a lazy variable only to tell that it is none.
    """
    data = variable._data  # noqa: SLF001 - see above
    return data if isinstance(data, ManifestArray) else None


def assembled_dataset(
    variables: Mapping[str, xr.Variable],
    coordinates: set[str],
    indexes: Mapping[str, xr.Index],
    attributes: Mapping[str, Any],
) -> xr.Dataset:
    """Build a Dataset of variables that fit together; xarray's constructor looks again whether.

    `coordinates` are the names of the variables that are coordinates; each index is that of
    the variable of its name.

    Raises
    ------
    ValueError
        If a dimension has two lengths, or variables are named like dimensions of others.
    """
    named: dict[Any, xr.Variable] = dict(variables)
    return xr.Dataset._construct_direct(  # noqa: SLF001 - see above
        named, set(coordinates), attrs=dict(attributes), indexes=dict(indexes)
    )


def attach(parent: xr.DataTree, children: Mapping[str, xr.DataTree]) -> None:
    """Make nodes without parents or children the children of a node that has none.

    Where neither it nor any group above it has a dimension, nothing can contradict it and nothing
    is inherited; xarray would align each child with it all the same, and look through those that
    are attached already.

    Raises
    ------
    ValueError, KeyError
        As assigning to ``DataTree.children``.
    """
    if parent._dims or not parent.variables.keys().isdisjoint(children):  # noqa: SLF001 - see above
        parent.children = children
        return
    for name, child in children.items():
        child.name = name
        child._parent = parent  # noqa: SLF001 - see above
    parent._children = dict(children)  # noqa: SLF001 - see above


def decoded_times(variable: xr.Variable) -> xr.Variable:
    """Decode loaded times as xarray does by default, of which ``units`` and ``calendar`` tell.

    `xarray.conventions.decode_cf_variables` does the same, but first decodes two of the values
    in order to find out what type all will have. Raises whatever xarray raises.
    """
    attributes, encoding = dict(variable.attrs), dict(variable.encoding)
    encoding.setdefault("dtype", variable.dtype)
    for name in ("units", "calendar"):
        if name in attributes:
            encoding[name] = attributes.pop(name)
    values = decode_cf_datetime(variable.data, encoding["units"], encoding.get("calendar"))
    return xr.Variable(variable.dims, values, attributes, encoding, fastpath=True)
