"""Whole HDF5 files as values that can be written: groups, links, and how the file is laid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import h5py
from h5py import h5f, h5g, h5p

from zarrchive.testing.hdf5.attributes import NO_ATTRIBUTES, AttributesRecipe
from zarrchive.testing.hdf5.datasets import DatasetRecipe
from zarrchive.testing.hdf5.datatypes import KINDS
from zarrchive.testing.hdf5.library import set_property

if TYPE_CHECKING:
    from os import PathLike

    from zarrchive.testing.hdf5.library import Property

__all__ = ["VERSIONS", "FileRecipe", "GroupRecipe", "LinkRecipe", "TypeRecipe"]

VERSIONS: Final = {
    "earliest": h5f.LIBVER_EARLIEST,
    "v108": h5f.LIBVER_V18,
    "v110": h5f.LIBVER_V110,
    "latest": h5f.LIBVER_LATEST,
}
"""Versions of the format between which the library may choose."""
_STRATEGIES: Final = {
    "fsm": h5f.FSPACE_STRATEGY_FSM_AGGR,
    "page": h5f.FSPACE_STRATEGY_PAGE,
    "aggregate": h5f.FSPACE_STRATEGY_AGGR,
    "none": h5f.FSPACE_STRATEGY_NONE,
}


@dataclass(frozen=True, kw_only=True)
class LinkRecipe:
    """A link that is not the first name of an object."""

    target: str
    """Path of the target, absolute, or relative to its group."""
    kind: str = "soft"
    """``soft``, ``hard`` or ``external``."""
    file: str = ""
    """Of an external link."""

    def write(self, group: h5py.Group, name: str) -> None:
        """Add it to an open group; a hard link only where its target exists."""
        if self.kind == "external":
            group[name] = h5py.ExternalLink(self.file, self.target)
        elif self.kind == "soft":
            group[name] = h5py.SoftLink(self.target)
        elif (target := group.get(self.target)) is not None:
            group[name] = target


@dataclass(frozen=True, kw_only=True)
class TypeRecipe:
    """A committed datatype."""

    kind: str = "<f4"
    attributes: AttributesRecipe = NO_ATTRIBUTES

    def write(self, group: h5py.Group, name: str) -> None:
        """Add it to an open group."""
        KINDS[self.kind].tid().copy().commit(group.id, name.encode())
        self.attributes.write(group[name])


@dataclass(frozen=True, kw_only=True)
class GroupRecipe:
    """A group: its members, and how its links are stored."""

    members: tuple[tuple[str, Member], ...] = ()
    """In the order of writing."""
    attributes: AttributesRecipe = NO_ATTRIBUTES
    dense: tuple[int, int] | None = None
    """Most links in the object header, fewest beside it; None: the library's choice."""
    order: int = 0
    """Creation order of links: 0 not kept, 1 tracked, 3 tracked and indexed."""
    n_more: int = 0
    """Number of further links: hard ones to the first object, or soft ones to nothing."""
    more_length: int = 8
    """Length of their names."""
    n_removed: int = 0
    """How many of them are deleted again, every second one."""
    is_heap_filtered: bool = False
    """Whether the heap of dense links is compressed."""

    def prepare(self, plist: h5p.PropGCID) -> None:
        """Set how the links are stored."""
        if self.dense is not None:
            set_property(plist, "set_link_phase_change", *self.dense)
        if self.order:
            plist.set_link_creation_order(self.order)
        if self.is_heap_filtered:
            set_property(plist, "set_deflate", 6)
        self.attributes.prepare(plist)

    def write(self, group: h5py.Group, name: str) -> None:
        """Add it to an open group."""
        plist = h5p.create(h5p.GROUP_CREATE)
        self.prepare(plist)
        self.fill(h5py.Group(h5g.create(group.id, name.encode(), None, plist)))

    def fill(self, group: h5py.Group) -> None:
        """Write everything into the open group that it is."""
        for name, member in self.members:
            member.write(group, name)
        first = next((n for n, made in self.members if not isinstance(made, LinkRecipe)), None)
        for number in range(self.n_more):
            name = f"more {number:04d}".ljust(self.more_length, "_")
            if first is None:
                group[name] = h5py.SoftLink("nowhere")
            else:
                group.id.links.create_hard(name.encode(), group.id, first.encode())
        for number in range(0, 2 * self.n_removed, 2):
            del group[f"more {number:04d}".ljust(self.more_length, "_")]
        self.attributes.write(group)


Member: TypeAlias = GroupRecipe | DatasetRecipe | LinkRecipe | TypeRecipe


@dataclass(frozen=True, kw_only=True)
class FileRecipe:
    """All choices behind one file."""

    root: GroupRecipe = GroupRecipe()
    low: str = "earliest"
    """Oldest version of the format that objects may have, of `VERSIONS`."""
    high: str = "latest"
    user_block: int = 0
    address_size: int = 8
    length_size: int = 8
    properties: tuple[Property, ...] = ()
    """Further properties of the file: symbol tables, B-trees, shared messages."""
    strategy: str = ""
    """How free space is kept: ``fsm``, ``page``, ``aggregate``, ``none``."""
    page_size: int = 4096

    def write(self, path: PathLike[str] | str) -> None:
        """Write the file, over an older one."""
        creation = h5p.create(h5p.FILE_CREATE)
        creation.set_userblock(self.user_block)
        creation.set_sizes(self.address_size, self.length_size)
        for name, values in self.properties:
            set_property(creation, name, *values)
        if self.strategy:
            persists = self.strategy in {"fsm", "page"}
            creation.set_file_space_strategy(_STRATEGIES[self.strategy], persists, 1)
            if self.strategy == "page":
                creation.set_file_space_page_size(self.page_size)
        self.root.prepare(creation)
        access = h5p.create(h5p.FILE_ACCESS)
        access.set_libver_bounds(VERSIONS[self.low], VERSIONS[self.high])
        access.set_fclose_degree(h5f.CLOSE_STRONG)
        fid = h5f.create(str(path).encode(), h5f.ACC_TRUNC, creation, access)
        with h5py.File(fid) as file:
            self.root.fill(file["/"])
