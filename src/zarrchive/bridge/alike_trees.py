"""Hierarchical files that are alike: joined group by group as references, before xarray sees any.

The result is what joining them group by group with xarray makes of them. Wherever that is not
certain, there is none, and the files go the long way, which also says what does not fit.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from zarrchive.bridge.alike import is_certain
from zarrchive.bridge.choices import Choices
from zarrchive.bridge.columns import (
    columns_of,
    joined_along,
    not_compared,
    order_of,
    taken_once,
    varying,
)
from zarrchive.bridge.notes import notes_of
from zarrchive.errors import Problem, ZarrchiveError
from zarrchive.location import normalise, redact
from zarrchive.manifests import ManifestGroup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import xarray as xr

    from zarrchive.bridge.columns import Columns, Order
    from zarrchive.bridge.many_files import Opener

__all__ = ["tree_joined_at_once"]


@dataclass(slots=True, eq=False)
class _Place:
    """The group of one path, of all files."""

    path: str
    members: list[ManifestGroup]
    parent: _Place | None
    columns: Columns
    varying: list[str]
    """Its own dimension coordinates in which files differ."""
    orders: dict[str, Order | None] = field(default_factory=dict)
    """Of files along these."""

    def holder_of(self, dim: str) -> _Place | None:
        """Return the nearest group, this one or above it, that has the coordinate of `dim`."""
        place: _Place | None = self
        while place is not None:
            if dim in place.columns and _dims_of(place.columns, dim) == (dim,):
                return place
            place = place.parent
        return None

    def order_along(self, dim: str) -> Order | None:
        """Return the order of files along one of `varying`."""
        if dim not in self.orders:
            self.orders[dim] = order_of(self.columns[dim])
        return self.orders[dim]


@dataclass(slots=True)
class _Joined:
    """A group of the result."""

    group: ManifestGroup
    problems: tuple[Problem, ...]
    dim: str | None
    """Along which files were joined; None where the group was taken once."""


def tree_joined_at_once(
    roots: Mapping[str, ManifestGroup], opener: Opener[xr.DataTree], concat_dim: str | None
) -> xr.DataTree | None:
    """Return hierarchical files that differ along one coordinate each group; None if they do not.

    Parameters
    ----------
    roots
        By file; dimension coordinates are inline.
    opener
        How files become trees.
    concat_dim
        The coordinate that has to differ, in whose order files have to be; None: any.
    """
    urls = list(roots)
    places = _places(list(roots.values()), opener) if len(urls) > 1 else None
    if places is None:
        return None
    joined: dict[str, _Joined] = {}
    orders: list[list[int]] = []
    for place in places:
        found = _joined(place, urls, concat_dim, orders)
        if found is None:
            return None
        joined[place.path] = found
    # Some group has to differ, and all have to have one order.
    if not orders or any(numbers != orders[0] for numbers in orders):
        return None
    try:
        tree = opener.opened(urls[orders[0][0]], _assembled(places, joined))
    except ZarrchiveError:
        return None
    return tree if _is_as_expected(tree, joined, urls[0]) else None


def _places(roots: Sequence[ManifestGroup], opener: Opener[xr.DataTree]) -> list[_Place] | None:
    """Return the groups of all files by path, parents first; None where they are not alike."""
    walks = [list(root.walk()) for root in roots]
    paths = [path for path, _ in walks[0]]
    if any([path for path, _ in walk] != paths for walk in walks):
        return None
    places: dict[str, _Place] = {}
    for number, path in enumerate(paths):
        members = [_without_dropped(walk[number][1], path, opener) for walk in walks]
        columns = columns_of(members)
        names = None if columns is None else varying(columns)
        if columns is None or names is None:
            return None
        parent = None if path == "/" else places[path.rpartition("/")[0] or "/"]
        places[path] = _Place(path, members, parent, columns, names)
    return list(places.values())


def _without_dropped(group: ManifestGroup, path: str, opener: Opener[xr.DataTree]) -> ManifestGroup:
    if opener.drop_variables is None:
        return group
    choices = Choices.of(None, opener.drop_variables, opener.decode_times)
    whole = f"/{(opener.group or '').strip('/')}/{path.strip('/')}".rstrip("/") or "/"
    return replace(group, arrays=choices.kept(group, whole.replace("//", "/")))


def _dims_of(columns: Columns, name: str) -> tuple[str | None, ...]:
    return columns[name][0].metadata.dimension_names or ()


def _joined(
    place: _Place, urls: Sequence[str], concat_dim: str | None, orders: list[list[int]]
) -> _Joined | None:
    """Join one group, or take it once where nothing in it varies; `orders` takes note."""
    dims = {dim for name in place.columns for dim in _dims_of(place.columns, name)}
    holders = {dim: place.holder_of(dim) for dim in dims if dim is not None}
    varied = [dim for dim, holder in holders.items() if holder and dim in holder.varying]
    if len(varied) > 1 or (concat_dim in dims and varied != [concat_dim]):
        return None
    dim = varied[0] if varied else None
    holder = None if dim is None else holders[dim]
    if dim is None or holder is None:
        arrays, first = taken_once(place.columns), 0
    else:
        order = holder.order_along(dim)
        if order is None or (concat_dim is not None and not order.is_as_given):
            return None
        orders.append(order.numbers)
        arrays, first = joined_along(place.columns, dim, order), order.numbers[0]
    if arrays is None or (concat_dim is not None and dim not in {None, concat_dim}):
        return None
    base = place.path.rstrip("/")
    unseen = [
        replace(one, variable=f"{base}/{one.variable}") for one in not_compared(arrays, urls, dim)
    ]
    theirs = [problem for member in place.members for problem in member.problems]
    problems = tuple(dict.fromkeys([*unseen, *theirs]))
    attributes = place.members[first].attributes
    group = ManifestGroup(arrays=arrays, attributes=attributes, problems=problems)
    return _Joined(group, problems, dim)


def _assembled(places: Sequence[_Place], joined: Mapping[str, _Joined]) -> ManifestGroup:
    """Put the groups into one hierarchy, children first; nothing recurses."""
    built: dict[str, ManifestGroup] = {}
    for place in reversed(places):
        base = place.path.rstrip("/")
        names = place.members[0].groups
        below = {name: built.pop(f"{base}/{name}") for name in names}
        built[place.path] = replace(joined[place.path].group, groups=below)
    return built["/"]


def _is_as_expected(tree: xr.DataTree, joined: Mapping[str, _Joined], first: str) -> bool:
    """Whether every group is what joining it with xarray gives, and nothing had to differ."""
    for node in tree.subtree:
        found = joined[node.path]
        if notes_of(node).problems != found.problems:
            return False
        if found.dim is None:
            node.encoding["source"] = redact(normalise(first))
            continue
        if not is_certain(node, found.dim):
            return False
        del node.encoding["source"]  # it is of many
    return True
