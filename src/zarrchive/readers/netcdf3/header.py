"""The header of a netCDF classic file: dimensions, attributes, and where variables begin.

Follows the NetCDF Classic Format Specification (NetCDF User's Guide, appendix "File Format
Specifications"): CDF-1, CDF-2 with 64-bit offsets, and CDF-5 with 64-bit sizes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zarrchive.location.source import ByteRange

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from zarrchive.location.source import Source

    T = TypeVar("T")

__all__ = [
    "Attribute",
    "Damaged",
    "Dimension",
    "Header",
    "Variable",
    "VariableList",
    "read_header",
]

_FIRST_READ: Final = 2**16
"""Bytes; nearly all headers are shorter."""
_LONGEST: Final = 64 * 2**20
"""Bytes; a longer header is taken for damage."""
_LONGEST_KEPT: Final = 2**20
"""Bytes of a list of variables that is kept for the next file."""
_MOST_DIMENSIONS: Final = 1024
"""Of one variable (``NC_MAX_VAR_DIMS``)."""
_WIDE: Final = 5
"""The version whose sizes have 64 bits."""
_VERSIONS: Final = (1, 2, _WIDE)
_DIMENSIONS, _VARIABLES, _ATTRIBUTES = 10, 11, 12
_NAMES: Final = ("i1", "S1", ">i2", ">i4", ">f4", ">f8", "u1", ">u2", ">u4", ">i8", ">u8")
_ALL: Final = {code: np.dtype(name) for code, name in enumerate(_NAMES, 1)}
_CLASSIC: Final = {code: _ALL[code] for code in range(1, 7)}


class Damaged(Exception):  # noqa: N818 - says what is wrong with the file, not with the program
    """The bytes contradict the format."""


class _TooShort(Exception):  # noqa: N818 - never leaves this module
    """The header goes on behind the bytes that were read, at least up to byte `end`."""

    def __init__(self, end: int) -> None:
        super().__init__(end)
        self.end = end


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension."""

    name: bytes
    length: int | None
    """None: that of records, as many as there are."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the file or of a variable."""

    name: bytes
    values: bytes | np.ndarray[Any, Any]
    """Text, or numbers in the byte order of the machine, one-dimensional."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable."""

    name: bytes
    dimensions: tuple[int, ...]
    """Places in the list of dimensions."""
    attributes: tuple[Attribute, ...]
    dtype: np.dtype[Any]
    """As it is stored: big-endian."""
    begin: int
    """First byte of its values, or of those in the first record."""


@dataclass(frozen=True, slots=True, eq=False)
class VariableList:
    """The variables of a file; files that list them in the same bytes share one."""

    items: tuple[Variable, ...]
    form: tuple[int, int]
    """Version of the format, and number of dimensions: what else decides how it is read."""
    raw: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """All that a netCDF classic file says about itself."""

    n_records: int | None
    """None: whoever wrote the file could not know."""
    dimensions: tuple[Dimension, ...]
    attributes: tuple[Attribute, ...]
    variables: VariableList
    length: int
    """Bytes of the header."""


def read_header(source: Source) -> tuple[Header, bytes]:
    """Read and parse the header; return it and the beginning of the file that was read for it.

    Raises `Damaged`.
    """
    length = min(source.size, _FIRST_READ)
    while True:
        (head,) = source.get_ranges([ByteRange(0, length)])
        try:
            return _parsed(_Cursor(head, source.size)), head
        except _TooShort as more:
            if more.end > _LONGEST:
                raise Damaged(f"its header takes more than {_LONGEST} bytes") from None
            length = min(source.size, max(4 * length, more.end))


