"""The mappings of an HDF5 virtual dataset: which of its elements are which of another dataset.

A virtual dataset is a list of pairs of selections (HDF5 File Format Specification 3.0, §III.F);
the elements of both are matched in the order of the selection, which is C order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from zarrchive.readers.hdf5.selections import UNLIMITED, Everything, Regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from zarrchive.readers.hdf5.selections import Selection

__all__ = [
    "MOST_BLOCKS",
    "Mapping",
    "Misfit",
    "Pattern",
    "Slab",
    "mappings_of",
    "slabs_of",
]

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
    virtual: Selection
    source: Selection
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
        mine = slabs_of(self.virtual, shape, self.block)
        theirs = slabs_of(self.source, source_shape)
        if mine is None or theirs is None:
            return None
        if self.block is None:
            mine, theirs = self._same_length(mine, theirs)
        for slabs, sizes, whose in (
            (mine, shape, "its own"),
            (theirs, source_shape, "the source's"),
        ):
            if any(slab.end > size for slab, size in zip(slabs, sizes, strict=True)):
                raise Misfit(f"{self} passes the end of {whose} shape {sizes}")
        return mine, theirs

    def _same_length(self, mine: list[Slab], theirs: list[Slab]) -> tuple[list[Slab], list[Slab]]:
        """Cut unlimited selections to what both datasets have."""
        left, right = _unlimited_axis(self.virtual), _unlimited_axis(self.source)
        if left is None and right is None:
            return mine, theirs
        if left is None or right is None:
            raise Misfit(f"{self} takes an unlimited number of elements on one side only")
        size = min(mine[left].size, theirs[right].size)
        mine[left], theirs[right] = _cut(mine[left], size), _cut(theirs[right], size)
        return mine, theirs


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A mapping as the file has it; with ``%b`` in a name it stands for one for each block."""

    number: int
    names: tuple[str, str]
    """Of the file and of the dataset."""
    virtual: Selection
    source: Selection

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

    def block_count(self, shape: tuple[int, ...]) -> int:
        """Return how many blocks a printf-style mapping of a dataset of `shape` has."""
        axis = self.unlimited_axis
        if not isinstance(self.virtual, Regular) or axis is None or axis >= len(shape):
            raise Misfit(f"mapping {self.number} has numbered sources, but no end")
        start, stride, _, _ = self.virtual.axes[axis]
        return min(MOST_BLOCKS, max(0, -(-(shape[axis] - start) // stride)))

    def end(self, axis: int, block: int | None = None, source_shape: tuple[int, ...] = ()) -> int:
        """Return the index behind the last element along a dimension of the virtual dataset."""
        if isinstance(self.virtual, Everything):
            return 0
        if not isinstance(self.virtual, Regular):
            return int(self.virtual.end[:, axis].max(initial=0))
        start, stride, count, length = self.virtual.axes[axis]
        if UNLIMITED not in {count, length}:
            return start + (count - 1) * stride + length
        if block is not None:
            return start + block * stride + length
        right, slabs = _unlimited_axis(self.source), slabs_of(self.source, source_shape)
        if right is None or slabs is None:
            raise Misfit(f"mapping {self.number} takes an unlimited number of elements on one side")
        size = slabs[right].size
        if length == UNLIMITED or not size:
            return start + size
        full, rest = divmod(size, length)
        return start + full * stride + rest if rest else start + (full - 1) * stride + length


def mappings_of(patterns: Iterable[Pattern], shape: tuple[int, ...]) -> Iterator[Mapping]:
    """List the mappings of a virtual dataset of `shape`, block by block."""
    for pattern in patterns:
        if not pattern.is_printf:
            yield pattern.mapping()
            continue
        for block in range(pattern.block_count(shape)):
            yield pattern.mapping(block)


def _formatted(name: str, block: int | None) -> str:
    """Put the number of a block in place of ``%b``; ``%%`` is a percent sign."""
    return re.sub("%[b%]", lambda found: "%" if found[0] == "%%" else str(block), name)


def _unlimited_axis(selection: Selection) -> int | None:
    return selection.unlimited_axis if isinstance(selection, Regular) else None


def slabs_of(
    selection: Selection, shape: tuple[int, ...], printf_block: int | None = None
) -> list[Slab] | None:
    """Return a regular selection in a dataset of `shape`; where it is unlimited, all that is there.

    None where it is not regular. Raises `Misfit` where it has other dimensions.
    """
    if isinstance(selection, Everything):
        return [Slab(0, max(1, size), 1, size) for size in shape]
    if not isinstance(selection, Regular):
        return None
    if len(selection.axes) != len(shape):
        raise Misfit(f"a selection of {len(selection.axes)} dimensions is made of shape {shape}")
    return [_slab(one, size, printf_block) for one, size in zip(selection.axes, shape, strict=True)]


def _slab(raw: tuple[int, int, int, int], size: int, printf_block: int | None) -> Slab:
    start, stride, count, block = raw
    if count == UNLIMITED and printf_block is not None:
        return Slab(start + printf_block * stride, stride, 1, block)
    if block == UNLIMITED:
        return Slab(start, stride, 1, max(0, size - start))
    if count == UNLIMITED:
        # The last run may be cut: what both sides have is taken in the end.
        count = max(0, -(-(size - start) // stride))
    if count == 1 or stride == block:
        return Slab(start, max(1, count * block), 1, count * block)
    if stride < block:
        raise Misfit("a selection takes elements twice")
    return Slab(start, stride, count, block)


def _cut(slab: Slab, size: int) -> Slab:
    if slab.count == 1:
        return replace(slab, block=size)
    if size % slab.block:
        raise Misfit(f"an unlimited selection ends within one of its blocks of {slab.block}")
    return replace(slab, count=size // slab.block)
