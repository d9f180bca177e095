"""Series of files that are alike: joined as references at once, before xarray sees any of them.

The result is what xarray makes of the files one by one. Wherever that is not certain, there is
none, and the files go the long way, which also says what does not fit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zarrchive.bridge.choices import Choices
from zarrchive.bridge.differences import Difference
from zarrchive.bridge.inline_values import inline_array
from zarrchive.bridge.notes import notes_of
from zarrchive.errors import ManifestError, ZarrchiveError
from zarrchive.manifests import ManifestGroup
from zarrchive.manifests._zarr import codec_documents
from zarrchive.manifests.compare import decoding_differences
from zarrchive.manifests.concat import concatenate
from zarrchive.manifests.values import values_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import xarray as xr

    from zarrchive.bridge.many_files import Opener
    from zarrchive.errors import Problem
    from zarrchive.manifests import ManifestArray

__all__ = ["Series", "joined_at_once", "series_of", "whole_series", "without_dropped"]

_REFERRING = ("coordinates", "bounds", "grid_mapping")
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
    if len(urls) < 2 or not _same_names(members) or not _refer_alike(members):
        return None
    coordinate = _coordinate(members)
    if coordinate is None:
        return None
    dim, parts = coordinate
    order = _order(parts)
    if order is None:
        return None
    ordered = [members[number] for number in order]
    lengths = [parts[number].size for number in order]
    arrays: dict[str, ManifestArray] = {}
    for name in members[0].arrays:
        array = _whole([group.arrays[name] for group in ordered], dim, lengths)
        if array is None:
            return None
        arrays[name] = array
    values = np.concatenate([parts[number] for number in order])
    attributes = arrays[dim].attributes
    arrays[dim] = inline_array(values, name=dim, dims=(dim,), attributes=attributes)
    unseen = [
        _not_compared(name, urls, array) for name, array in arrays.items() if _is_unseen(array, dim)
    ]
    problems = [problem for group in members for problem in group.problems]
    joined = ManifestGroup(
        arrays=arrays,
        attributes=ordered[0].attributes,
        problems=tuple(dict.fromkeys(problems)),
    )
    return Series(
        dim=dim,
        first=urls[order[0]],
        joined=joined,
        is_in_order=order == sorted(order),
        unseen=tuple(unseen),
    )


def _whole(
    arrays: Sequence[ManifestArray], dim: str, lengths: Sequence[int]
) -> ManifestArray | None:
    """Return arrays of all files as one; None where they differ, or may mean different things."""
    first = arrays[0]
    names = first.metadata.dimension_names or ()
    if names == (dim,) and first.name == dim:
        return first  # it was looked at, and its values are put in its place
    if not _mean_alike(arrays):
        return None
    if dim not in names:
        return first if _same_values(arrays) is not False else None
    axis = names.index(dim)
    # In each file it is as long as the coordinate.
    if [array.shape[axis] for array in arrays] != lengths:
        return None
    try:
        return concatenate(arrays, axis=axis)
    except ManifestError:
        return None


def _is_unseen(array: ManifestArray, dim: str) -> bool:
    """Whether an array was taken from one file, and its values were not compared."""
    return dim not in (array.metadata.dimension_names or ()) and bool(array.manifest.nrefs)


def _same_names(members: Sequence[ManifestGroup]) -> bool:
    """Whether all have the same arrays, with the same dimensions, which all have names."""
    model = members[0].arrays
    keys = list(model)
    dims = [model[key].metadata.dimension_names for key in keys]
    if any(one is None or None in one or len(set(one)) < len(one) for one in dims):
        return False
    return all(
        list(group.arrays) == keys
        and [array.metadata.dimension_names for array in group.arrays.values()] == dims
        for group in members[1:]
    )


def _coordinate(members: Sequence[ManifestGroup]) -> tuple[str, list[npt.NDArray[Any]]] | None:
    """Return the only dimension coordinate that differs, and its stored values in each file.

    All others are the same in all files, and have the same attributes where these count.
    """
    found = None
    for name, array in members[0].arrays.items():
        if array.metadata.dimension_names != (name,):
            continue
        mine = [group.arrays[name] for group in members]
        if not _mean_alike(mine) or any(one.manifest.nrefs for one in mine):
            return None
        if _same_values(mine):
            continue
        if found is not None or not _is_plain(mine):
            return None
        found = name, [values_of(one) for one in mine]
    return found


def _is_plain(arrays: Sequence[ManifestArray]) -> bool:
    """Whether arrays are numbers of one type as they are, some in each file."""
    first = arrays[0]
    names = [codec["name"] for codec in codec_documents(first.metadata)]
    if first.dtype.kind not in "iuf" or names != ["bytes"]:
        return False
    return all(
        one.size and one.dtype == first.dtype and one.metadata.codecs == first.metadata.codecs
        for one in arrays
    )


def _order(parts: Sequence[npt.NDArray[Any]]) -> list[int] | None:
    """Return the order in which parts rise from first to last; None if they do not."""
    order = sorted(range(len(parts)), key=lambda number: parts[number][0])
    whole = np.concatenate([parts[number] for number in order])
    return order if bool((whole[1:] > whole[:-1]).all()) else None


def _refer_alike(parts: Sequence[ManifestGroup] | Sequence[ManifestArray]) -> bool:
    """Whether attributes name the same other variables."""
    first = parts[0].attributes
    return all(
        _same_text(first.get(key), one.attributes.get(key))
        for one in parts[1:]
        for key in _REFERRING
    )


def _mean_alike(arrays: Sequence[ManifestArray]) -> bool:
    """Whether attributes agree in all that decides what the numbers stand for."""
    first, others = arrays[0], _with_own_metadata(arrays)
    return _refer_alike([first, *others]) and not any(
        decoding_differences(first.attributes, array.attributes) for array in others
    )


def _with_own_metadata(arrays: Sequence[ManifestArray]) -> list[ManifestArray]:
    """Return those of the arrays that do not share the metadata of the first."""
    metadata = arrays[0].metadata
    return [array for array in arrays if array.metadata is not metadata]


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
        for one in _with_own_metadata(arrays)
    ):
        return False
    if any(one.manifest.nrefs for one in arrays):
        return None
    return all(one.manifest == first.manifest for one in arrays[1:]) and (
        first.manifest.nstored == first.manifest.size
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
