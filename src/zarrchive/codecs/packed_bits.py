"""Numbers of any width in bits, one directly behind the other, most significant bit first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["unpacked"]


def unpacked(data: memoryview, count: int, width: int) -> npt.NDArray[np.uint64]:
    """Return `count` unsigned numbers of `width` bits (1 to 64).

    Raises ValueError where `data` are too short for them.
    """
    needed = -(-count * width // 8)
    if len(data) < needed:
        raise ValueError(f"{count} numbers of {width} bits take {needed} bytes, not {len(data)}")
    # Eight numbers take `width` bytes, so every eighth begins at the same bit of a byte: eight
    # passes over views with that stride read them all, each as eight bytes and a ninth.
    groups = -(-count // 8)
    padded = np.zeros(groups * width + 16, dtype=np.uint8)
    padded[:needed] = data[:needed]
    values = np.empty((groups, 8), dtype=np.uint64)
    for number in range(8):
        byte, bit = divmod(number * width, 8)
        first = np.ndarray((groups,), ">u8", padded.data, offset=byte, strides=(width,))
        value = first.astype(np.uint64) << np.uint64(bit)
        if bit + width > 64:
            ninth = padded[byte + 8 :: width][:groups]
            value |= (ninth >> np.uint8(8 - bit)).astype(np.uint64)
        values[:, number] = value >> np.uint64(64 - width)
    return values.reshape(-1)[:count]
