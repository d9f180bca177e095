"""Groups below one group that are alike, as one of them was read: sweeps, tracks, stations.

What is learned of the files of a series can be learned of the groups of one file. They may only
be read by it where they keep to themselves: what else is in the file must not use what is in
them, nor they what is outside.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from zarrchive.errors import ZarrchiveError
from zarrchive.readers.hdf5.castings import cast
from zarrchive.readers.hdf5.file_bytes import run
from zarrchive.readers.hdf5.header_parts import Headers
from zarrchive.readers.hdf5.learning import learned_of_group
from zarrchive.readers.hdf5.mould import Taken
from zarrchive.readers.hdf5.object_header import read_header
from zarrchive.readers.hdf5.requests import PARSE_ERRORS, Trouble
from zarrchive.readers.hdf5.scan import GROUP
from zarrchive.readers.hdf5.watched import Unwatchable
from zarrchive.readers.hdf5.watched_heaps import place_in_heap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from zarrchive.manifests import ManifestGroup
    from zarrchive.readers.hdf5.file_bytes import HeldBytes
    from zarrchive.readers.hdf5.learning import Learned
    from zarrchive.readers.hdf5.mould import Mould
    from zarrchive.readers.hdf5.nodes import Node
    from zarrchive.readers.hdf5.opened import OpenFile

__all__ = ["Sibling", "Siblings"]

_FEW: Final = 24
"""Groups that are read faster one by one than by what one of them teaches."""
_MOST_MOULDS: Final = 4
"""Kinds of groups below one group that are learned."""
_MOST_ODD: Final = 0.8
"""Part of the groups that may be unlike the one that was learned from, for another to be."""
_TRIED: Final = (1 / 2, 1 / 4, 3 / 4, 0)
"""Which of the children are looked at to find one that is a group. Not the first: a library
writes something else there now and then."""


class Sibling(NamedTuple):
    """A group that was read as another."""

    address: int
    group: ManifestGroup
    objects: set[int]
    """Addresses of its own object header, and of all below."""


@dataclass(slots=True, eq=False)
class Siblings:
    """Reads groups of one file that are alike."""

    file: OpenFile
    data: HeldBytes
    headers: Headers = field(init=False)
    models: dict[int, ManifestGroup] = field(default_factory=dict)
    """What the groups are that were learned from, each read by itself, by address."""

    def __post_init__(self) -> None:
        self.headers = Headers(self.file.superblock, self.data)

    def of(self, children: dict[int, bytes], known: Mapping[int, bytes]) -> Iterator[Sibling]:
        """Yield those of the objects, given by address and path, that are groups like others.

        One of each kind is left, to be read with the rest of the file. `known` are paths of
        other objects.
        """
        rest = list(children)
        for _ in range(_MOST_MOULDS):
            if len(rest) < _FEW:
                return
            model = self._model(rest)
            learned = None if model is None else self._learned(model, children[model], known)
            if learned is None:
                return
            others = []
            for address in rest:
                one = None if address == model else self._cast(learned, address)
                if one is not None:
                    yield one
                elif address != model:
                    others.append(address)
            if len(others) > _MOST_ODD * len(rest):
                return
            rest = others

    def agree_with(self, nodes: list[Node], root: ManifestGroup) -> bool:
        """Whether the groups that were learned from are the same as parts of the whole file."""
        names = {id(one): name for node in nodes for name, one in node.children.items()}
        groups = {id(nodes[0]): root}
        for node in nodes[1:]:
            groups[id(node)] = groups[id(node.parent)].groups[names[id(node)]]
        return all(
            self.models.get(node.group.address, groups[id(node)]) == groups[id(node)]
            for node in nodes
        )

    def _model(self, children: list[int]) -> int | None:
        """Return one of the children that is a group."""
        tried = (children[int(part * len(children))] for part in _TRIED)
        return next((one for one in tried if self._is_group(one)), None)

    def _is_group(self, address: int) -> bool:
        with suppress(Trouble, *PARSE_ERRORS):
            messages = run(read_header(self.file.superblock, address), self.data)
            return any(message.kind in GROUP for message in messages)
        return False

    def _learned(self, address: int, path: bytes, known: Mapping[int, bytes]) -> Learned | None:
        try:
            learned, self.models[address] = learned_of_group(
                self.file, self.data, (address, path), known, self._taken
            )
        except (Unwatchable, ZarrchiveError, Trouble, *PARSE_ERRORS):
            return None
        return learned

    def _cast(self, learned: Learned, address: int) -> Sibling | None:
        taken = self._taken(learned.mould, address)
        if taken is None:
            return None
        n_left = len(self.file.left_to_h5py)
        group = cast(learned.groups, self.file, taken)
        if group is None or len(self.file.left_to_h5py) > n_left:
            # h5py was asked for the object of the model's path.
            del self.file.left_to_h5py[n_left:]
            return None
        objects = {taken.moved[one] for one in learned.objects}
        return Sibling(address, group, objects)

    def _taken(self, mould: Mould, address: int) -> Taken | None:
        """Return what the group at `address` has; None where it is not alike."""
        moved = {mould.start: address, **{one: one for one in mould.outside}}
        parts = self.headers.parts
        in_heap = partial(place_in_heap, self.file, self.data)
        return mould.filled(Taken(self.data.data, moved, {}, [], in_heap, parts))
