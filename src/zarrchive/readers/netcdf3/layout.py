"""Where the values of the variables lie: one behind the other, or record by record."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from zarrchive.readers.netcdf3.header import Damaged

if TYPE_CHECKING:
    from zarrchive.readers.netcdf3.header import Header, Variable

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


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything of a file lies."""

    extents: tuple[Extent, ...]
    """In the order of the variables."""
    n_records: int
    n_left_over: int = 0
    """Bytes behind the last whole record, where the header does not say how many there are."""


def layout_of(header: Header, size: int) -> Layout:
    """Work out where variables lie in a file of `size` bytes.

    Raises `Damaged` where they do not lie in their order one behind the other, as the netCDF
    library does: the length of some dimension or some place is wrong then, and nobody knows
    which. What lies behind the end of the file is left to the caller.
    """
    if sum(dimension.length is None for dimension in header.dimensions) > 1:
        raise Damaged("it has several dimensions of records, and only one is possible")
    in_records = [_is_in_records(header, variable) for variable in header.variables]
    sizes = [_nbytes(header, variable) for variable in header.variables]
    records = {n for n, is_in_record in enumerate(in_records) if is_in_record}
    # A single variable has its records one behind the other; others are filled up to four bytes.
    whole = sum(sizes[n] + -sizes[n] % 4 for n in records)
    stride = sum(sizes[n] for n in records) if len(records) == 1 else whole
    begins = [variable.begin for variable in header.variables]
    _check_order(header, sizes, records, stride)
    n_records, n_left_over = header.n_records, 0
    if n_records is None:
        n_records = 0
        if records:
            end = max(begins[n] + sizes[n] for n in records)
            n_records = max(0, (size - end) // stride + 1)
            first = min(begins[n] for n in records)
            n_left_over = max(0, size - first - n_records * stride)
    extents = []
    for number, variable in enumerate(header.variables):
        lengths = [header.dimensions[place].length for place in variable.dimensions]
        shape = tuple([n_records if length is None else length for length in lengths])
        count, step = (n_records, stride) if in_records[number] else (1, sizes[number])
        extents.append(Extent(shape, variable.begin, sizes[number], count, step))
    return Layout(tuple(extents), n_records, n_left_over)


def _is_in_records(header: Header, variable: Variable) -> bool:
    lengths = [header.dimensions[place].length for place in variable.dimensions]
    if None in lengths[1:]:
        raise Damaged(f"variable {variable.name!r} has records, but not as its first dimension")
    return None in lengths


def _nbytes(header: Header, variable: Variable) -> int:
    """Return the bytes of a variable, or of what one record holds of it."""
    lengths = [header.dimensions[place].length for place in variable.dimensions]
    return prod(length for length in lengths if length is not None) * variable.dtype.itemsize


def _check_order(header: Header, sizes: list[int], records: set[int], stride: int) -> None:
    """Check that variables follow the header and one another, those in records behind others."""
    numbers = range(len(header.variables))
    within = [n for n in numbers if n in records]
    end, before = header.length, "its header"
    for n in (*(n for n in numbers if n not in records), *within):
        begin, name = header.variables[n].begin, header.variables[n].name
        if begin < end:
            raise Damaged(
                f"variable {name!r} begins at byte {begin}, but {before} goes on up to byte {end}"
            )
        end, before = begin + sizes[n], f"variable {name!r}"
    if within and end > header.variables[within[0]].begin + stride:
        raise Damaged(f"{before} reaches from one record, of {stride} bytes, into another")