@dataclass(slots=True)
class _Cursor:
    """A place in the header; what is taken moves it on."""

    data: bytes
    size: int
    """Bytes of the file."""
    at: int = 0
    version: int = 0
    is_wide: bool = False
    """Whether sizes have 64 bits."""

    def take(self, length: int) -> bytes:
        start, end = self.at, self.at + length
        if end > self.size:
            raise Damaged(
                f"its header goes on up to byte {end}, but the file has {self.size} bytes"
            )
        if end > len(self.data):
            raise _TooShort(end)
        self.at = end
        return self.data[start:end]

    def padded(self, length: int) -> bytes:
        """Take `length` bytes, and what fills them up to a multiple of four."""
        taken = self.take(length)
        self.take(-length % 4)
        return taken

    def four(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def eight(self) -> int:
        return int.from_bytes(self.take(8), "big")

    def size_number(self) -> int:
        """Take a number of bytes, of elements or of a list's items."""
        return self.eight() if self.is_wide else self.four()

    def name(self) -> bytes:
        name = self.padded(self.size_number()).partition(b"\0")[0]  # the library's names end there
        if not name:
            raise Damaged(f"a name is empty at byte {self.at} of its header")
        return name

    def listed(self, tag: int, what: str, item: Callable[[_Cursor], T]) -> tuple[T, ...]:
        """Take a list; one that is absent has neither a tag nor items."""
        found, count = self.four(), self.size_number()
        if found != tag and (found or count):
            raise Damaged(f"where its {what} are listed, byte {self.at} of the header says {found}")
        if count > self.size // 8:  # the least that an item takes
            raise Damaged(f"its header lists {count} {what}, more than the file has room for")
        return tuple([item(self) for _ in range(count)])


def _parsed(cursor: _Cursor) -> Header:
    magic = cursor.take(4)
    if magic[:3] != b"CDF" or magic[3] not in _VERSIONS:
        raise Damaged(f"it begins with {magic!r}, which no netCDF classic file does")
    version = magic[3]
    cursor.version, cursor.is_wide = version, version == _WIDE
    streaming = 2**64 - 1 if cursor.is_wide else 2**32 - 1
    n_records = cursor.size_number()
    dimensions = cursor.listed(_DIMENSIONS, "dimensions", _dimension)
    attributes = cursor.listed(_ATTRIBUTES, "attributes", _attribute)
    variables = _variables(cursor, len(dimensions))
    return Header(
        None if n_records == streaming else n_records,
        dimensions,
        attributes,
        variables,
        cursor.at,
    )


@lru_cache(maxsize=1)
def _recent() -> deque[VariableList]:
    """Return what was read last, the newest first; files of a series list the same variables."""
    return deque(maxlen=8)


def _variables(cursor: _Cursor, n_dimensions: int) -> VariableList:
    form, start = (cursor.version, n_dimensions), cursor.at
    for known in tuple(_recent()):
        if known.form == form and cursor.data.startswith(known.raw, start):
            cursor.at += len(known.raw)
            return known

    def variable(cursor: _Cursor) -> Variable:
        return _variable(cursor, n_dimensions)

    items = cursor.listed(_VARIABLES, "variables", variable)
    found = VariableList(items, form, cursor.data[start : cursor.at])
    if len(found.raw) <= _LONGEST_KEPT:
        _recent().appendleft(found)
    return found


def _variable(cursor: _Cursor, n_dimensions: int) -> Variable:
    name = cursor.name()
    rank = cursor.size_number()
    if rank > _MOST_DIMENSIONS:
        raise Damaged(f"variable {name!r} has {rank} dimensions")
    places = tuple([cursor.size_number() for _ in range(rank)])
    if any(place >= n_dimensions for place in places):
        raise Damaged(f"variable {name!r} has dimension {max(places)} of {n_dimensions}")
    attributes = cursor.listed(_ATTRIBUTES, "attributes", _attribute)
    dtype = _type(cursor)
    cursor.size_number()  # its size, which is wrong in large files, and follows from the shape
    begin = cursor.four() if cursor.version == 1 else cursor.eight()
    return Variable(name, places, attributes, dtype, begin)


def _dimension(cursor: _Cursor) -> Dimension:
    name = cursor.name()
    return Dimension(name, cursor.size_number() or None)


def _type(cursor: _Cursor) -> np.dtype[Any]:
    code = cursor.four()
    found = (_ALL if cursor.is_wide else _CLASSIC).get(code)
    if found is None:
        raise Damaged(f"byte {cursor.at} of its header names type {code}, which there is none of")
    return found


def _attribute(cursor: _Cursor) -> Attribute:
    name = cursor.name()
    dtype = _type(cursor)
    raw = cursor.padded(cursor.size_number() * dtype.itemsize)
    if dtype.kind == "S":
        return Attribute(name, raw)
    return Attribute(name, np.frombuffer(raw, dtype).astype(dtype.newbyteorder("=")))
