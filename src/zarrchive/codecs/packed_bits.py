"""Numbers of any width in bits, one directly behind the other, most significant bit first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["padded", "small_fields", "unpacked"]


def unpacked(data: memoryview, count: int, width: int) -> npt.NDArray[np.uint64]:
    """Return `count` unsigned numbers of `width` bits (1 to 64).

    Raises ValueError where `data` are too short for them.
    """
    # Eight numbers take `width` bytes, so every eighth begins at the same bit of a byte: eight
    # passes over views with that stride read them all, each as eight bytes and a ninth.
    groups = -(-count // 8)
    stored = padded(data, count, width)
    values = np.empty((groups, 8), dtype=np.uint64)
    for number in range(8):
        byte, bit = divmod(number * width, 8)
        first = np.ndarray((groups,), ">u8", stored.data, offset=byte, strides=(width,))
        value = first.astype(np.uint64) << np.uint64(bit)
        if bit + width > 64:
            ninth = stored[byte + 8 :: width][:groups]
            value |= (ninth >> np.uint8(8 - bit)).astype(np.uint64)
        values[:, number] = value >> np.uint64(64 - width)
    return values.reshape(-1)[:count]


def small_fields(
    stored: npt.NDArray[np.uint8], count: int, width: int, first: int, bits: int
) -> npt.NDArray[np.uint8]:
    """Return `bits` bits (1 to 8) from bit `first` on of each of `count` numbers of `width` bits.

    `stored` is what `padded` returned for them.
    """
    groups = -(-count // 8)
    values = np.empty((groups, 8), dtype=np.uint8)
    for number in range(8):
        byte, bit = divmod(number * width + first, 8)
        two = np.ndarray((groups,), ">u2", stored.data, offset=byte, strides=(width,))
        values[:, number] = (two.astype(np.uint16) << np.uint16(bit)) >> np.uint16(16 - bits)
    return values.reshape(-1)[:count]


def padded(data: memoryview, count: int, width: int) -> npt.NDArray[np.uint8]:
    """Return the bytes of `count` numbers of `width` bits, and zeros behind them to read on.

    Raises ValueError where `data` are too short for them.
    """
    needed = -(-count * width // 8)
    if len(data) < needed:
        raise ValueError(f"{count} numbers of {width} bits take {needed} bytes, not {len(data)}")
    stored = np.zeros(-(-count // 8) * width + 16, dtype=np.uint8)
    stored[:needed] = data[:needed]
    return stored
