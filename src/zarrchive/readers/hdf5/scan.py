"""All objects of a file, found by following its links; each is read once.

Everything that the next step needs of all objects is asked for together, level by level.
"""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from zarrchive.readers.hdf5.datatype_message import parse_datatype
from zarrchive.readers.hdf5.links import EXTERNAL, HARD, SOFT, read_links
from zarrchive.readers.hdf5.objects import FileObject, NotThere
from zarrchive.readers.hdf5.problems import refusal_of
from zarrchive.readers.hdf5.requests import Damaged, NotUnderstood, Trouble, together

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.objects import Kind
    from zarrchive.readers.hdf5.opened import OpenFile
    from zarrchive.readers.hdf5.problems import Reason
    from zarrchive.readers.hdf5.requests import Steps
    from zarrchive.readers.hdf5.siblings import Siblings

__all__ = ["GROUP", "Entangled", "Scan"]

_DATASPACE, _DATATYPE, _LAYOUT = 0x01, 0x03, 0x08
GROUP: Final = frozenset({0x02, 0x11})
"""Kinds of messages that only groups have: link info, symbol table."""
_SHARED: Final = 2
_MOST_SOFT: Final = 16
"""Soft links that HDF5 follows for one path."""


class Entangled(Exception):  # noqa: N818 - no error: the file is read in the usual way
    """Something uses what is inside of a group that was read as another."""


