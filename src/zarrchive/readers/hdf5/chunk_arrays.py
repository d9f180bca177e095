"""Chunk indexes that are arrays: fixed ones, and extensible ones for one unlimited dimension.

Follows the HDF5 File Format Specification 3.0: fixed arrays (§III.H) and extensible arrays
(§III.I). An element is an address, in filtered datasets followed by stored length and mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from zarrchive.readers.hdf5.checksums import check_checksum, check_rows
from zarrchive.readers.hdf5.file_rows import split
from zarrchive.readers.hdf5.requests import Bytes, Damaged, Many, Table, all_of
from zarrchive.readers.hdf5.superblock import number

if TYPE_CHECKING:
    import numpy.typing as npt

    from zarrchive.readers.hdf5.layout_message import Chunked
    from zarrchive.readers.hdf5.requests import Request, Rows, Steps
    from zarrchive.readers.hdf5.superblock import Superblock

__all__ = ["Elements", "extensible_array", "fixed_array"]

_FILTERED: Final = 1
_PAGE: Final = "a page of a chunk index"


@dataclass(frozen=True, slots=True)
class Elements:
    """The elements of an array that the file has room for."""

    rows: npt.NDArray[np.uint8]
    """Shape (elements, bytes of an element); all bits set where nothing was written."""
    is_filtered: bool
    index: npt.NDArray[np.int64] | None = None
    """The place of each element in the array; None: they are the first ones, without gaps."""


def fixed_array(superblock: Superblock, layout: Chunked) -> Steps[Elements]:
    """Read all elements of a fixed array."""
    o, n = superblock.address_size, superblock.length_size
    address = layout.address or 0
    header = yield superblock.at(address, 12 + n + o)
    if header[:4] != b"FAHD" or header[4] or header[5] > _FILTERED:
        raise Damaged(f"there is no fixed array at address {address}")
    check_checksum(header, "a fixed array")
    size, page_bits = header[6], header[7]
    count, block = number(header, 8, n), number(header, 8 + n, o)
    is_filtered = header[5] == _FILTERED
    _check_size(superblock, size, count, is_filtered=is_filtered)
    if block == superblock.undefined:
        return Elements(np.zeros((0, size), dtype=np.uint8), is_filtered)
    head = 6 + o
    if page_bits > 32:
        raise Damaged(f"its fixed array has pages of 2**{page_bits} elements")
    a_page = 1 << page_bits
    if count <= a_page:
        data = yield superblock.at(block, head + count * size + 4)
        _check_block(data, b"FADB", address, o)
        check_checksum(data, "a fixed array")
        rows = np.frombuffer(data, np.uint8, count * size, head).reshape(count, size)
        return Elements(rows, is_filtered)
    n_pages = -(-count // a_page)
    head += -(-n_pages // 8) + 4
    data = yield superblock.at(block, head)
    _check_block(data, b"FADB", address, o)
    check_checksum(data, "a fixed array")
    bits = np.unpackbits(np.frombuffer(data, np.uint8, head - 10 - o, 6 + o))[:n_pages]
    pages = yield from _pages(superblock, block + head, (count, size, a_page), bits)
    return Elements(pages, is_filtered)


def _check_size(superblock: Superblock, size: int, count: int, *, is_filtered: bool) -> None:
    o = superblock.address_size
    fits = o + 4 < size <= o + 12 if is_filtered else size == o
    if not fits:
        raise Damaged(f"the elements of its chunk index have {size} bytes")
    if count * size > superblock.size:
        raise Damaged(f"its chunk index claims {count} elements, more than the file holds")


def _check_block(data: bytes, signature: bytes, owner: int, address_size: int) -> None:
    if data[:4] != signature or number(data, 6, address_size) != owner:
        raise Damaged(f"a block of its chunk index does not begin with {signature.decode()}")


def _pages(
    superblock: Superblock, address: int, sizes: tuple[int, int, int], bits: npt.NDArray[np.uint8]
) -> Steps[npt.NDArray[np.uint8]]:
    """Read pages that follow one another, each with a checksum; `bits` say which are in use.

    `sizes`: number of elements, bytes of an element, elements of a page. The last page is only
    as long as it must be.
    """
    count, size, a_page = sizes
    stride = a_page * size + 4
    full, rest = divmod(count, a_page)
    if full * stride > superblock.size:
        raise Damaged(f"its chunk index claims {count} elements, more than the file holds")
    used = np.flatnonzero(bits)
    whole = used[used < full]
    start = superblock.base + address
    requests: list[Request] = [Table(start + whole * stride, stride)]
    has_last = bool(rest and bits[full])
    if has_last:
        requests.append(Bytes(start + full * stride, rest * size + 4))
    pages, *last = yield Many(requests)
    for answer in (pages, *last):
        if isinstance(answer, Damaged):
            raise answer
    rows = np.empty((count, size), np.uint8)
    if len(used) < len(bits):
        rows[:] = 0xFF
    elements = rows[: full * a_page].reshape(full, stride - 4)
    if len(whole) == full:
        _fill(elements, pages)
    else:
        found = np.empty((len(whole), stride - 4), np.uint8)
        _fill(found, pages)
        elements[whole] = found
    for data in last:
        check_checksum(data, _PAGE)
        rows[full * a_page :].reshape(-1)[:] = np.frombuffer(data, np.uint8, rest * size)
    return rows


def _fill(elements: npt.NDArray[np.uint8], pages: Rows) -> None:
    """Fill an array of shape (pages, bytes) with what is in pages, except their checksums."""
    checksums = np.empty((len(elements), 4), np.uint8)
    split(pages, elements, checksums)
    check_rows(elements, checksums, _PAGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Extensible:
    """The header of an extensible array."""

    address: int
    is_filtered: bool
    size: int
    """Bytes of an element."""
    index_bits: int
    n_direct: int
    """Elements in the index block."""
    smallest: int
    """Elements of the smallest data block."""
    least_pointers: int
    """Pointers to data blocks in the smallest super block."""
    a_page: int
    n_elements: int
    """Elements up to the last that was ever set."""
    index_block: int

    @property
    def offset_width(self) -> int:
        """Bytes of the offset that each block states."""
        return (self.index_bits + 7) // 8

    @property
    def n_super(self) -> int:
        """Number of super blocks that an array may have."""
        return 1 + self.index_bits - (self.smallest.bit_length() - 1)

    @property
    def first_super(self) -> int:
        """Super blocks whose data blocks are named in the index block itself."""
        return 2 * (self.least_pointers.bit_length() - 1)

    def shape_of(self, number_of_super: int) -> tuple[int, int]:
        """Return the data blocks of a super block, and the elements of each of them."""
        s = number_of_super
        return 1 << (s // 2), (1 << ((s + 1) // 2)) * self.smallest


def extensible_array(superblock: Superblock, layout: Chunked) -> Steps[Elements]:
    """Read all elements of an extensible array up to the last that was set."""
    array = yield from _extensible_header(superblock, layout.address or 0)
    empty = np.zeros((0, array.size), dtype=np.uint8)
    if array.index_block == superblock.undefined or not array.n_elements:
        return Elements(empty, array.is_filtered)
    direct, blocks = yield from _index_block(superblock, array)
    there = [block for block in blocks if block.address is not None]
    parts = yield from all_of(_data_block(superblock, array, block) for block in there)
    rows, index = [direct], [np.arange(len(direct))]
    for part, block in zip(parts, there, strict=True):
        rows.append(part)
        index.append(np.arange(block.first, block.first + block.count))
    places = np.concatenate(index)
    elements = np.concatenate(rows)
    if len(places) >= array.n_elements and len(there) == len(blocks):
        return Elements(elements[: array.n_elements], array.is_filtered)
    inside = places < array.n_elements
    return Elements(elements[inside], array.is_filtered, places[inside])


def _extensible_header(superblock: Superblock, address: int) -> Steps[_Extensible]:
    o, n = superblock.address_size, superblock.length_size
    header = yield superblock.at(address, 16 + 6 * n + o)
    if header[:4] != b"EAHD" or header[4] or header[5] > _FILTERED:
        raise Damaged(f"there is no extensible array at address {address}")
    check_checksum(header, "an extensible array")
    size, bits, n_direct, smallest, least, page_bits = header[6:12]
    for value in (smallest, least):
        if not value or value & (value - 1):
            raise Damaged("its extensible array has block sizes that are no powers of two")
    if bits > 64 or page_bits > 32 or bits < smallest.bit_length() - 1:
        raise Damaged(f"its extensible array has indexes of {bits} bits")
    array = _Extensible(
        address=address,
        is_filtered=header[5] == _FILTERED,
        size=size,
        index_bits=bits,
        n_direct=n_direct,
        smallest=smallest,
        least_pointers=least,
        a_page=1 << page_bits,
        n_elements=number(header, 12 + 4 * n, n),
        index_block=number(header, 12 + 6 * n, o),
    )
    _check_size(superblock, size, 0, is_filtered=array.is_filtered)
    if array.n_elements >= 2**62:
        raise Damaged(f"its chunk index claims {array.n_elements} elements")
    return array


@dataclass(frozen=True, slots=True)
class _Block:
    """A data block, as the block above it names it."""

    address: int | None
    """None: nothing in it was ever written."""
    first: int
    """Place of its first element in the array."""
    count: int
    """Its number of elements."""
    used: npt.NDArray[np.uint8] | None = None
    """Which of its pages are in use; None where it has none."""


def _index_block(
    superblock: Superblock, array: _Extensible
) -> Steps[tuple[npt.NDArray[np.uint8], list[_Block]]]:
    """Read the index block and the super blocks; return its own elements and all data blocks."""
    o = superblock.address_size
    n_data = 2 * (array.least_pointers - 1)
    n_tables = max(0, array.n_super - array.first_super)
    head = 6 + o
    pointers = head + array.n_direct * array.size
    data = yield superblock.at(array.index_block, pointers + (n_data + n_tables) * o + 4)
    _check_block(data, b"EAIB", array.address, o)
    check_checksum(data, "an extensible array")
    direct = np.frombuffer(data, np.uint8, array.n_direct * array.size, head)
    addresses = [superblock.address(data, pointers + i * o) for i in range(n_data + n_tables)]
    blocks: list[_Block] = []
    tables: list[tuple[int, int, int]] = []
    first, at = array.n_direct, 0
    for number_of_super in range(array.n_super):
        if first >= array.n_elements:
            break
        n_blocks, count = array.shape_of(number_of_super)
        if number_of_super < array.first_super:
            for i, one in enumerate(addresses[at : at + n_blocks]):
                blocks.append(_Block(_known(superblock, one), first + i * count, count))
            at += n_blocks
        else:
            table = addresses[n_data + number_of_super - array.first_super]
            tables.append((number_of_super, table, first))
        first += n_blocks * count
    parts = yield from all_of(_super_block(superblock, array, *table) for table in tables)
    blocks += [block for part in parts for block in part]
    return direct.reshape(array.n_direct, array.size), blocks


def _known(superblock: Superblock, address: int) -> int | None:
    return None if address == superblock.undefined else address


def _super_block(
    superblock: Superblock, array: _Extensible, number_of_super: int, address: int, first: int
) -> Steps[list[_Block]]:
    """Read a super block, whose first element has the place `first`; return its data blocks."""
    n_blocks, count = array.shape_of(number_of_super)
    if address == superblock.undefined:
        return [_Block(None, first, n_blocks * count)]
    o = superblock.address_size
    head, n_pages = 6 + o + array.offset_width, 0
    if count > array.a_page:
        n_pages = count // array.a_page
    n_bits = n_blocks * -(-n_pages // 8)
    data = yield superblock.at(address, head + n_bits + n_blocks * o + 4)
    _check_block(data, b"EASB", array.address, o)
    check_checksum(data, "an extensible array")
    bits = np.unpackbits(np.frombuffer(data, np.uint8, n_bits, head))
    blocks: list[_Block] = []
    for i in range(n_blocks):
        used = bits[i * n_pages : (i + 1) * n_pages] if n_pages else None
        one = superblock.address(data, head + n_bits + i * o)
        blocks.append(_Block(_known(superblock, one), first + i * count, count, used))
    return blocks


def _data_block(
    superblock: Superblock, array: _Extensible, block: _Block
) -> Steps[npt.NDArray[np.uint8]]:
    address, count, used = block.address or 0, block.count, block.used
    o, size = superblock.address_size, array.size
    head = 6 + o + array.offset_width
    if used is None:
        data = yield superblock.at(address, head + count * size + 4)
        _check_block(data, b"EADB", array.address, o)
        check_checksum(data, "an extensible array")
        return np.frombuffer(data, np.uint8, count * size, head).reshape(count, size)
    data = yield superblock.at(address, head + 4)
    _check_block(data, b"EADB", array.address, o)
    check_checksum(data, "an extensible array")
    return (yield from _pages(superblock, address + head + 4, (count, size, array.a_page), used))
