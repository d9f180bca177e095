"""One walk over all groups and datasets of a file, without recursion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from h5py import h5, h5d, h5g, h5l, h5o

from zarrchive.errors import FormatError, Problem
from zarrchive.manifests import ManifestGroup
from zarrchive.readers.hdf5.attributes import read_attributes
from zarrchive.readers.hdf5.dataset import variable_of
from zarrchive.readers.hdf5.dimensions import Scales, address_of, is_pure_dimension
from zarrchive.readers.hdf5.facts import facts_of
from zarrchive.readers.hdf5.group_arrays import group_arrays
from zarrchive.readers.hdf5.names import decoded_name, node_name
from zarrchive.readers.hdf5.opened import raise_if_ours
from zarrchive.readers.hdf5.problems import H5PY_ERRORS, Reason, damaged

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.opened import OpenFile
    from zarrchive.readers.hdf5.variable import Variable

__all__ = ["Node", "read_hierarchy"]

_MOST_REPEATED: Final = 1000
"""Groups shown again under further names, before links are taken for an endless maze."""


@dataclass(slots=True, eq=False)
class Node:
    """A group while it is read."""

    path: str
    address: int
    parent: Node | None
    children: dict[str, Node] = field(default_factory=dict)
    variables: dict[str, tuple[str, Variable]] = field(default_factory=dict)
    """Path in the file and variable, by the name of the Zarr node."""
    attributes: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def is_below(self, address: int) -> bool:
        """Say whether this is the group at `address`, or lies inside of it."""
        node: Node | None = self
        while node is not None:
            if node.address == address:
                return True
            node = node.parent
        return False


@dataclass(slots=True)
class _Link:
    raw: bytes
    kind: int
    address: int
    order: int


@dataclass(slots=True)
class _Walk:
    file: OpenFile
    scales: Scales = field(default_factory=Scales)
    nodes: list[Node] = field(default_factory=list)
    """Every group; parents come before their children."""
    _groups_seen: set[int] = field(default_factory=set)
    _n_repeated: int = 0
    _variables: dict[tuple[int, bool], Variable | Reason | None] = field(default_factory=dict)
    """By address and whether the name is one to be inlined; None for what is no variable."""
    _warnings: dict[int, tuple[Reason, ...]] = field(default_factory=dict)

    def run(self, group: h5g.GroupID, path: str) -> None:
        root = Node(path, address_of(group), None)
        self._groups_seen.add(root.address)
        pending = [(root, group)]
        while pending:
            node, opened = pending.pop()
            self.nodes.append(node)
            try:
                pending.extend(reversed(self._visit(node, opened)))
            except H5PY_ERRORS as error:
                raise_if_ours(error)
                self._add(node, node.path, damaged(error, "this group"))

    def _visit(self, node: Node, group: h5g.GroupID) -> list[tuple[Node, h5g.GroupID]]:
        """Read one group; return its child groups, opened."""
        found = read_attributes(self.file, group, node.address)
        node.attributes = found.values
        self._add(node, node.path, *found.reasons)
        children: list[tuple[Node, h5g.GroupID]] = []
        for link in _links(group):
            link_name, reason = decoded_name(link.raw)
            path = f"{node.path.rstrip('/')}/{link_name}"
            if reason is not None:
                self._add(node, path, reason)
            try:
                child = self._follow(node, group, link, link_name, path)
            except H5PY_ERRORS as error:
                raise_if_ours(error)
                self._add(node, path, damaged(error, "this object"))
                continue
            if child is not None:
                children.append(child)
        return children

    def _follow(
        self, node: Node, group: h5g.GroupID, link: _Link, link_name: str, path: str
    ) -> tuple[Node, h5g.GroupID] | None:
        address = link.address
        if link.kind == h5l.TYPE_HARD:
            if (address, self._is_wanted(link_name)) in self._variables:
                self._add_dataset(node, address, link_name, path)
                return None
            opened = h5o.open(group, link.raw)
        elif link.kind == h5l.TYPE_SOFT:
            opened = self._open_soft(node, group, link, path)
            if opened is None:
                return None
            address = address_of(opened)
        else:
            self._add(node, path, _external(group, link))
            return None
        if isinstance(opened, h5g.GroupID):
            return self._child(node, opened, address, link_name, path)
        if isinstance(opened, h5d.DatasetID):
            if (address, self._is_wanted(link_name)) not in self._variables:
                self._read_dataset(opened, address, link_name, path)
            self._add_dataset(node, address, link_name, path)
        return None  # a named datatype holds nothing

    def _open_soft(
        self, node: Node, group: h5g.GroupID, link: _Link, path: str
    ) -> h5o.ObjectID | None:
        target = group.links.get_val(link.raw).decode("utf-8", "replace")
        try:
            opened = h5o.open(group, link.raw)
        except H5PY_ERRORS as error:
            raise_if_ours(error)
            self._add(node, path, _dangling(target, error))
            return None
        if h5g.get_objinfo(opened).fileno != h5g.get_objinfo(self.file.fid).fileno:
            self._add(node, path, _other_file(target))
            return None
        return opened

    def _child(
        self, node: Node, opened: h5g.GroupID, address: int, link_name: str, path: str
    ) -> tuple[Node, h5g.GroupID] | None:
        if address in self._groups_seen:
            if node.is_below(address):
                self._add(node, path, _cycle())
                return None
            self._n_repeated += 1
            if self._n_repeated > _MOST_REPEATED:
                self._add(node, path, _maze())
                return None
        self._groups_seen.add(address)
        name, reason = node_name(link_name, _Names(node))
        if reason is not None:
            self._add(node, path, reason)
        child = Node(path, address, node)
        node.children[name] = child
        return child, opened

    def _read_dataset(self, opened: h5d.DatasetID, address: int, link_name: str, path: str) -> None:
        """Read a dataset that was not seen before."""
        attributes = read_attributes(self.file, opened, address)
        facts = facts_of(opened, address)
        warnings = list(attributes.reasons)
        if attributes.is_scale:
            self.scales.add(facts, attributes, path)
        key = (address, self._is_wanted(link_name))
        if is_pure_dimension(attributes):
            self._variables[key] = None
            return
        axes = self.scales.axes_of(facts, attributes)
        warnings.extend(axes.reasons)
        is_wanted = key[1]
        if self.file.inline is None and len(facts.shape or ()) == 1:
            is_wanted = self.scales.name_of(axes.scales[0]) == link_name
        result = variable_of(self.file, facts, attributes, axes, is_wanted=is_wanted)
        self._variables[key] = result
        self._warnings[address] = tuple(warnings)

    def _add_dataset(self, node: Node, address: int, link_name: str, path: str) -> None:
        variable = self._variables[address, self._is_wanted(link_name)]
        if variable is None:
            return
        self._add(node, path, *self._warnings.get(address, ()))
        if isinstance(variable, Reason):
            self._add(node, path, variable)
            return
        name, reason = node_name(link_name, _Names(node))
        if reason is not None:
            self._add(node, path, reason)
        if variable.storage.caution is not None:
            self._add(node, path, variable.storage.caution)
        node.variables[name] = (path, variable)

    def _is_wanted(self, link_name: str) -> bool:
        return self.file.inline is not None and link_name in self.file.inline

    def _add(self, node: Node, path: str, *reasons: Reason) -> None:
        node.problems.extend(reason.at(self.file.where, path) for reason in reasons)


@dataclass(frozen=True, slots=True)
class _Names:
    """The names that a group has given so far."""

    node: Node

    def __contains__(self, name: object) -> bool:
        return name in self.node.variables or name in self.node.children


def read_hierarchy(file: OpenFile, group: str | None) -> ManifestGroup:
    """Map the hierarchy of `file` from the root, or from `group` down.

    Raises `FormatError` with code ``hdf5-no-group`` or ``hdf5-damaged``.
    """
    path = "/" + (group or "").strip("/")
    try:
        start = h5o.open(file.fid, path.encode())
    except H5PY_ERRORS as error:
        raise_if_ours(error)
        if path == "/":
            raise FormatError(damaged(error, "the root group").at(file.where, "/")) from error
        raise FormatError(_no_group(file, path, "there is no such object")) from error
    if not isinstance(start, h5g.GroupID):
        raise FormatError(_no_group(file, path, "that is no group"))
    walk = _Walk(file)
    walk.run(start, path)
    walk.scales.look_up_the_rest()
    return _assembled(file, walk)


def _assembled(file: OpenFile, walk: _Walk) -> ManifestGroup:
    """Build the groups, children first; nothing recurses."""
    _set_unlimited_lengths(walk)
    built: dict[int, ManifestGroup] = {}
    for node in reversed(walk.nodes):
        arrays, problems = group_arrays(file, node.variables, walk.scales)
        built[id(node)] = ManifestGroup(
            arrays=arrays,
            groups={name: built.pop(id(child)) for name, child in node.children.items()},
            attributes=node.attributes,
            problems=(*node.problems, *problems),
        )
    return built[id(walk.nodes[0])]


def _set_unlimited_lengths(walk: _Walk) -> None:
    """Give each unlimited dimension the length of the longest variable along it, as netCDF does."""
    for node in walk.nodes:
        for _, variable in node.variables.values():
            for axis, scale in enumerate(walk.scales.resolve(variable.axes)):
                if scale is not None and scale.is_unlimited and variable.unlimited[axis]:
                    scale.size = max(scale.size, variable.shape[axis])


def _links(group: h5g.GroupID) -> list[_Link]:
    """Return the links of a group, in order of creation where the file has kept it."""
    links: list[_Link] = []

    def take(raw: bytes, info: h5l.LinkInfo) -> None:
        address = info.u if info.type == h5l.TYPE_HARD else 0
        links.append(_Link(raw, info.type, address, info.corder if info.corder_valid else -1))

    group.links.iterate(take, info=True, idx_type=h5.INDEX_NAME)
    if all(link.order >= 0 for link in links):
        links.sort(key=lambda link: link.order)
    return links


def _external(group: h5g.GroupID, link: _Link) -> Reason:
    if link.kind != h5l.TYPE_EXTERNAL:
        return Reason(
            code="hdf5-link-unknown",
            what=f"it is a link of the user-defined type {link.kind}",
            hint="open it with the software that wrote the file",
        )
    file, path = group.links.get_val(link.raw)
    return _other_file(f"{path.decode('utf-8', 'replace')} in {file.decode('utf-8', 'replace')}")


def _other_file(target: str) -> Reason:
    return Reason(
        code="hdf5-link-external",
        what=f"it is a link into another file: {target}",
        hint="open that file too, and combine the two",
    )


def _dangling(target: str, error: BaseException) -> Reason:
    words = " ".join(str(error).split())
    return Reason(
        code="hdf5-link-dangling",
        what=f"it is a soft link to {target!r}, which leads nowhere ({words})",
        hint="nothing is lost in this file; ask its author for the missing object",
    )


def _cycle() -> Reason:
    return Reason(
        code="hdf5-link-cycle",
        what="it is a link to a group that it lies in itself",
        hint="nothing is lost; use the shorter path",
        severity="warning",
    )


def _maze() -> Reason:
    return Reason(
        code="hdf5-link-repeated",
        what=f"it is a further link to a group shown elsewhere; {_MOST_REPEATED} such are shown",
        hint="nothing is lost; use the other path of this group",
        severity="warning",
    )


def _no_group(file: OpenFile, path: str, what: str) -> Problem:
    return Problem(
        code="hdf5-no-group",
        where=file.where,
        what=f"group {path!r} was asked for, but {what}",
        hint="check the path of the group; `zarrchive inspect` lists all",
        variable=path,
    )
