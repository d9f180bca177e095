"""Series of files that are alike: joined as references at once, before xarray sees any of them.

The result is what xarray makes of the files one by one. Wherever that is not certain, there is
none, and the files go the long way, which also says what does not fit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from zarrchive.bridge.choices import Choices
from zarrchive.bridge.columns import columns_of, joined_along, not_compared, order_of, varying
from zarrchive.bridge.notes import notes_of
from zarrchive.errors import ZarrchiveError
from zarrchive.manifests import ManifestGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

    from zarrchive.bridge.many_files import Opener
    from zarrchive.errors import Problem

__all__ = [
    "Series",
    "is_certain",
    "joined_at_once",
    "series_of",
    "whole_series",
    "without_dropped",
]


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
    return whole if is_certain(whole, series.dim) and notes_of(whole).problems == problems else None


def is_certain(data: xr.Dataset | xr.DataTree, dim: str) -> bool:
    """Whether xarray would have joined files in the same way along the coordinate `dim`."""
    index = data.indexes.get(dim)
    return (
        index is not None
        and index.dtype.kind in "iufM"
        and index.is_monotonic_increasing
        and index.is_unique
    )


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
    columns = columns_of(members) if len(urls) > 1 else None
    dims = None if columns is None else varying(columns)
    if columns is None or dims is None or len(dims) != 1:
        return None
    (dim,) = dims
    order = order_of(columns[dim])
    arrays = None if order is None else joined_along(columns, dim, order)
    if order is None or arrays is None:
        return None
    first = order.numbers[0]
    problems = [problem for group in members for problem in group.problems]
    return Series(
        dim=dim,
        first=urls[first],
        joined=ManifestGroup(
            arrays=arrays,
            attributes=members[first].attributes,
            problems=tuple(dict.fromkeys(problems)),
        ),
        is_in_order=order.is_as_given,
        unseen=tuple(not_compared(arrays, urls, dim)),
    )
