"""The mappings of an HDF5 virtual dataset: which of its elements are which of another dataset.

A virtual dataset is a list of pairs of selections (HDF5 File Format Specification 3.0, §III.F);
the elements of both are matched in the order of the selection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h5py import h5p, h5s

__all__ = ["MOST_BLOCKS", "Mapping", "Misfit", "Pattern", "Slab", "mappings_of", "patterns_of"]

_UNLIMITED: Final = 2**64 - 1
MOST_BLOCKS: Final = 2**20
"""Blocks of one printf-style mapping, each of which is a file."""
_BLOCK_NUMBER: Final = re.compile(r"(?<!%)(?:%%)*%b")


class Misfit(Exception):  # noqa: N818 - no error: it says why something is done in another way
    """Why the chunks of a virtual dataset cannot be those of its sources."""


@dataclass(frozen=True, slots=True)
class Slab:
    """A regular selection along one dimension: `count` runs of `block` elements."""

    start: int
    stride: int
    count: int
    block: int

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.count * self.block

    @property
    def end(self) -> int:
        """Index behind the last element."""
        return self.start + (self.count - 1) * self.stride + self.block if self.size else self.start


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    """One mapping; a printf-style one is a mapping for each of its blocks."""

    number: int
    """Place in the list of the file, for messages."""
    file: str
    """Name of the file that the source is in; ``"."`` is the same file."""
    path: str
    """Name of the source dataset."""
    virtual: h5s.SpaceID
    source: h5s.SpaceID
    block: int | None = None
    """Number of the block of a printf-style mapping."""

    def __str__(self) -> str:
        return f"mapping {self.number} (of {self.path!r} in {self.file!r})"

    def slabs(
        self, shape: tuple[int, ...], source_shape: tuple[int, ...]
    ) -> tuple[list[Slab], list[Slab]] | None:
        """Return the selections in the virtual dataset and in its source, of these shapes.

        None where one of them is not regular. Raises `Misfit` where one passes its dataset.
        """
        mine = _slabs(self.virtual, shape, self.block)
        theirs = _slabs(self.source, source_shape, None)
        if mine is None or theirs is None:
            return None
        if self.block is None:
            mine, theirs = _same_length(self, mine, theirs)
        for slabs, sizes, whose in (
            (mine, shape, "its own"),
            (theirs, source_shape, "the source's"),
        ):
            if any(slab.end > size for slab, size in zip(slabs, sizes, strict=True)):
                raise Misfit(f"{self} passes the end of {whose} shape {sizes}")
        return mine, theirs


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A mapping as the file has it; with ``%b`` in a name it stands for one for each block."""

    number: int
    names: tuple[str, str]
    """Of the file and of the dataset."""
    virtual: h5s.SpaceID
    source: h5s.SpaceID

    @property
    def is_printf(self) -> bool:
        """Whether a name holds the number of a block."""
        return any(_BLOCK_NUMBER.search(name) for name in self.names)

    @property
    def unlimited_axis(self) -> int | None:
        """The dimension of the virtual dataset along which it grows with its sources."""
        return _unlimited_axis(self.virtual)

    def mapping(self, block: int | None = None) -> Mapping:
        """Return the mapping, or that of one block."""
        file, path = (_formatted(name, block) for name in self.names)
        return Mapping(self.number, file, path, self.virtual, self.source, block)

    def end(self, axis: int, block: int | None = None, source_shape: tuple[int, ...] = ()) -> int:
        """Return the index behind the last element along a dimension of the virtual dataset."""
        raw = _hyperslab(self.virtual)
        if raw is None:
            _, last = self.virtual.get_select_bounds()
            return int(last[axis]) + 1
        start, stride, count, length = raw[axis]
        if _UNLIMITED not in {count, length}:
            return start + (count - 1) * stride + length
        if block is not None:
            return start + block * stride + length
        right = _unlimited_axis(self.source)
        slabs = _slabs(self.source, source_shape, None)
        if right is None or slabs is None:
            raise Misfit(f"mapping {self.number} takes an unlimited number of elements on one side")
        size = slabs[right].size
        if length == _UNLIMITED or not size:
            return start + size
        full, rest = divmod(size, length)
        return start + full * stride + rest if rest else start + (full - 1) * stride + length


