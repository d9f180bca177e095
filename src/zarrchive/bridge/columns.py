"""The arrays of many files by name: whether they mean alike, what varies, and joined along it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np

from zarrchive.bridge.differences import Difference
from zarrchive.bridge.inline_values import inline_array
from zarrchive.errors import ManifestError
from zarrchive.manifests._zarr import codec_documents
from zarrchive.manifests.compare import decoding_differences, meaning_differences
from zarrchive.manifests.concat import concatenate, with_unlike_metadata
from zarrchive.manifests.values import values_of_each

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from zarrchive.errors import Problem
    from zarrchive.manifests import ManifestArray, ManifestGroup

__all__ = [
    "Columns",
    "Order",
    "columns_of",
    "joined_along",
    "not_compared",
    "order_of",
    "taken_once",
    "varying",
]

Columns: TypeAlias = "Mapping[str, Sequence[ManifestArray]]"
"""By name, the array of each file, in the order of the files."""

_REFERRING: Final = frozenset({"coordinates", "bounds", "grid_mapping"})
"""Attributes that decide which variables are coordinates, or what becomes of others."""


class Order(NamedTuple):
    """The order of files along the coordinate in which they differ."""

    numbers: list[int]
    """Of the files, first to last."""
    values: npt.NDArray[Any]
    """The joined coordinate, strictly ascending."""
    lengths: list[int]
    """Elements of each file, first to last."""

    @property
    def is_as_given(self) -> bool:
        """Whether files were given in this order."""
        return self.numbers == list(range(len(self.numbers)))


def columns_of(members: Sequence[ManifestGroup]) -> Columns | None:
    """Return the arrays of the same group of all files by name.

    None unless all have the same arrays, which mean alike, with dimensions that all have names.
    """
    if not _refer_alike(members):
        return None
    of_files = [group.arrays for group in members]
    names = list(of_files[0])
    if any(list(arrays) != names for arrays in of_files):
        return None
    rows = zip(*[arrays.values() for arrays in of_files], strict=True)
    columns = dict(zip(names, map(list, rows), strict=True))
    for column in columns.values():
        dims = column[0].metadata.dimension_names
        if dims is None or None in dims or len(set(dims)) < len(dims):
            return None
        kinds = with_unlike_metadata(column)
        if any(one.metadata.dimension_names != dims for one in kinds) or not _mean_alike(kinds):
            return None
    return columns


def varying(columns: Columns) -> list[str] | None:
    """Return the dimension coordinates that differ between files; None where that is not known."""
    found = []
    for name, arrays in columns.items():
        if not _is_coordinate(name, arrays):
            continue
        if any(array.manifest.nrefs for array in arrays):
            return None
        if not _same_values(arrays):
            found.append(name)
    return found


def order_of(arrays: Sequence[ManifestArray]) -> Order | None:
    """Return the order in which the parts of a coordinate rise; None where there is none."""
    if not _are_plain(with_unlike_metadata(arrays)):
        return None
    parts = values_of_each(arrays)
    numbers = np.argsort([part[0] for part in parts], kind="stable").tolist()
    values = np.concatenate([parts[number] for number in numbers])
    if not bool((values[1:] > values[:-1]).all()):
        return None
    return Order(numbers, values, [parts[number].size for number in numbers])


def joined_along(columns: Columns, dim: str, order: Order) -> dict[str, ManifestArray] | None:
    """Join arrays along `dim`, along which files differ; what has no such dimension is taken once.

    None where arrays differ in anything else.
    """
    arrays: dict[str, ManifestArray] = {}
    is_as_given = order.is_as_given
    for name, column in columns.items():
        ordered = column if is_as_given else [column[number] for number in order.numbers]
        array = _whole(name, ordered, dim, order)
        if array is None:
            return None
        arrays[name] = array
    return arrays


def taken_once(columns: Columns) -> dict[str, ManifestArray] | None:
    """Take the arrays of the first file for those of all; None where they are known to differ."""
    if any(_same_values(column) is False for column in columns.values()):
        return None
    return {name: column[0] for name, column in columns.items()}


def not_compared(
    arrays: Mapping[str, ManifestArray], urls: Sequence[str], dim: str | None
) -> list[Problem]:
    """Say of what was taken from one file, and lies in it, that it was not compared."""
    return [
        Difference(
            name=name,
            files=(urls[0], urls[1]),
            size=array.size,
            is_coordinate=False,
            is_known=False,
        ).not_compared()
        for name, array in arrays.items()
        if dim not in (array.metadata.dimension_names or ()) and array.manifest.nrefs
    ]


def _whole(
    name: str, arrays: Sequence[ManifestArray], dim: str, order: Order
) -> ManifestArray | None:
    """Return arrays of all files as one; None where they differ."""
    first = arrays[0]
    names = first.metadata.dimension_names or ()
    if names == (dim,) and name == dim:
        return inline_array(order.values, name=dim, dims=(dim,), attributes=first.attributes)
    if _is_coordinate(name, arrays):
        return first  # it is the same in all files
    if dim not in names:
        return first if _same_values(arrays) is not False else None
    axis = names.index(dim)
    # In each file it is as long as the coordinate.
    if [array.metadata.shape[axis] for array in arrays] != order.lengths:
        return None
    try:
        return concatenate(arrays, axis=axis)
    except ManifestError:
        return None


def _is_coordinate(name: str, arrays: Sequence[ManifestArray]) -> bool:
    return arrays[0].metadata.dimension_names == (name,)


def _are_plain(arrays: Sequence[ManifestArray]) -> bool:
    """Whether arrays are numbers of one type as they are, some in each file."""
    first = arrays[0]
    names = [codec["name"] for codec in codec_documents(first.metadata)]
    if first.dtype.kind not in "iuf" or names != ["bytes"]:
        return False
    return all(
        one.size and one.dtype == first.dtype and one.metadata.codecs == first.metadata.codecs
        for one in arrays
    )


def _refer_alike(parts: Sequence[ManifestGroup] | Sequence[ManifestArray]) -> bool:
    """Whether attributes name the same other variables."""
    attributes = [part.attributes for part in parts]
    if all(map(_REFERRING.isdisjoint, attributes)):
        return True
    first = attributes[0]
    return all(
        _same_text(first.get(key), one.get(key)) for one in attributes[1:] for key in _REFERRING
    )


def _mean_alike(arrays: Sequence[ManifestArray]) -> bool:
    """Whether attributes agree in all that decides what the numbers stand for."""
    first, *others = arrays
    return _refer_alike(arrays) and not any(
        decoding_differences(first.attributes, array.attributes)
        or meaning_differences(first.attributes, array.attributes)
        for array in others
    )


def _same_text(left: object, right: object) -> bool:
    return left is right or (isinstance(left, str) and isinstance(right, str) and left == right)


def _same_values(arrays: Sequence[ManifestArray]) -> bool | None:
    """Tell whether arrays hold the same values; None where chunks would have to be read.

    False also where they are stored in another way: that is looked at elsewhere.
    """
    first = arrays[0]
    if any(
        one.shape != first.shape
        or one.dtype != first.dtype
        or one.chunk_lengths != first.chunk_lengths
        or one.metadata.codecs != first.metadata.codecs
        for one in with_unlike_metadata(arrays)
    ):
        return False
    if any(one.manifest.nrefs for one in arrays):
        return None
    manifest = first.manifest
    return all(one.manifest == manifest for one in arrays[1:]) and (
        manifest.nstored == manifest.size
    )
