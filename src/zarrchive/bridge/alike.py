"""Series of files that are alike: joined as references at once, before xarray sees any of them.

The result is what xarray makes of the files one by one. Wherever that is not certain, there is
none, and the files go the long way, which also says what does not fit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.bridge.choices import Choices
from zarrchive.bridge.differences import Difference
from zarrchive.bridge.inline_values import inline_array
from zarrchive.bridge.notes import notes_of
from zarrchive.errors import ManifestError, ZarrchiveError
from zarrchive.manifests import ManifestGroup
from zarrchive.manifests._zarr import codec_documents
from zarrchive.manifests.compare import decoding_differences
from zarrchive.manifests.concat import concatenate, with_unlike_metadata
from zarrchive.manifests.values import values_of_each

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import xarray as xr

    from zarrchive.bridge.many_files import Opener
    from zarrchive.errors import Problem
    from zarrchive.manifests import ManifestArray

__all__ = ["Series", "joined_at_once", "series_of", "whole_series", "without_dropped"]

_REFERRING: Final = frozenset({"coordinates", "bounds", "grid_mapping"})
"""Attributes that decide which variables are coordinates, or what becomes of others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Files that were joined along the one coordinate in which they differ."""

    dim: str
    first: str
    """The file that comes first along `dim`, whose attributes are those of the whole."""
    joined: ManifestGroup
    """The joined arrays; its problems are those of all files."""
    is_in_order: bool = True
    """Whether files were given in the order of the coordinate."""
    unseen: tuple[Problem, ...] = ()
    """What was taken from one file without comparing it with the others."""


def joined_at_once(
    groups: Mapping[str, ManifestGroup], opener: Opener[xr.Dataset], concat_dim: str | None
) -> xr.Dataset | None:
    """Return files that differ in one coordinate alone as one dataset; None if they do not.

    Where `concat_dim` is given, it has to be that coordinate, and files have to be in its order.
    """
    series = series_of(without_dropped(groups, opener))
    return None if series is None else whole_series(series, opener, concat_dim)


def without_dropped(
    groups: Mapping[str, ManifestGroup], opener: Opener[xr.Dataset]
) -> Mapping[str, ManifestGroup]:
    """Return groups without the variables that are to be left out."""
    if opener.drop_variables is None:
        return groups
    path = "/" + (opener.group or "").strip("/")
    choices = Choices.of(None, opener.drop_variables, opener.decode_times)
    return {
        url: ManifestGroup(
            arrays=choices.kept(group, path), attributes=group.attributes, problems=group.problems
        )
        for url, group in groups.items()
    }


def whole_series(
    series: Series, opener: Opener[xr.Dataset], concat_dim: str | None
) -> xr.Dataset | None:
    """Return a series as a dataset; None where xarray may have made another one."""
    if concat_dim is not None and not (series.dim == concat_dim and series.is_in_order):
        return None
    problems = tuple(dict.fromkeys((*series.unseen, *series.joined.problems)))
    joined = replace(series.joined, problems=problems)
    try:
        whole = opener.opened(series.first, joined)
    except ZarrchiveError:
        return None
    whole.encoding.pop("source", None)  # it is of many
    index = whole.indexes.get(series.dim)
    is_certain = (
        index is not None
        and index.dtype.kind in "iufM"
        and index.is_monotonic_increasing
        and index.is_unique
        and notes_of(whole).problems == problems
    )
    return whole if is_certain else None


def series_of(groups: Mapping[str, ManifestGroup]) -> Series | None:
    """Join files that are the same but for one ascending coordinate and what varies along it.

    Parameters
    ----------
    groups
        By file; dimension coordinates are inline.

    Returns
    -------
    Series
        None where files differ in anything else, overlap, or have no such coordinate.
    """
    urls, members = list(groups), list(groups.values())
    columns = _columns(members) if len(urls) > 1 and _refer_alike(members) else None
    coordinate = None if columns is None else _coordinate(columns)
    if columns is None or coordinate is None:
        return None
    dim, parts = coordinate
    order = np.argsort([part[0] for part in parts], kind="stable").tolist()
    values = np.concatenate([parts[number] for number in order])
    if not bool((values[1:] > values[:-1]).all()):
        return None
    lengths = [parts[number].size for number in order]
    is_in_order = order == list(range(len(parts)))
    arrays: dict[str, ManifestArray] = {}
    for name, column in columns.items():
        ordered = column if is_in_order else [column[number] for number in order]
        array = ordered[0] if _is_coordinate(name, ordered) else _whole(ordered, dim, lengths)
        if array is None:
            return None
        arrays[name] = array
    attributes = arrays[dim].attributes
    arrays[dim] = inline_array(values, name=dim, dims=(dim,), attributes=attributes)
    unseen = [
        _not_compared(name, urls, array) for name, array in arrays.items() if _is_unseen(array, dim)
    ]
    problems = [problem for group in members for problem in group.problems]
    joined = ManifestGroup(
        arrays=arrays,
        attributes=members[order[0]].attributes,
        problems=tuple(dict.fromkeys(problems)),
    )
    return Series(
        dim=dim,
        first=urls[order[0]],
        joined=joined,
        is_in_order=is_in_order,
        unseen=tuple(unseen),
    )


def _whole(
    arrays: Sequence[ManifestArray], dim: str, lengths: Sequence[int]
) -> ManifestArray | None:
    """Return arrays of all files as one; None where they differ."""
    first = arrays[0]
    names = first.metadata.dimension_names or ()
    if dim not in names:
        return first if _same_values(arrays) is not False else None
    axis = names.index(dim)
    # In each file it is as long as the coordinate.
    if [array.metadata.shape[axis] for array in arrays] != lengths:
        return None
    try:
        return concatenate(arrays, axis=axis)
    except ManifestError:
        return None


def _is_unseen(array: ManifestArray, dim: str) -> bool:
    """Whether an array was taken from one file, and its values were not compared."""
    return dim not in (array.metadata.dimension_names or ()) and bool(array.manifest.nrefs)


def _columns(members: Sequence[ManifestGroup]) -> dict[str, list[ManifestArray]] | None:
    """Return the arrays of all files by name.

    None unless all have the same arrays, which mean alike, with dimensions that all have names.
    """
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


def _is_coordinate(name: str, arrays: Sequence[ManifestArray]) -> bool:
    return arrays[0].metadata.dimension_names == (name,)


def _coordinate(
    columns: Mapping[str, Sequence[ManifestArray]],
) -> tuple[str, list[npt.NDArray[Any]]] | None:
    """Return the only dimension coordinate that differs, and its stored values in each file.

    All others are the same in all files.
    """
    found = None
    for name, arrays in columns.items():
        if not _is_coordinate(name, arrays):
            continue
        if any(array.manifest.nrefs for array in arrays):
            return None
        if _same_values(arrays):
            continue
        if found is not None or not _are_plain(with_unlike_metadata(arrays)):
            return None
        found = name, values_of_each(arrays)
    return found


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
        decoding_differences(first.attributes, array.attributes) for array in others
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


def _not_compared(name: str, urls: Sequence[str], array: ManifestArray) -> Problem:
    difference = Difference(
        name=name,
        files=(urls[0], urls[1]),
        size=array.size,
        is_coordinate=False,
        is_known=False,
    )
    return difference.not_compared()
