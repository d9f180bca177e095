"""HDF5 filter 6, scale-offset: numbers as distances from the smallest one, in as few bits as fit.

Integers are exact; floats were rounded to a number of decimals when they were written. Follows
``H5Zscaleoffset.c`` of the HDF5 library, which is what defines the format: the number of bits
(4 bytes, little-endian), the size of the smallest number (1), that number (16), the distances.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from zarrchive.codecs.filter_codec import FilterCodec, ZarrCodec, is_number
from zarrchive.codecs.packed_bits import unpacked

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["ScaleOffset", "ScaleOffsetCodec"]

_HEADER: Final = 21
_DTYPES: Final = frozenset(
    {"|i1", "|u1"}
    | {f"{o}{k}" for o in "<>" for k in ("i2", "i4", "i8", "u2", "u4", "u8", "f4", "f8")}
)


@dataclass(frozen=True, kw_only=True)
class ScaleOffset(FilterCodec):
    """Scale-offset of integers of 1 to 8 bytes, and of floats of 4 and 8 bytes."""

    codec_id: ClassVar[str] = "zarrchive.scaleoffset"
    nbytes: int
    """Bytes of the decoded data."""
    dtype: str
    """Of the decoded data, such as ``<f4``."""
    decimals: int | None = None
    """Decimals that floats keep; negative: before the point."""
    fill: int | None = None
    """Fill value, which has the largest distance, as an unsigned number of the same bits."""

    def __post_init__(self) -> None:
        if self.dtype not in _DTYPES:
            raise ValueError(f"{self.codec_id} is not for the data type {self.dtype!r}")
        if isinstance(self.decimals, int) != (self.dtype[1] == "f"):
            raise ValueError(f"{self.codec_id} of {self.dtype} with {self.decimals!r} decimals")
        if not is_number(self.nbytes, least=1) or self.nbytes % self._itemsize:
            raise ValueError(f"{self.codec_id} cannot decode to {self.nbytes!r} B of {self.dtype}")
        if not 0 <= (self.fill or 0) < 256**self._itemsize:
            raise ValueError(f"{self.codec_id} of {self.dtype} has no fill value {self.fill!r}")

    @property
    def _itemsize(self) -> int:
        return int(self.dtype[2])

    def decoded(self, data: memoryview) -> bytes:
        bits, size = struct.unpack_from("<IB", data)
        if len(data) < _HEADER or bits > 8 * self._itemsize:
            raise ValueError(f"its numbers have {bits} bits, {self.dtype} has fewer")
        if bits == 8 * self._itemsize:
            return self._in_order(np.frombuffer(data, self._stored, self._count, offset=_HEADER))
        smallest = int.from_bytes(data[5 : 5 + min(size, 8)], "little")
        if bits:
            distances = unpacked(data[_HEADER:], self._count, bits)
        else:
            distances = np.zeros(self._count, dtype=np.uint64)
        values = self._values(distances, smallest)
        if self.fill is not None:
            values[distances == np.uint64((1 << bits) - 1)] = self.fill
        return self._in_order(values)

    def encoded(self, data: memoryview) -> bytes:
        """Encode with all bits, which HDF5 does too where nothing can be saved: it is exact."""
        if len(data) != self.nbytes:
            raise ValueError(f"{self.codec_id} encodes {self.nbytes} bytes, found {len(data)}")
        values = np.frombuffer(data, f"{self.dtype[0]}u{self._itemsize}")
        return struct.pack("<IB16x", 8 * self._itemsize, 8) + values.astype(self._stored).tobytes()

    @property
    def _count(self) -> int:
        return self.nbytes // self._itemsize

    @property
    def _stored(self) -> np.dtype[Any]:
        """What values are that are stored with all bits: as the writing machine had them."""
        return np.dtype(f"<u{self._itemsize}")

    def _values(self, distances: npt.NDArray[np.uint64], smallest: int) -> npt.NDArray[Any]:
        """Return the values as unsigned numbers of the same bits, in this machine's order."""
        unsigned = np.dtype(f"u{self._itemsize}")
        if self.decimals is None:
            return (distances + np.uint64(smallest)).astype(unsigned)  # modulo 2**64, as in C
        kind = np.dtype(f"f{self._itemsize}").type
        offset = np.array(smallest, dtype=np.uint64).astype(unsigned).view(kind)[()]
        with np.errstate(all="ignore"):
            floats = distances.astype(kind) / kind(_power_of_ten(self.decimals)) + offset
        return np.asarray(floats, dtype=kind).view(unsigned)

    def _in_order(self, values: npt.NDArray[Any]) -> bytes:
        """Return the bytes of `values` in the byte order of the data type."""
        return values.astype(f"{self.dtype[0]}u{self._itemsize}").tobytes()


def _power_of_ten(exponent: int) -> float:
    # The C library's pow, as HDF5 calls it: that of NumPy may differ in the last bit.
    try:
        return math.pow(10.0, exponent)
    except OverflowError:
        return math.inf


class ScaleOffsetCodec(ZarrCodec):
    """The same for Zarr v3."""

    implementation = ScaleOffset
