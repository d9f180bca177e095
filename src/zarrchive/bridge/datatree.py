"""A hierarchy of virtual arrays as an xarray DataTree.

In a DataTree every group inherits the dimensions and the indexed coordinates of the groups above
it, so these must agree; netCDF4 and HDF5 ask for no such thing. Where they do not agree, a
dimension gets another name or a coordinate stays without an index, with a Problem. Nothing here
recurses, and every group is looked at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from zarrchive.bridge._xarray import attach
from zarrchive.bridge.choices import Choices
from zarrchive.bridge.dataset import assemble, build_indexes, from_dataset, source_of
from zarrchive.bridge.decoding import Decoded, DecodeTimes, Origin, decode_group
from zarrchive.bridge.dimensions import Scope, name_dimensions
from zarrchive.bridge.notes import Notes, notes_of
from zarrchive.errors import Problem
from zarrchive.manifests import ManifestGroup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
    "described_coordinate",
    "from_datatree",
    "join_tree",
    "not_inherited",
    "own_dataset",
    "to_datatree",
]


@dataclass(slots=True, eq=False)
class _Node:
    """A group on its way into a tree."""

    path: str
    name: str
    group: ManifestGroup
    parent: _Node | None
    scope: Scope = field(default_factory=Scope)
    decoded: Decoded = field(default_factory=Decoded)
    indexes: dict[str, xr.indexes.PandasIndex] = field(default_factory=dict)
    above: Mapping[str, _Node] = field(default_factory=dict)
    """The nearest group above that has an index of a name."""
    unindexed: set[str] = field(default_factory=set)
    """Indexes that a group below cannot inherit."""
    problems: list[Problem] = field(default_factory=list)


def to_datatree(  # noqa: PLR0913 - as the public open functions
    group: ManifestGroup,
    *,
    loadable_variables: str | Iterable[str] | None = None,
    drop_variables: str | Iterable[str] | None = None,
    decode_times: DecodeTimes | None = None,
    storage_options: Mapping[str, Any] | None = None,
    where: str | None = None,
    path: str = "/",
) -> xr.DataTree:
    """Return `group` and everything below it as a DataTree.

    Parameters
    ----------
    group
        A hierarchy from a reader.
    loadable_variables, drop_variables
        Names, which count in every group, or paths such as ``/group/time``; see `to_dataset`.
    decode_times, storage_options, where, path
        See `to_dataset`.

    Returns
    -------
    DataTree
        Every variable of the hierarchy is in it under its name. What had to differ from the
        file is a warning: ``dimension-renamed``, ``dimension-repeated``,
        ``coordinate-not-inherited``.

    Raises
    ------
    ManifestError
        ``variable-unknown``, ``selection-type``.
    """
    choices = Choices.of(loadable_variables, drop_variables, decode_times)
    where = source_of(group) if where is None else where
    choices.check(group.walk(path), path=path, where=where)
    nodes = list(_walk(group, path))
    for node in nodes:
        _decode(node, choices, Origin(where, node.path, storage_options))
    for node in nodes:
        _settle_indexes(node, where)
    datasets = [_dataset_of(node, choices, where) for node in nodes]
    index = {id(node): at for at, node in enumerate(nodes)}
    parents = [None if node.parent is None else index[id(node.parent)] for node in nodes]
    return join_tree([node.name for node in nodes], datasets, parents)


def from_datatree(tree: xr.DataTree) -> ManifestGroup:
    """Return `tree` as a hierarchy of virtual arrays; see `from_dataset`.

    A coordinate that xarray dropped from a group, because it equals that of a group above, is
    there again.
    """
    nodes: list[xr.DataTree] = []
    pending = [tree]
    while pending:
        node = pending.pop()
        nodes.append(node)
        pending.extend(reversed(list(node.children.values())))
    built: dict[int, ManifestGroup] = {}
    for node in reversed(nodes):
        own = from_dataset(own_dataset(node))
        built[id(node)] = ManifestGroup(
            arrays=own.arrays,
            groups={name: built.pop(id(child)) for name, child in node.children.items()},
            attributes=own.attributes,
            problems=own.problems,
        )
    return built[id(tree)]


def join_tree(
    names: list[str], datasets: list[xr.Dataset], parents: list[int | None]
) -> xr.DataTree:
    """Build a tree from its nodes, parents first, in time that is linear in their number.

    ``DataTree.from_dict`` walks from the root for each node, and copies whole branches.
    """
    nodes = [xr.DataTree(dataset=dataset) for dataset in datasets]
    children: list[dict[str, xr.DataTree]] = [{} for _ in nodes]
    for at, parent in enumerate(parents):
        if parent is not None:
            children[parent][names[at]] = nodes[at]
    for node, below in zip(nodes, children, strict=True):
        if below:
            attach(node, below)
    return nodes[0]


def _walk(root: ManifestGroup, path: str) -> Iterator[_Node]:
    """Yield every group, parents first."""
    pending = [_Node(path, "", root, None)]
    while pending:
        node = pending.pop()
        yield node
        base = node.path.rstrip("/")
        pending.extend(
            _Node(f"{base}/{name}", name, child, node)
            for name, child in reversed(list(node.group.groups.items()))
        )


def _decode(node: _Node, choices: Choices, origin: Origin) -> None:
    above = Scope() if node.parent is None else node.parent.scope
    arrays = choices.kept(node.group, node.path)
    named = name_dimensions(arrays, above, path=node.path, where=origin.where)
    node.scope = named.scope
    node.decoded = decode_group(
        node.group,
        named.dims,
        choices.loaded(named.dims, node.path),
        decode_times=choices.decode_times,
        origin=origin,
    )
    # A coordinate whose dimension has another name now is one all the same.
    node.decoded.coordinates.update(
        name for name, array in arrays.items() if array.metadata.dimension_names == (name,)
    )
    node.indexes = build_indexes(node.decoded, origin)
    node.problems = [*node.group.problems, *named.problems]


def _settle_indexes(node: _Node, where: str) -> None:
    """Take the index from every coordinate above that a variable of this group contradicts."""
    parent = node.parent
    if parent is None:
        return
    if parent.indexes:
        node.above = {**parent.above, **dict.fromkeys(parent.indexes, parent)}
    else:
        node.above = parent.above
    for name in node.decoded.variables.keys() & node.above.keys():
        other: _Node | None = node.above[name]
        mine = node.indexes.get(name)
        if other is None or (mine is not None and mine.equals(other.indexes[name])):
            continue
        here, there = node.decoded.variables[name], other.decoded.variables[name]
        problem = not_inherited(name, (node.path, here), (other.path, there), where)
        node.problems.append(problem)
        while other is not None:
            other.unindexed.add(name)
            other = other.above.get(name)


def not_inherited(
    name: str, here: tuple[str, xr.Variable], above: tuple[str, xr.Variable], where: str
) -> Problem:
    """Say that a coordinate differs between a group and one above it; both with their path."""
    (path, mine), (other, theirs) = here, above
    return Problem(
        code="coordinate-not-inherited",
        where=where,
        what=f"{name!r} is {described_coordinate(mine)} here, but {described_coordinate(theirs)} "
        f"in {other}, which xarray.DataTree cannot hold; {name!r} of {other} stays without an "
        "index",
        hint=f"to select by {name!r} there, use "
        f"tree[{other!r}].to_dataset(inherit=False).set_xindex({name!r})",
        variable=f"{path.rstrip('/')}/{name}",
        severity="warning",
    )


def described_coordinate(variable: xr.Variable) -> str:
    """Say of a coordinate what tells it from others: its lengths, first and last value."""
    shape = ", ".join(f"{dim}: {size}" for dim, size in variable.sizes.items())
    if not isinstance(variable.data, np.ndarray) or not variable.size:
        return f"({shape})"
    flat = variable.data.reshape(-1)
    first, last = (str(value)[:30] for value in (flat[0], flat[-1]))
    return f"({shape}) from {first} to {last}"


def _dataset_of(node: _Node, choices: Choices, where: str) -> xr.Dataset:
    indexes = {n: index for n, index in node.indexes.items() if n not in node.unindexed}
    notes = Notes(
        problems=tuple(dict.fromkeys((*node.problems, *node.decoded.problems))),
        decode_times=choices.decode_times,
        shadowed=_shadowed(node, indexes),
    )
    return assemble(node.decoded, indexes, notes, where=where)


def _shadowed(node: _Node, indexes: Mapping[str, Any]) -> dict[str, xr.Variable]:
    """Return the coordinates that xarray will take from a group above."""
    return {
        name: node.decoded.variables[name]
        for name in indexes
        if name in node.above and name not in node.above[name].unindexed
    }


def own_dataset(node: xr.DataTree) -> xr.Dataset:
    """Return the variables of a group, those that it shares with groups above included."""
    own = node.to_dataset(inherit=False)
    shadowed = notes_of(node).shadowed
    if missing := [name for name in shadowed if name not in own.variables]:
        inherited = node.to_dataset()
        for name in missing:
            if name in inherited.coords:
                shared, mine = inherited.variables[name], shadowed[name]
                variable = xr.Variable(shared.dims, shared.data, mine.attrs, mine.encoding)
                own = own.assign_coords({name: variable})
    return own
