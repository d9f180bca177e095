"""Damage to HDF5 files: changed bytes, mostly of metadata, mostly with checksums made right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import h5py
from h5py import h5d, h5g

from zarrchive.testing.hdf5.checksums import checked_blocks, repair
from zarrchive.testing.hdf5.superblock import superblock_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from random import Random

    from zarrchive.testing.hdf5.checksums import Checked
    from zarrchive.testing.hdf5.superblock import Superblock

__all__ = ["Base", "Mutant", "base_of", "changes", "mutate"]

_STRUCTURES: Final = re.compile(
    rb"OHDR|OCHK|FRHP|FHDB|FHIB|FSHD|FSSE|BTHD|BTIN|BTLF|SMTB|SMLI|EAHD|EAIB|EASB|EADB|FAHD|FADB"
    rb"|TREE|SNOD|HEAP|GCOL|\x89HDF\r\n\x1a\n"
)
_EXTREMES: Final = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1)
_LARGE: Final = (2**32, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1)


@dataclass(frozen=True, slots=True, repr=False)
class Base:
    """An undamaged file, and what is known about its bytes."""

    name: str
    data: bytes
    superblock: Superblock
    metadata: tuple[tuple[int, int], ...]
    """Offset and length of everything that is not values of a dataset."""
    structures: tuple[int, ...]
    """Where structures begin, object headers without signature included."""
    pointers: tuple[int, ...]
    """Where the address of one of them is."""
    checked: tuple[Checked, ...]

    def __repr__(self) -> str:
        return f"<Base {self.name}: {len(self.data)} bytes, {len(self.structures)} structures>"


class Mutant(NamedTuple):
    """A damaged copy."""

    data: bytes
    steps: tuple[str, ...]
    """What was done, in words."""


def base_of(path: Path, name: str) -> Base:
    """Look at an undamaged file.

    Raises ValueError where it has no superblock.
    """
    data = path.read_bytes()
    superblock = superblock_of(data)
    if superblock is None:
        raise ValueError(f"{path} has no superblock")
    with h5py.File(path, "r") as file:
        values, headers = _looked_at(file, superblock.start)
    found = {match.start() for match in _STRUCTURES.finditer(data)} | headers
    return Base(
        name,
        data,
        superblock,
        tuple(_outside(values, len(data))),
        tuple(sorted(found)),
        tuple(_pointers(data, superblock, found)),
        tuple(checked_blocks(data)),
    )


def mutate(base: Base, random: Random) -> Mutant:
    """Damage a copy in one to three ways."""
    data = bytearray(base.data)
    steps = [random.choice(_WAYS)(base, data, random) for _ in range(random.choice((1, 1, 2, 3)))]
    if random.randrange(4):
        repair(data, base.checked, changes(base.data, data))
        steps.append("checksums made right")
    return Mutant(bytes(data), tuple(steps))


def changes(before: bytes, after: bytes | bytearray) -> Iterator[tuple[int, int]]:
    """Yield offset and length of the runs that differ, as far as both reach."""
    start = None
    for at in range(0, min(len(before), len(after)), _STRIDE):
        if before[at : at + _STRIDE] == after[at : at + _STRIDE]:
            if start is not None:
                yield start, at - start
                start = None
            continue
        for near in range(at, min(at + _STRIDE, len(before), len(after))):
            if (before[near] != after[near]) == (start is None):
                if start is None:
                    start = near
                else:
                    yield start, near - start
                    start = None
    if start is not None:
        yield start, min(len(before), len(after)) - start


_STRIDE: Final = 512


def _looked_at(file: h5py.File, base: int) -> tuple[list[tuple[int, int]], set[int]]:
    """Return where values are, and where object headers are."""
    values: list[tuple[int, int]] = []
    headers: set[int] = set()
    pending = [file["/"]]
    while pending:
        obj = pending.pop()
        address = h5g.get_objinfo(obj.id).objno[0] + base
        if address in headers:
            continue
        headers.add(address)
        if isinstance(obj, h5py.Group):
            names = [n for n in obj if isinstance(obj.get(n, getlink=True), h5py.HardLink)]
            pending.extend(filter(None, (_member(obj, name) for name in names)))
        elif isinstance(obj, h5py.Dataset):
            values.extend(_extents(obj))
    return values, headers


def _member(group: h5py.Group, name: str) -> h5py.HLObject | None:
    try:
        return group[name]
    except (KeyError, OSError):  # a few kinds of files HDF5 writes and cannot read
        return None


def _extents(dataset: h5py.Dataset) -> Iterator[tuple[int, int]]:
    layout = dataset.id.get_create_plist().get_layout()
    if layout == h5d.CONTIGUOUS and dataset.id.get_offset() is not None:
        yield dataset.id.get_offset(), dataset.id.get_storage_size()
    elif layout == h5d.CHUNKED and dataset.shape is not None:
        infos: list[h5d.StoreInfo] = []
        dataset.id.chunk_iter(infos.append)
        yield from ((info.byte_offset, info.size) for info in infos)


def _outside(values: list[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    at = 0
    for offset, length in sorted(values):
        if offset > at:
            yield at, offset - at
        at = max(at, offset + length)
    if at < size:
        yield at, size - at


def _pointers(data: bytes, superblock: Superblock, targets: set[int]) -> Iterator[int]:
    for target in sorted(targets):
        value = target - superblock.start
        if value <= 0:
            continue
        raw = value.to_bytes(8, "little")[: superblock.address_size]
        at = data.find(raw)
        while at >= 0:
            yield at
            at = data.find(raw, at + 1)


def _place(base: Base, random: Random, length: int = 1) -> int:
    """Choose where to damage: in metadata, near the beginning of a structure, seldom elsewhere."""
    choice = random.randrange(8)
    if choice == 0:
        at = random.randrange(len(base.data))
    elif choice < 4 and base.structures:
        at = random.choice(base.structures) + random.randrange(64)
    else:
        start, size = random.choice(base.metadata)
        at = start + random.randrange(size)
    return max(0, min(at, len(base.data) - length))


def _put(data: bytearray, at: int, value: bytes) -> None:
    """Overwrite, without making the file longer."""
    data[at : at + len(value)] = value[: max(0, len(data) - at)]


def _flip(base: Base, data: bytearray, random: Random) -> str:
    places = sorted(_place(base, random) for _ in range(random.choice((1, 1, 2, 4, 8))))
    for at in places:
        if at < len(data):
            data[at] ^= random.choice((1 << random.randrange(8), random.randrange(1, 256)))
    return f"bytes flipped at {places}"


def _fill(base: Base, data: bytearray, random: Random) -> str:
    length = random.choice((1, 2, 4, 8, 16, 64, 256))
    at, value = _place(base, random, length), random.choice((0, 0xFF, random.randrange(256)))
    _put(data, at, bytes([value]) * length)
    return f"{length} bytes from {at} set to {value:#x}"


def _set_number(base: Base, data: bytearray, random: Random) -> str:
    width = random.choice((1, 1, 2, 4, 8))
    at = _place(base, random, width)
    now = int.from_bytes(data[at : at + width], "little")
    near = (now + 1, max(now, 1) - 1, now * 2, now // 2, len(data), len(data) - at)
    value = random.choice((*_EXTREMES, *near, *(_LARGE if width == 8 else ()))) % (1 << 8 * width)
    _put(data, at, value.to_bytes(width, "little"))
    return f"number of {width} bytes at {at} set to {value}"


def _redirect(base: Base, data: bytearray, random: Random) -> str:
    """Let an address lead elsewhere: to another structure, the same one again, or nowhere."""
    if not base.pointers:
        return _set_number(base, data, random)
    at, size = random.choice(base.pointers), base.superblock.address_size
    inside = random.choice(base.structures) - base.superblock.start
    value = random.choice((inside, inside, inside, at, len(data), len(data) - 1, 0, 2**64 - 1))
    value %= 1 << 8 * size
    _put(data, at, value.to_bytes(size, "little"))
    return f"address at {at} set to {value}"


def _change_begin(base: Base, data: bytearray, random: Random) -> str:
    """Change the version, type, flags or first counts of a structure."""
    at = random.choice(base.structures) + random.choice((4, 4, 5, 6, 7, 8, 10, 12, 16))
    value = random.choice((random.randrange(256), 0, 1, 2, 3, 0xFF))
    _put(data, at, bytes([value]))
    return f"byte {at} set to {value}"


def _swap(base: Base, data: bytearray, random: Random) -> str:
    length = random.choice((4, 8, 16, 24, 64, 512))
    here, there = _place(base, random, length), _place(base, random, length)
    first, second = bytes(data[here : here + length]), bytes(data[there : there + length])
    _put(data, here, second)
    _put(data, there, first)
    return f"{length} bytes at {here} and {there} swapped"


def _copy(base: Base, data: bytearray, random: Random) -> str:
    length = random.choice((8, 16, 48, 256))
    start, target = random.choice(base.structures), _place(base, random, length)
    if random.randrange(2):
        target = random.choice(base.structures)
    _put(data, target, bytes(data[start : start + length]))
    return f"{length} bytes at {start} copied to {target}"


def _truncate(base: Base, data: bytearray, random: Random) -> str:
    length = random.choice((random.randrange(len(data)) if data else 0, _place(base, random)))
    del data[length:]
    text = f"cut off at {length}"
    if random.randrange(3) and base.superblock.end_at + 8 <= len(data):
        size = base.superblock.address_size
        value = len(data) - base.superblock.start
        if value >= 0:
            _put(data, base.superblock.end_at, (value % (1 << 8 * size)).to_bytes(size, "little"))
            text += ", and the superblock says so"
    return text


def _shift(base: Base, data: bytearray, random: Random) -> str:
    at, length = _place(base, random), random.choice((1, 2, 8, 512))
    if random.randrange(2):
        data[at:at] = bytes(length)
        return f"{length} zeros put in at {at}"
    del data[at : at + length]
    return f"{length} bytes taken out at {at}"


def _blank(base: Base, data: bytearray, random: Random) -> str:
    at, value = _place(base, random), random.choice((0, 0xFF))
    data[at:] = bytes([value]) * max(0, len(data) - at)
    return f"everything from {at} set to {value:#x}"


_WAYS: Final[tuple[Callable[[Base, bytearray, Random], str], ...]] = (
    *(_flip, _flip, _flip, _fill, _fill, _set_number, _set_number, _set_number),
    *(_redirect, _redirect, _redirect, _change_begin, _change_begin, _change_begin),
    *(_swap, _copy, _truncate, _shift, _blank),
)