@dataclass(slots=True)
class Scan:
    """The objects that were found so far."""

    file: OpenFile
    siblings: Siblings | None = None
    """Reads groups that are alike as one of them was read."""
    claimed: set[int] = field(default_factory=set)
    """Addresses of the objects inside of those, which nothing else should use."""
    by_address: dict[int, FileObject | Reason] = field(default_factory=dict)
    soft: dict[tuple[int, bytes], int | NotThere] = field(default_factory=dict)
    """What each soft link leads to, by the group that has it and its target."""
    walked: dict[int, bytes] = field(default_factory=dict)
    """Objects whose links were followed, each with a path that leads to it."""

    def find(self, path: bytes) -> Steps[int | NotThere]:
        """Return the address of the object at a path from the root group."""
        return (yield from self._resolved(self.file.superblock.root, path, 0))

    def read_below(self, address: int, path: bytes) -> Steps[None]:
        """Read an object and everything that its links, and theirs, lead to."""
        frontier = {address: path}
        while frontier:
            yield from self.read(frontier)
            self.walked.update(frontier)
            groups = [self.by_address[one] for one in frontier]
            frontier = {}
            for group in groups:
                if isinstance(group, FileObject):
                    self._add_children(group, frontier)
            if not frontier:
                targets = yield from self._follow_soft()
                frontier = {a: p for a, p in targets.items() if a not in self.walked}

    def _add_children(self, group: FileObject, frontier: dict[int, bytes]) -> None:
        base = group.path.rstrip(b"/")
        children: dict[int, bytes] = {}
        for link in group.links:
            at = link.address
            if link.kind == HARD and at not in self.walked and at not in frontier:
                children.setdefault(at, base + b"/" + link.name)
        if self.siblings is not None:
            self._cast(self.siblings, children, frontier)
        frontier.update(children)

    def _cast(
        self, siblings: Siblings, children: dict[int, bytes], frontier: dict[int, bytes]
    ) -> None:
        """Take those of the children that are groups like others from `children`."""
        free = children.keys() - self.by_address.keys()
        known = ChainMap(children, frontier, self.walked)
        for one in siblings.of(children, known):
            inside = one.objects - {one.address}
            is_alone = (
                self.claimed.isdisjoint(inside)
                and self.by_address.keys().isdisjoint(inside)
                and frontier.keys().isdisjoint(inside)
                and children.keys().isdisjoint(inside)
            )
            if is_alone and one.address in free:
                self.claimed |= one.objects
                path = self.walked[one.address] = children.pop(one.address)
                self.by_address[one.address] = FileObject(
                    one.address, path, "group", None, cast=one.group
                )

    def leave_siblings(self) -> None:
        """Read everything object by object from now on; raises `Entangled` if it is too late."""
        if self.claimed:
            raise Entangled
        self.siblings = None

    def _follow_soft(self) -> Steps[dict[int, bytes]]:
        """Follow all soft links that were not followed yet; return where they lead."""
        pending: dict[tuple[int, bytes], bytes] = {}
        for address in self.walked:
            group = self.by_address[address]
            for link in group.links if isinstance(group, FileObject) else ():
                key = (address, link.target)
                if link.kind == SOFT and key not in self.soft:
                    pending[key] = self.walked[address].rstrip(b"/") + b"/" + link.name
        found = yield from together(self._resolved(*key, 0) for key in pending)
        targets = {}
        for (key, path), one in zip(pending.items(), found, strict=True):
            result = NotThere(str(one)) if isinstance(one, Trouble) else one
            self.soft[key] = result
            if isinstance(result, int):
                targets[result] = path
        return targets

    def _resolved(self, address: int, target: bytes, n_soft: int) -> Steps[int | NotThere]:
        """Follow a path from the group at `address`."""
        if n_soft > _MOST_SOFT:
            return NotThere(f"more than {_MOST_SOFT} soft links follow one another")
        if not target:
            return NotThere("its path is empty")
        if target.startswith(b"/"):
            address = self.file.superblock.root
        path = b""
        parts = [part for part in target.split(b"/") if part not in {b"", b"."}]
        for number, part in enumerate(parts):
            yield from self.read({address: path or b"/"})
            path += b"/" + part
            result = yield from self._step(self.by_address[address], part, n_soft)
            if isinstance(result, NotThere):
                return _with_rest(result, parts[number + 1 :])
            address = result
        return address

    def _step(self, group: FileObject | Reason, name: bytes, n_soft: int) -> Steps[int | NotThere]:
        """Follow one link of a group."""
        if not isinstance(group, FileObject):
            return NotThere(group.what)
        if group.cast is not None:
            raise Entangled
        link = group.link(name)
        if link is None:
            return NotThere(f"there is no {name.decode('utf-8', 'replace')!r} on the way")
        if link.kind == HARD:
            return link.address
        if link.kind == SOFT:
            return (yield from self._resolved(group.address, link.target, n_soft + 1))
        return NotThere("it leads into another file", link if link.kind == EXTERNAL else None)

    def read(self, wanted: dict[int, bytes]) -> Steps[None]:
        """Read objects, by address and path; those not understood are left to h5py.

        Damaged ones are not: the HDF5 library may crash on them, and the process with it.
        """
        missing = [address for address in wanted if address not in self.by_address]
        if self.claimed and not self.claimed.isdisjoint(missing):
            raise Entangled
        found = yield from together(self._object(one, wanted[one]) for one in missing)
        for address, one in zip(missing, found, strict=True):
            if isinstance(one, NotUnderstood):
                from zarrchive.readers.hdf5.by_h5py import object_by_h5py

                self.by_address[address] = object_by_h5py(self.file, address, wanted[address], one)
            elif isinstance(one, Trouble):
                self.by_address[address] = refusal_of(one)
            else:
                self.by_address[address] = one

    def _object(self, address: int, path: bytes) -> Steps[FileObject]:
        if not self.file.is_parsed:
            raise NotUnderstood("the whole file is left to h5py")
        messages = yield from self.file.header(self.file.superblock, address)
        kinds = {message.kind for message in messages}
        if kinds & GROUP:
            try:
                links = yield from read_links(self.file.superblock, messages)
            except NotUnderstood as trouble:
                from zarrchive.readers.hdf5.by_h5py import links_by_h5py

                links = links_by_h5py(self.file, address, path, trouble)
            return FileObject(address, path, "group", messages, links)
        if _DATATYPE in kinds:
            kind: Kind = "dataset" if _DATASPACE in kinds else "datatype"
            if kind == "datatype":
                if _LAYOUT in kinds:
                    raise Damaged("its object header says where values are, but not of what shape")
                # Nothing of it is shown, but what should have been something else is damage.
                for one in messages:
                    if one.kind == _DATATYPE and not one.flags & _SHARED:
                        parse_datatype(one.body)
            return FileObject(address, path, kind, messages)
        raise Damaged("its object header is that of no group, dataset or datatype")


def _with_rest(found: NotThere, rest: list[bytes]) -> NotThere:
    """Add what follows a link into another file to its path."""
    link = found.external
    if link is None or not rest:
        return found
    target = b"/".join([link.target.rstrip(b"/"), *rest])
    return replace(found, external=link._replace(target=target))
