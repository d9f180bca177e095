"""What the files of a series have in common, and how one of them is read by that alone.

Most archives hold thousands of files that one program wrote: the same objects with the same
attributes, at other places. A mould is every byte that decided how one of them was read, with
room for what may differ: addresses, checksums, what layout messages say, and the values of
attributes. Where a file has these bytes, at the places where its own addresses lead, it is read
as that one was, and only its chunk indexes and its coordinates are still to be looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from struct import error as StructError  # noqa: N812 - the struct module calls it error
from typing import TYPE_CHECKING, Any, NamedTuple

from numcodecs.jenkins import jenkins_lookup3

if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable, Mapping

    from zarrchive.readers.hdf5.attribute_messages import AttributeMessage
    from zarrchive.readers.hdf5.header_parts import HeaderParts
    from zarrchive.readers.hdf5.superblock import Superblock
    from zarrchive.readers.hdf5.watched import Seal

__all__ = ["AttributeSlot", "Block", "HeapObject", "Mould", "Taken"]


class AttributeSlot(NamedTuple):
    """An attribute whose value may differ."""

    address: int
    """Of the object that has it, in the file that the mould was made of."""
    name: str
    usual: bytes
    """What its value was."""
    message: AttributeMessage | None
    """None where the value is text in a heap."""


class HeapObject(NamedTuple):
    """An object of a global heap, which is referred to by the heap and a number in it."""

    place: int
    """Its first byte in the file that the mould was made of."""
    nbytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One structure of the file: bytes at an address, cut into pieces."""

    address: int
    """Where it was in the file that the mould was made of."""
    start: int
    """Its first byte, counted from the address."""
    kinds: tuple[tuple[int, int, int], ...] | None
    """Kind, flags and bytes of each message, if it is an object header that counts as such: its
    bytes are the bodies of the messages then."""
    form: Struct
    """Cuts it into pieces."""
    constants: Callable[[tuple[Any, ...]], Any]
    """Takes the pieces that are the same in all files."""
    expected: Any
    """What those are."""
    addresses: tuple[tuple[int, int], ...]
    """Pieces that are addresses, each with what it was in the file of the mould."""
    in_heaps: tuple[tuple[int, HeapObject], ...]
    """Pieces that are addresses of heaps, each followed by one that is a number in the heap."""
    seals: tuple[tuple[int, Seal], ...]
    """Pieces that are checksums; the places of what they are of count from the address."""
    layouts: tuple[tuple[int, int], ...]
    """Pieces that are layout messages, each with the address of its dataset."""
    values: Callable[[tuple[Any, ...]], Any]
    """Takes the values of attributes."""
    usual: Any
    """What those were."""
    slots: tuple[tuple[int, AttributeSlot], ...]
    """The pieces that they are."""

    def fits(self, taken: Taken) -> bool:
        """Look whether a file has this block where it should be, and take what differs."""
        at = taken.moved[self.address]
        try:
            pieces = (
                self.form.unpack_from(taken.data, at + self.start)
                if self.kinds is None
                else self._of_header(taken, at)
            )
        except (StructError, OverflowError):
            return False  # it would be beyond the end
        if pieces is None or self.constants(pieces) != self.expected:
            return False
        moved = taken.moved
        for piece, address in self.addresses:
            if moved.setdefault(address, pieces[piece]) != pieces[piece]:
                return False
        if self.in_heaps and not self._leads_into_heaps(taken, pieces):
            return False
        for piece, seal in self.seals:
            if _summed_up(taken.data, at, seal) != pieces[piece]:
                return False
        for piece, dataset in self.layouts:
            taken.layouts[dataset] = pieces[piece]
        if self.slots and self.values(pieces) != self.usual:
            taken.changed.extend(
                (slot, pieces[piece]) for piece, slot in self.slots if pieces[piece] != slot.usual
            )
        return True

    def _of_header(self, taken: Taken, at: int) -> tuple[Any, ...] | None:
        """Cut the messages of the object header at an address; None where they are others."""
        parts = taken.parts(at)
        if parts is None or parts.kinds != self.kinds:
            return None
        return self.form.unpack(parts.data)

    def _leads_into_heaps(self, taken: Taken, pieces: tuple[Any, ...]) -> bool:
        """Take the places of objects of heaps; whether each is at one place."""
        for piece, one in self.in_heaps:
            place = taken.in_heap(pieces[piece], pieces[piece + 1], one.nbytes)
            if place is None or taken.moved.setdefault(one.place, place) != place:
                return False
        return True


class Taken(NamedTuple):
    """What a file has in place of the file that a mould was made of."""

    data: bytes | mmap.mmap
    """The file."""
    moved: dict[int, int]
    """Its addresses, by those of that file."""
    layouts: dict[int, bytes]
    """Bodies of the layout messages, by address of the dataset in that file."""
    changed: list[tuple[AttributeSlot, bytes]]
    """Attributes with other values."""
    in_heap: Callable[[int, int, int], int | None]
    """Finds the place of an object by heap, number and length; None where there is no such."""
    parts: Callable[[int], HeaderParts | None]
    """Reads the object header at an address."""


@dataclass(frozen=True, slots=True)
class Mould:
    """All that decided how a file was read, but chunk indexes and values."""

    superblock: Superblock
    start: int
    """Address of the group that is read first."""
    blocks: tuple[Block, ...]
    """Each after one that has its address."""
    nbytes: int
    """Bytes of all blocks."""
    outside: tuple[int, ...] = ()
    """Addresses of what is outside of the group, the same for all that are alike."""

    def taken_of(
        self,
        data: bytes | mmap.mmap,
        superblock: Superblock,
        in_heap: Callable[[int, int, int], int | None],
    ) -> Taken | None:
        """Return what another file has in the places of this one; None where it is not alike."""
        if not _are_alike(self.superblock, superblock) or self.nbytes > superblock.size:
            return None
        moved = {self.start: superblock.root}
        return self.filled(Taken(data, moved, {}, [], in_heap, _no_parts))

    def filled(self, taken: Taken) -> Taken | None:
        """Take what there is from where `taken` starts; None where it is not alike."""
        for block in self.blocks:
            if not block.fits(taken):
                return None
        return taken if _stay_apart(taken.moved, self.superblock.undefined) else None


def _no_parts(_: int) -> None:
    """Find nothing: headers of whole files are blocks as all others."""


def _are_alike(mine: Superblock, other: Superblock) -> bool:
    return (
        mine.version == other.version
        and mine.base == other.base
        and mine.address_size == other.address_size
        and mine.length_size == other.length_size
        and mine.extension is other.extension is None
        and mine.group_leaf_k == other.group_leaf_k
        and mine.group_internal_k == other.group_internal_k
        and mine.chunk_k == other.chunk_k
        and mine.shared_messages is other.shared_messages is None
    )


def _stay_apart(moved: Mapping[int, int], undefined: int) -> bool:
    """Whether what was at two places is at two places, and everything at one."""
    found = set(moved.values())
    return len(found) == len(moved) and 0 not in found and undefined not in found


def _summed_up(data: bytes | mmap.mmap, at: int, seal: Seal) -> int:
    """Return the checksum that bytes of the file should have."""
    start, stop, place = at + seal.start, at + seal.stop, at + seal.at
    if place >= stop:
        return int(jenkins_lookup3(data[start:stop], 0))
    return int(jenkins_lookup3(data[start:place] + bytes(4) + data[place + 4 : stop], 0))
