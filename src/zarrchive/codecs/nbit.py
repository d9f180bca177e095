"""HDF5 filter 5, n-bit: elements without the bits that their datatype does not use.

Follows ``H5Znbit.c`` of the HDF5 library, which is what defines the format. Its parameters
describe a datatype; here they are runs of bits, which is what they come down to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from zarrchive.codecs.filter_codec import FilterCodec, ZarrCodec, is_number
from zarrchive.codecs.packed_bits import padded, small_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

__all__ = ["NBit", "NBitCodec", "runs_of_type"]

_BLOCK: Final = 2**20
"""Bits of elements that are encoded at a time, which take a byte each meanwhile."""
_MOST_PIECES: Final = 4096
"""Parts of an element that lie in one byte each; each is a step of the decoder."""
_MOST_RUNS: Final = 1024
_MOST_MEMBERS: Final = 2**16
_LARGEST_NUMBER: Final = 64
"""Bytes of a number, four times as many as any machine has."""
_ATOMIC, _ARRAY, _COMPOUND, _OTHER = 1, 2, 3, 4


@dataclass(frozen=True, kw_only=True)
class NBit(FilterCodec):
    """Elements of which some bits are stored; the others become 0."""

    codec_id: ClassVar[str] = "zarrchive.nbit"
    nbytes: int
    """Bytes of the decoded data."""
    itemsize: int
    """Bytes of a decoded element."""
    runs: tuple[tuple[int, int], ...]
    """First bit and number of bits of each run, in the order in which they are stored. Bits of
    an element count from the most significant one of its first byte."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "runs", tuple(tuple(run) for run in self.runs))
        numbers = [self.nbytes, self.itemsize, *(number for run in self.runs for number in run)]
        if not all(map(is_number, numbers)):
            raise ValueError(f"{self.codec_id} needs numbers, found {numbers}")
        ends = [first + count for first, count in self.runs]
        if self.itemsize < 1 or self.nbytes % self.itemsize or not self._width:
            raise ValueError(f"{self.codec_id} cannot decode to {self.nbytes} B of {self.itemsize}")
        if max(ends) > 8 * self.itemsize or self._width > 8 * self.itemsize:
            raise ValueError(f"{self.codec_id} has more bits than elements of {self.itemsize} B")
        if sum(count // 8 + 2 for _, count in self.runs) > _MOST_PIECES:
            raise ValueError(f"{self.codec_id} stores more than {_MOST_PIECES} parts an element")

    @property
    def _width(self) -> int:
        """Bits of a stored element."""
        return sum(count for _, count in self.runs)

    def decoded(self, data: memoryview) -> bytes:
        count, width = self.nbytes // self.itemsize, self._width
        stored = padded(data, count, width)
        decoded = np.zeros((count, self.itemsize), dtype=np.uint8)
        at = 0
        for byte, bit, bits in self._pieces():
            piece = small_fields(stored, count, width, at, bits)
            decoded[:, byte] |= piece << np.uint8(8 - bit - bits)
            at += bits
        return decoded.tobytes()

    def _pieces(self) -> Iterator[tuple[int, int, int]]:
        """Yield byte, first bit and number of bits of all parts that lie in one byte."""
        for first, count in self.runs:
            place = first
            while place < first + count:
                byte, bit = divmod(place, 8)
                bits = min(first + count - place, 8 - bit)
                yield byte, bit, bits
                place += bits

    def encoded(self, data: memoryview) -> bytes:
        if len(data) != self.nbytes:
            raise ValueError(f"{self.codec_id} encodes {self.nbytes} bytes, found {len(data)}")
        elements = np.frombuffer(data, np.uint8).reshape(-1, self.itemsize)
        parts: list[npt.NDArray[np.uint8]] = []
        # Multiples of 8 elements, which begin with a whole byte.
        step = 8 * max(1, _BLOCK // (64 * self.itemsize))
        for start in range(0, len(elements), step):
            whole = np.unpackbits(elements[start : start + step], axis=1)
            kept = [whole[:, place : place + length] for place, length in self.runs]
            parts.append(np.packbits(np.concatenate(kept, axis=1).reshape(-1)))
        if not len(elements) * self._width % 8:
            parts.append(np.zeros(1, np.uint8))  # HDF5 begins another byte when one is full
        return np.concatenate(parts).tobytes()


def runs_of_type(parameters: Sequence[int]) -> tuple[int, tuple[tuple[int, int], ...]]:
    """Return the size of an element and the runs of bits that n-bit stores of it.

    Parameters
    ----------
    parameters
        Client data of the filter from the class of the datatype on: class, size, and what the
        class needs.

    Raises
    ------
    ValueError
        If they describe no datatype, or one of more than 1024 runs.
    """
    walk = _Walk(list(parameters))
    kind, size = walk.take(), walk.take()
    while kind == _ARRAY and walk.left() >= 2:
        # Elements that are arrays are more elements of what the arrays hold.
        inner, inner_size = walk.take(), walk.peek()
        if inner == _OTHER or not inner_size or size % inner_size:
            raise ValueError("n-bit has an array without whole elements")
        kind, size = inner, walk.take()
    walk.member(kind, size, 0, depth=0)
    return size, tuple(walk.runs)


class _Walk:
    """The parameters, taken one by one, and the runs that they have come down to."""

    def __init__(self, parameters: list[int]) -> None:
        self._parameters = parameters
        self._at = 0
        self._members = 0
        self.runs: list[tuple[int, int]] = []

    def left(self) -> int:
        return len(self._parameters) - self._at

    def peek(self) -> int:
        if not self.left():
            raise ValueError("n-bit has fewer parameters than its datatype needs")
        return self._parameters[self._at]

    def take(self) -> int:
        value = self.peek()
        self._at += 1
        return value

    def member(self, kind: int, size: int, byte: int, *, depth: int) -> None:
        """Add the runs of a datatype of `size` bytes that begins at `byte` of the element."""
        self._members += 1
        if depth > 32 or self._members > _MOST_MEMBERS:
            raise ValueError(f"n-bit has a datatype of {self._members} parts at depth {depth}")
        if kind == _ATOMIC:
            self._atomic(size, byte)
        elif kind == _OTHER:
            self._add(8 * byte, 8 * size)
        elif kind == _ARRAY:
            self._array(size, byte, depth)
        elif kind == _COMPOUND:
            self._compound(size, byte, depth)
        else:
            raise ValueError(f"n-bit has a datatype of class {kind}")

    def _compound(self, size: int, byte: int, depth: int) -> None:
        for _ in range(self.take()):
            offset, kind, length = self.take(), self.take(), self.take()
            if offset + length > size:
                raise ValueError("n-bit has a field beyond the end of its compound")
            self.member(kind, length, byte + offset, depth=depth + 1)

    def _array(self, size: int, byte: int, depth: int) -> None:
        kind, length = self.take(), self.take()
        if kind == _OTHER:
            self._add(8 * byte, 8 * size)
            return
        if not length or size % length:
            raise ValueError("n-bit has an array without whole elements")
        start = self._at
        for number in range(size // length):
            self._at = start
            self.member(kind, length, byte + number * length, depth=depth + 1)

    def _atomic(self, size: int, byte: int) -> None:
        is_big, precision, offset = self.take(), self.take(), self.take()
        if not precision or precision + offset > 8 * size or size > _LARGEST_NUMBER:
            raise ValueError(f"n-bit has {precision} bits at bit {offset} of {size} bytes")
        for bit in reversed(range(offset, offset + precision)):
            weight = bit // 8
            place = byte + (size - 1 - weight if is_big else weight)
            self._add(8 * place + 7 - bit % 8, 1)

    def _add(self, first: int, count: int) -> None:
        if self.runs and sum(self.runs[-1]) == first:
            first, count = self.runs[-1][0], self.runs.pop()[1] + count
        self.runs.append((first, count))
        if len(self.runs) > _MOST_RUNS:
            raise ValueError(f"n-bit stores more than {_MOST_RUNS} pieces of each element")


class NBitCodec(ZarrCodec):
    """The same for Zarr v3."""

    implementation = NBit
