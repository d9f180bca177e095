"""Where the values of variables lie: one behind the other, or record by record."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING

from zarrchive.readers.netcdf3.header import Damaged

if TYPE_CHECKING:
    from zarrchive.readers.netcdf3.header import Dimension, Variable, VariableList

__all__ = ["Extent", "Layout", "layout_of"]


@dataclass(frozen=True, slots=True)
class Extent:
    """The bytes of one variable: runs of one length, at equal distances."""

    shape: tuple[int, ...]
    """That of the variable."""
    begin: int
    """First byte of the first run."""
    nbytes: int
    """Bytes of a run."""
    count: int
    """1, or the number of records."""
    stride: int
    """Bytes from the beginning of a run to that of the next."""

    @property
    def end(self) -> int:
        """Byte behind the last run."""
        return self.begin + (self.count - 1) * self.stride + self.nbytes if self.count else 0

    @property
    def is_one_run(self) -> bool:
        """Whether its runs follow one another without gaps."""
        return self.count == 1 or self.stride == self.nbytes


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where the variables of a file lie, however many records it has."""

    shapes: tuple[tuple[int | None, ...], ...]
    """Of each variable; None along the dimension of records, which is always the first."""
    begins: tuple[int, ...]
    """First byte of each variable, or of what the first record holds of it."""
    sizes: tuple[int, ...]
    """Bytes of each variable, or of what a record holds of it."""
    stride: int
    """Bytes of a record."""

    def extents(self, n_records: int) -> tuple[Extent, ...]:
        """Return where variables lie in a file of so many records."""
        found = []
        for shape, begin, size in zip(self.shapes, self.begins, self.sizes, strict=True):
            count, stride = (n_records, self.stride) if None in shape else (1, size)
            whole = tuple([n_records if length is None else length for length in shape])
            found.append(Extent(whole, begin, size, count, stride))
        return tuple(found)

    def room(self, size: int) -> tuple[int, int]:
        """Return for how many records a file of `size` bytes has room, and the bytes left over."""
        records = [n for n, shape in enumerate(self.shapes) if None in shape]
        if not records:
            return 0, 0
        end = self.begins[records[-1]] + self.sizes[records[-1]]
        count = max(0, (size - end) // self.stride + 1)
        return count, max(0, size - self.begins[records[0]] - count * self.stride)


@lru_cache(maxsize=16)
def layout_of(
    dimensions: tuple[Dimension, ...], variables: VariableList, header_length: int
) -> Layout:
    """Work out where variables lie.

    Raises `Damaged` where they do not lie in their order one behind the other, as the netCDF
    library does: the length of some dimension or some place is wrong then, and nobody knows
    which. What lies behind the end of the file is left to the caller.
    """
    if sum(dimension.length is None for dimension in dimensions) > 1:
        raise Damaged("it has several dimensions of records, and only one is possible")
    items = variables.items
    shapes = [tuple([dimensions[place].length for place in one.dimensions]) for one in items]
    sizes = []
    for variable, shape in zip(items, shapes, strict=True):
        if None in shape[1:]:
            raise Damaged(f"variable {variable.name!r} has records, but not as its first dimension")
        sizes.append(prod(n for n in shape if n is not None) * variable.dtype.itemsize)
    records = [n for n, shape in enumerate(shapes) if None in shape]
    # A single variable has its records one behind the other; others are filled up to four bytes.
    stride = sum(sizes[n] if len(records) == 1 else sizes[n] + -sizes[n] % 4 for n in records)
    fixed = [n for n, shape in enumerate(shapes) if None not in shape]
    _check_order([(items[n], sizes[n]) for n in (*fixed, *records)], header_length)
    if records:
        first, last = items[records[0]], items[records[-1]]
        if last.begin + sizes[records[-1]] > first.begin + stride:
            raise Damaged(f"variable {last.name!r} reaches from one record into the next")
    return Layout(tuple(shapes), tuple(one.begin for one in items), tuple(sizes), stride)


def _check_order(places: list[tuple[Variable, int]], header_length: int) -> None:
    """Check that variables, each with its size, follow the header and one another."""
    end, before = header_length, "its header"
    for variable, size in places:
        if variable.begin < end:
            raise Damaged(
                f"variable {variable.name!r} begins at byte {variable.begin}, but {before} goes "
                f"on up to byte {end}"
            )
        end, before = variable.begin + size, f"variable {variable.name!r}"
