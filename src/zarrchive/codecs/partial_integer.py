"""Integers that use only some of the bits of their bytes, as HDF5 datatypes can say.

See the HDF5 File Format Specification 3.0, §IV.A.2.d, class 0: bit precision and bit offset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from zarrchive.codecs.filter_codec import FilterCodec, ZarrCodec, bytes_of, is_number

__all__ = ["PartialInteger", "PartialIntegerCodec"]

_DTYPES: Final = frozenset(
    {"|i1", "|u1"} | {f"{o}{k}" for o in "<>" for k in ("i2", "i4", "i8", "u2", "u4", "u8")}
)


@dataclass(frozen=True, kw_only=True)
class PartialInteger(FilterCodec):
    """Integers of `precision` bits at bit `offset` of `itemsize` bytes, as whole integers."""

    codec_id: ClassVar[str] = "zarrchive.partial_integer"
    itemsize: int
    """Stored bytes of an integer, 1 to 8."""
    order: str
    """``<`` or ``>``: byte order of the stored integers."""
    precision: int
    offset: int
    """Bits below the integer, from the least significant one."""
    dtype: str
    """Of the decoded integers, such as ``<i2``; signed ones are extended by their first bit."""

    def __post_init__(self) -> None:
        numbers = (self.itemsize, self.precision, self.offset)
        if self.dtype not in _DTYPES or self.order not in {"<", ">"}:
            raise ValueError(f"{self.codec_id} does not decode {self.order!r} to {self.dtype!r}")
        if not all(map(is_number, numbers)) or not 0 < self.precision <= 8 * self._width:
            raise ValueError(f"{self.codec_id} has no integers of {numbers} in {self.dtype}")
        if self.itemsize > 8 or self.precision + self.offset > 8 * self.itemsize:
            raise ValueError(f"{self.codec_id} has more bits than bytes for {numbers}")

    @property
    def _width(self) -> int:
        return int(self.dtype[2])

    @property
    def _stored(self) -> slice:
        """Where the stored bytes are among eight in their order."""
        return slice(self.itemsize) if self.order == "<" else slice(8 - self.itemsize, 8)

    def decoded(self, data: memoryview) -> memoryview:
        stored = np.frombuffer(data, np.uint8).reshape(-1, self.itemsize)
        wide = np.zeros((len(stored), 8), dtype=np.uint8)
        wide[:, self._stored] = stored
        values = wide.reshape(-1).view(f"{self.order}u8").astype(np.uint64)
        values = (values >> np.uint64(self.offset)) & np.uint64((1 << self.precision) - 1)
        if self.dtype[1] == "i":
            sign = np.uint64(1 << self.precision - 1)
            values = (values ^ sign) - sign  # wraps around below zero, as two's complement does
        return bytes_of(values.astype(f"u{self._width}").astype(f"{self.dtype[0]}u{self._width}"))

    def encoded(self, data: memoryview) -> bytes:
        values = np.frombuffer(data, f"{self.dtype[0]}u{self._width}").astype(np.uint64)
        values &= np.uint64((1 << self.precision) - 1)
        values <<= np.uint64(self.offset)
        wide = values.astype(f"{self.order}u8").view(np.uint8).reshape(-1, 8)
        return wide[:, self._stored].tobytes()


class PartialIntegerCodec(ZarrCodec):
    """The same for Zarr v3."""

    implementation = PartialInteger
