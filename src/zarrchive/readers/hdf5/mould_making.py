"""Make the mould of a file from what a parser took of it."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from itertools import pairwise
from operator import attrgetter, itemgetter
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from zarrchive.readers.hdf5.mould import AttributeSlot, Block, HeapObject, Mould
from zarrchive.readers.hdf5.watched import Seal, Unwatchable

if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable, Iterable, Iterator

    from zarrchive.readers.hdf5.superblock import Superblock
    from zarrchive.readers.hdf5.watched import Log

__all__ = ["Layout", "Slot", "mould_of"]

_ADDRESS: Final = 8
"""Bytes of an address; files with shorter ones are rare, and are read in the usual way."""


class Layout(NamedTuple):
    """The layout message of the dataset at an address."""

    address: int


Slot = Layout | AttributeSlot | HeapObject
"""What stands at a place and is looked at anew in each file."""


_start: Final = attrgetter("start")


class _Field(NamedTuple):
    """Bytes that may differ; places count from the address of the block."""

    start: int
    stop: int
    what: Slot | Seal | int | None
    """An int is the address that stands there; None: they never count."""


def mould_of(
    data: bytes | mmap.mmap,
    superblock: Superblock,
    start: int,
    log: Log,
    slots: dict[tuple[int, int], Slot],
) -> Mould:
    """Return the mould of a file, or of a group of it and of all below.

    Parameters
    ----------
    data, superblock
        The file.
    start
        Address of the group that was read first.
    log
        What the parser took of it.
    slots
        What stands between a first byte and the byte behind the last.

    Raises
    ------
    Unwatchable
        Where an address that was followed was not seen to be taken from anywhere.
    """
    if superblock.base or superblock.address_size != _ADDRESS:
        raise Unwatchable("addresses have another length, or do not count from the first byte")
    parts: dict[int, list[tuple[int, int]]] = {}
    for request, *place in log.looked_at:
        parts.setdefault(request, []).append((place[0], place[1]))
    fields = _fields(log, superblock.undefined, slots)
    blocks = []
    for address, found in parts.items():
        header = log.headers.get(address)
        if header is None:
            blocks.append(_block(data, address, _merged(found), fields))
        else:
            block = _block(header[1].data, address, _merged(found), fields, of_file=False)
            blocks.append(replace(block, address=header[0], kinds=header[1].kinds))
    ordered = _ordered(blocks, start)
    return Mould(superblock, start, ordered, sum(one.form.size for one in ordered))


def _fields(log: Log, undefined: int, slots: dict[tuple[int, int], Slot]) -> list[_Field]:
    """Return all bytes of the file that may differ, in order; none overlap."""
    found = [_Field(*place, slot) for place, slot in slots.items()]
    found += [_Field(*place, None) for place in log.unread if place[0] < place[1]]
    found += [
        _Field(place, place + _ADDRESS, address)
        for place, address in log.addresses.items()
        if address not in {0, undefined}
    ]
    found += [_Field(seal.at, seal.at + 4, seal) for seal in log.seals]
    # What is looked at anew as a whole, or never, comes before what stands in it.
    found.sort(key=lambda one: (one.start, -one.stop))
    kept: list[_Field] = []
    for one in found:
        if kept and one.stop <= kept[-1].stop and not isinstance(kept[-1].what, int | Seal):
            continue
        if kept and one.start < kept[-1].stop:
            raise Unwatchable(f"two things are taken from byte {one.start}")
        kept.append(one)
    return kept


def _merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], stop)
        else:
            merged.append((start, stop))
    return merged


def _block(
    data: bytes | mmap.mmap,
    address: int,
    parts: list[tuple[int, int]],
    fields: list[_Field],
    *,
    of_file: bool = True,
) -> Block:
    """Cut what was looked at into pieces; `data` are the file, or what was looked at."""
    own = [one for start, stop in parts for one in _between(fields, start, stop)]
    plan = _Plan()
    for (start, stop), (following, _) in pairwise([*parts, (parts[-1][1], 0)]):
        at = start
        for one in own:
            if start <= one.start < stop:
                plan.constant(one.start - at)
                plan.field(one, own, address)
                at = one.stop
        plan.constant(stop - at)
        plan.gap(following - stop)
    form = Struct("<" + "".join(plan.form))
    pieces = form.unpack_from(data, parts[0][0] if of_file else 0)
    constants, values = _taker(plan.constants), _taker([piece for piece, _ in plan.slots])
    return Block(
        address=address,
        start=parts[0][0] - address,
        kinds=None,
        form=form,
        constants=constants,
        expected=constants(pieces),
        addresses=tuple(plan.addresses),
        in_heaps=tuple(plan.in_heaps),
        seals=tuple(plan.seals),
        layouts=tuple(plan.layouts),
        values=values,
        usual=values(pieces),
        slots=tuple(plan.slots),
    )


class _Plan:
    """How a block is cut."""

    def __init__(self) -> None:
        self.form: list[str] = []
        self.n_pieces = 0
        self.constants: list[int] = []
        self.addresses: list[tuple[int, int]] = []
        self.in_heaps: list[tuple[int, HeapObject]] = []
        self.seals: list[tuple[int, Seal]] = []
        self.layouts: list[tuple[int, int]] = []
        self.slots: list[tuple[int, AttributeSlot]] = []

    def gap(self, length: int) -> None:
        if length:
            self.form.append(f"{length}x")

    def constant(self, length: int) -> None:
        if length:
            self.constants.append(self._piece(f"{length}s"))

    def field(self, one: _Field, own: list[_Field], address: int) -> None:
        length, what = one.stop - one.start, one.what
        if what is None:
            self.gap(length)
        elif isinstance(what, int):
            self.addresses.append((self._piece("Q"), what))
        elif isinstance(what, Seal):
            if not _may_differ(what, own):
                self.constant(length)
                return
            places = Seal(*(place - address for place in what))
            self.seals.append((self._piece("I"), places))
        elif isinstance(what, HeapObject):
            self.in_heaps.append((self._piece("Q"), what))
            self._piece("I")
        elif isinstance(what, Layout):
            self.layouts.append((self._piece(f"{length}s"), what.address))
        else:
            self.slots.append((self._piece(f"{length}s"), what))

    def _piece(self, form: str) -> int:
        self.form.append(form)
        self.n_pieces += 1
        return self.n_pieces - 1


def _between(fields: list[_Field], start: int, stop: int) -> Iterator[_Field]:
    """Yield the fields that lie between two places as a whole."""
    for number in range(bisect_left(fields, start, key=_start), len(fields)):
        one = fields[number]
        if one.start >= stop:
            return
        if one.stop <= stop:
            yield one


def _may_differ(seal: Seal, own: list[_Field]) -> bool:
    """Whether anything that a checksum is of may differ."""
    return any(seal.start <= one.start < seal.stop and one.start != seal.at for one in own)


def _taker(pieces: list[int]) -> Callable[[tuple[Any, ...]], Any]:
    return itemgetter(*pieces) if pieces else len  # nothing to compare: as many pieces as before


def _ordered(blocks: list[Block], root: int) -> tuple[Block, ...]:
    """Put blocks behind those that have their address."""
    waiting: dict[int, list[Block]] = {}
    for one in blocks:
        waiting.setdefault(one.address, []).append(one)
    found, ordered = [root], []
    for address in found:  # which grows meanwhile
        for block in waiting.pop(address, ()):
            ordered.append(block)
            found += [at for _, at in block.addresses]
            found += [heap_object.place for _, heap_object in block.in_heaps]
    if waiting:
        raise Unwatchable(f"nothing is known to lead to address {min(waiting)}")
    return tuple(ordered)
