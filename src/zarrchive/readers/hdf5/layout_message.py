"""The data layout message: where the values of a dataset are.

Follows the HDF5 File Format Specification 3.0, the data layout message (§IV.A.2.i).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from zarrchive.readers.hdf5.requests import Damaged, unknown
from zarrchive.readers.hdf5.superblock import address_at, number

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.superblock import Superblock

__all__ = [
    "BTREE_V1",
    "BTREE_V2",
    "EXTENSIBLE_ARRAY",
    "FIXED_ARRAY",
    "IMPLICIT",
    "SINGLE_CHUNK",
    "Chunked",
    "Compact",
    "Contiguous",
    "Layout",
    "Virtual",
    "layout_of",
]

BTREE_V1, SINGLE_CHUNK, IMPLICIT, FIXED_ARRAY, EXTENSIBLE_ARRAY, BTREE_V2 = range(6)
"""Kinds of chunk index; the first has no number in the file."""

_COMPACT, _CONTIGUOUS, _CHUNKED, _VIRTUAL = range(4)
_RAW_EDGES: Final = 1
_SINGLE_IS_FILTERED: Final = 2
_PARAMETERS: Final = {IMPLICIT: 0, FIXED_ARRAY: 1, EXTENSIBLE_ARRAY: 5, BTREE_V2: 6}
"""Bytes of creation parameters, which the index states again in its own header."""


@dataclass(frozen=True, slots=True)
class Compact:
    """The values are in the message."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Contiguous:
    """The values are one run of bytes."""

    address: int | None
    """None: nothing was allocated yet."""
    length: int | None
    """Bytes allocated; None where the message does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunked:
    """The values are in chunks, which an index finds."""

    index: int
    address: int | None
    """Of the index, or of the one chunk or all chunks where there is no index. None: nothing."""
    chunk_shape: tuple[int, ...]
    element_size: int
    has_raw_edges: bool = False
    """Whether filters were not applied to chunks that pass the edge of the dataset."""
    single: tuple[int, int] | None = None
    """Stored length and filter mask of the one chunk, if it is filtered."""


@dataclass(frozen=True, slots=True)
class Virtual:
    """The values are those of other datasets."""

    heap: int | None = None
    """Address of the global heap in which the list of mappings is; None: there are none."""
    index: int = 0
    """Of the list in the heap."""


Layout: TypeAlias = Compact | Contiguous | Chunked | Virtual


def layout_of(superblock: Superblock, body: bytes) -> Layout:
    """Parse a layout message of any version; equal ones are parsed once."""
    return _parsed(_Widths(superblock.address_size, superblock.length_size), body)


class _Widths(NamedTuple):
    """How the numbers of a file are written."""

    address_size: int
    length_size: int

    @property
    def undefined(self) -> int:
        """The address that says that there is nothing."""
        return (1 << 8 * self.address_size) - 1

    def address(self, data: bytes, at: int) -> int:
        """Return the address at byte `at` of `data`."""
        return address_at(data, at, self.address_size)

    def length(self, data: bytes, at: int) -> int:
        """Return the length at byte `at` of `data`."""
        return number(data, at, self.length_size)


@lru_cache(maxsize=2**13)
def _parsed(widths: _Widths, body: bytes) -> Layout:
    version = body[0]
    if version in {1, 2}:
        return _first_versions(widths, body)
    if version not in {3, 4, 5}:
        raise unknown(f"its layout message has version {version}")
    kind = body[1]
    if kind == _COMPACT:
        size = number(body, 2, 2)
        return _compact(body[4:], size)
    if kind == _CONTIGUOUS:
        address = widths.address(body, 2)
        length = widths.length(body, 2 + widths.address_size)
        return Contiguous(_known(widths, address), length)
    if kind == _VIRTUAL and version > 3:
        address, index = widths.address(body, 2), number(body, 2 + widths.address_size, 4)
        return Virtual(_known(widths, address), index)
    if kind != _CHUNKED:
        raise unknown(f"its layout is of the unknown class {kind}")
    return _version_3(widths, body) if version == 3 else _version_4(widths, body)


def _known(widths: _Widths, address: int) -> int | None:
    return None if address == widths.undefined else address


def _compact(rest: bytes, size: int) -> Compact:
    if size > len(rest):
        raise Damaged(f"its {size} bytes in the object header are cut off")
    return Compact(rest[:size])


def _first_versions(widths: _Widths, body: bytes) -> Layout:
    rank, kind, at = body[1], body[2], 8
    address = widths.undefined
    if kind != _COMPACT:
        address, at = widths.address(body, at), at + widths.address_size
    sizes = tuple(number(body, at + 4 * i, 4) for i in range(rank))
    at += 4 * rank
    if kind == _COMPACT:
        return _compact(body[at + 4 :], number(body, at, 4))
    if kind == _CONTIGUOUS:
        return Contiguous(_known(widths, address), None)
    if kind != _CHUNKED:
        raise unknown(f"its layout is of the unknown class {kind}")
    # The last size is that of an element.
    return _chunked(widths, BTREE_V1, address, sizes)


def _version_3(widths: _Widths, body: bytes) -> Chunked:
    at = 3 + widths.address_size
    sizes = tuple(number(body, at + 4 * i, 4) for i in range(body[2]))
    return _chunked(widths, BTREE_V1, widths.address(body, 3), sizes)


def _version_4(widths: _Widths, body: bytes) -> Chunked:
    flags, rank, width = body[2], body[3], body[4]
    if not 1 <= width <= 8:
        raise Damaged(f"its layout message has sizes of {width} bytes")
    at = 5
    sizes = tuple(number(body, at + width * i, width) for i in range(rank))
    at += width * rank
    index, single = number(body, at, 1), None
    at += 1
    if index == SINGLE_CHUNK:
        if flags & _SINGLE_IS_FILTERED:
            n = widths.length_size
            single, at = (number(body, at, n), number(body, at + n, 4)), at + n + 4
    elif index in _PARAMETERS:
        at += _PARAMETERS[index]
    else:
        raise unknown(f"its chunk index is of the unknown kind {index}")
    address = widths.address(body, at)
    return _chunked(
        widths, index, address, sizes, has_raw_edges=bool(flags & _RAW_EDGES), single=single
    )


def _chunked(  # noqa: PLR0913 - the fields of the message
    widths: _Widths,
    index: int,
    address: int,
    sizes: tuple[int, ...],
    *,
    has_raw_edges: bool = False,
    single: tuple[int, int] | None = None,
) -> Chunked:
    if len(sizes) < 2 or not all(sizes):
        raise Damaged(f"its layout message has the chunk sizes {sizes}")
    return Chunked(
        index=index,
        address=_known(widths, address),
        chunk_shape=sizes[:-1],
        element_size=sizes[-1],
        has_raw_edges=has_raw_edges,
        single=single,
    )