def patterns_of(plist: h5p.PropDCID) -> Iterator[Pattern]:
    """List the mappings of a virtual dataset by its creation property list."""
    for number in range(plist.get_virtual_count()):
        names = [plist.get_virtual_filename(number), plist.get_virtual_dsetname(number)]
        file, path = (
            n if isinstance(n, str) else n.decode("utf-8", "surrogateescape") for n in names
        )
        spaces = plist.get_virtual_vspace(number), plist.get_virtual_srcspace(number)
        yield Pattern(number, (file, path), *spaces)


def mappings_of(plist: h5p.PropDCID, shape: tuple[int, ...]) -> Iterator[Mapping]:
    """List the mappings of a virtual dataset of `shape`, block by block."""
    for pattern in patterns_of(plist):
        if not pattern.is_printf:
            yield pattern.mapping()
            continue
        for block in range(_block_count(pattern.virtual, shape)):
            yield pattern.mapping(block)


def _block_count(virtual: h5s.SpaceID, shape: tuple[int, ...]) -> int:
    """Return how many blocks of a printf-style mapping a virtual dataset of `shape` has."""
    raw = _hyperslab(virtual)
    for (start, stride, count, _), size in zip(raw or (), shape, strict=False):
        if count == _UNLIMITED:
            return min(MOST_BLOCKS, max(0, -(-(size - start) // max(1, stride))))
    return 0  # which HDF5 does not let happen


def _formatted(name: str, block: int | None) -> str:
    """Put the number of a block in place of ``%b``; ``%%`` is a percent sign."""
    return re.sub("%[b%]", lambda found: "%" if found[0] == "%%" else str(block), name)


def _hyperslab(space: h5s.SpaceID) -> list[tuple[int, int, int, int]] | None:
    """Return start, stride, count and block along each dimension, if the selection is regular."""
    from h5py import h5s

    if space.get_select_type() != h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
        return None
    return list(zip(*space.get_regular_hyperslab(), strict=True))


def _slabs(
    space: h5s.SpaceID, shape: tuple[int, ...], printf_block: int | None
) -> list[Slab] | None:
    """Return a selection in a dataset of `shape`; where it is unlimited, all that is there."""
    from h5py import h5s

    if space.get_select_type() == h5s.SEL_ALL:
        return [Slab(0, max(1, size), 1, size) for size in shape]
    raw = _hyperslab(space)
    if raw is None:
        return None
    if len(raw) != len(shape):
        raise Misfit(f"a selection of {len(raw)} dimensions is made of a dataset of {len(shape)}")
    return [_slab(one, size, printf_block) for one, size in zip(raw, shape, strict=True)]


def _slab(raw: tuple[int, int, int, int], size: int, printf_block: int | None) -> Slab:
    start, stride, count, block = raw
    if count == _UNLIMITED and printf_block is not None:
        return Slab(start + printf_block * stride, stride, 1, block)
    if block == _UNLIMITED:
        return Slab(start, stride, 1, max(0, size - start))
    if count == _UNLIMITED:
        # The last run may be cut: `_same_length` takes what both sides have.
        count = max(0, -(-(size - start) // stride))
    if count == 1 or stride == block:
        return Slab(start, max(1, count * block), 1, count * block)
    if stride < block:
        raise Misfit("a selection takes elements twice")
    return Slab(start, stride, count, block)


def _same_length(
    mapping: Mapping, mine: list[Slab], theirs: list[Slab]
) -> tuple[list[Slab], list[Slab]]:
    """Cut unlimited selections to what both datasets have."""
    unlimited = [_unlimited_axis(space) for space in (mapping.virtual, mapping.source)]
    if unlimited == [None, None]:
        return mine, theirs
    left, right = unlimited
    if left is None or right is None:
        raise Misfit(f"{mapping} takes an unlimited number of elements on one side only")
    size = min(mine[left].size, theirs[right].size)
    mine[left], theirs[right] = _cut(mine[left], size), _cut(theirs[right], size)
    return mine, theirs


def _unlimited_axis(space: h5s.SpaceID) -> int | None:
    for axis, (_, _, count, block) in enumerate(_hyperslab(space) or ()):
        if _UNLIMITED in {count, block}:
            return axis
    return None


def _cut(slab: Slab, size: int) -> Slab:
    if slab.count == 1:
        return replace(slab, block=size)
    if size % slab.block:
        raise Misfit(f"an unlimited selection ends within one of its blocks of {slab.block}")
    return replace(slab, count=size // slab.block)
