"""Groups as the links of a file show them, with the datasets of each.

Links may lead round in circles, and into other files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zarrchive.readers.hdf5.link_reasons import (
    MOST_REPEATED,
    cycle,
    leads_nowhere,
    maze,
    other_file,
    unknown_link,
)
from zarrchive.readers.hdf5.linked_files import LinkedDataset
from zarrchive.readers.hdf5.links import EXTERNAL, HARD, SOFT
from zarrchive.readers.hdf5.names import decoded_name, node_name
from zarrchive.readers.hdf5.objects import FileObject, NotThere
from zarrchive.readers.hdf5.problems import Reason
from zarrchive.readers.hdf5.scan import Entangled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zarrchive.errors import Problem
    from zarrchive.readers.hdf5.links import Link
    from zarrchive.readers.hdf5.scan import Scan
    from zarrchive.readers.hdf5.variable import Variable

__all__ = ["Entry", "Names", "Node", "nodes_of"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A dataset where a group shows it."""

    address: int
    link_name: str
    path: str
    linked: LinkedDataset | None = None
    """If it is in another file; the address means nothing then."""


@dataclass(slots=True, eq=False)
class Node:
    """A group while it is read."""

    path: str
    group: FileObject
    parent: Node | None
    children: dict[str, Node] = field(default_factory=dict)
    entries: list[Entry | tuple[str, Reason]] = field(default_factory=list)
    """Datasets, and reasons with the path that they are about, in the order of the links."""
    variables: dict[str, tuple[str, Variable]] = field(default_factory=dict)
    """Path in the file and variable, by the name of the Zarr node."""
    problems: list[Problem] = field(default_factory=list)

    def lineage(self) -> Iterator[Node]:
        """Yield this group, and all that it lies in."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent

    def is_below(self, address: int) -> bool:
        """Say whether this is the group at `address`, or lies inside of it."""
        return any(one.group.address == address for one in self.lineage())


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a group has given so far."""

    node: Node

    def __contains__(self, name: object) -> bool:
        return name in self.node.variables or name in self.node.children


def nodes_of(scan: Scan, start: FileObject, path: str) -> list[Node]:
    """Follow the links of all groups; parents come before their children.

    Raises `Entangled` where a group that was read as another has two names.
    """
    if scan.file.linked is not None:
        scan.file.linked.begin(_other_files(scan))
    nodes: list[Node] = []
    shown = _Shown({start.address})
    pending = [Node(path, start, None)]
    while pending:
        node = pending.pop()
        nodes.append(node)
        children = []
        for link in node.group.links:
            name, reason = decoded_name(link.name)
            place = f"{node.path.rstrip('/')}/{name}"
            target = _target(scan, node, link, place)
            if isinstance(target, FileObject) and target.kind == "datatype":
                continue  # nothing of it is shown
            if reason is not None:
                node.entries.append((place, reason))
            if isinstance(target, FileObject) and target.kind == "group":
                target = shown.again(node, target) or target
            if isinstance(target, Reason):
                node.entries.append((place, target))
            elif isinstance(target, LinkedDataset):
                node.entries.append(Entry(0, name, place, target))
            elif target.kind == "dataset":
                node.entries.append(Entry(target.address, name, place))
            else:
                children.append(_child(node, target, name, place))
        pending.extend(reversed(children))
    return nodes


def _other_files(scan: Scan) -> tuple[bytes, ...]:
    """Return the names of the files that links lead into, each once."""
    objects = (one for one in scan.by_address.values() if isinstance(one, FileObject))
    links = (link for one in objects for link in one.links if link.kind == EXTERNAL)
    return tuple(dict.fromkeys(link.file for link in links))


@dataclass(slots=True)
class _Shown:
    """The groups that links have led to so far."""

    addresses: set[int]
    n_repeated: int = 0

    def again(self, node: Node, target: FileObject) -> Reason | None:
        """Say why a group is not shown again in `node`, if so."""
        address = target.address
        if address not in self.addresses:
            self.addresses.add(address)
            return None
        if node.is_below(address):
            return cycle()
        if target.cast is not None:
            raise Entangled
        self.n_repeated += 1
        return maze() if self.n_repeated > MOST_REPEATED else None


def _child(node: Node, target: FileObject, link_name: str, place: str) -> Node:
    name, reason = node_name(link_name, Names(node))
    if reason is not None:
        node.entries.append((place, reason))
    child = Node(place, target, node)
    node.children[name] = child
    return child


def _target(scan: Scan, node: Node, link: Link, place: str) -> FileObject | LinkedDataset | Reason:
    """Return what a link leads to, or why it leads nowhere."""
    address = link.address
    if link.kind == SOFT:
        found = scan.soft.get((node.group.address, link.target), NotThere("it was not followed"))
        if isinstance(found, NotThere):
            if found.external is not None:
                return _elsewhere(scan, node, found.external, place)
            return leads_nowhere(link, found)
        address = found
    elif link.kind == EXTERNAL:
        return _elsewhere(scan, node, link, place)
    elif link.kind != HARD:
        return unknown_link(link)
    return scan.by_address[address]


def _elsewhere(
    scan: Scan, node: Node, link: Link, place: str
) -> FileObject | LinkedDataset | Reason:
    """Return what a link into another file leads to."""
    linked = scan.file.linked
    if linked is None:
        return other_file(link, "here, it is not followed")
    return linked.target(scan.file, link, node, place)
