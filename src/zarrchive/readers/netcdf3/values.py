"""The values of variables, read for those that asked for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zarrchive.location.mapping import mapped
from zarrchive.location.source import ByteRange

if TYPE_CHECKING:
    from collections.abc import Sequence
    from mmap import mmap

    from zarrchive.location.source import Source
    from zarrchive.readers.netcdf3.layout import Extent

__all__ = ["read_values"]


def read_values(source: Source, head: bytes, extents: Sequence[Extent]) -> list[bytes]:
    """Return the bytes of variables that lie within the file, their records joined.

    Parameters
    ----------
    source
        All that is missing is asked of it at once.
    head
        The beginning of the file, which has been read before.
    extents
        Where the variables lie.
    """
    found = {
        n: _joined(head, extent) for n, extent in enumerate(extents) if extent.end <= len(head)
    }
    missing = [n for n in range(len(extents)) if n not in found]
    mapping = mapped(source) if missing else None
    if mapping is not None:
        found |= {n: _joined(mapping.data, extents[n]) for n in missing}
    elif missing:
        found |= _fetched(source, {n: extents[n] for n in missing})
    return [found[n] for n in range(len(extents))]


def _joined(data: bytes | mmap, extent: Extent) -> bytes:
    if not extent.count:
        return b""
    shape, steps = (extent.count, extent.nbytes), (extent.stride, 1)
    return np.ndarray(shape, np.uint8, data, extent.begin, steps).tobytes()


def _fetched(source: Source, extents: dict[int, Extent]) -> dict[int, bytes]:
    ranges: list[ByteRange] = []
    parts: dict[int, slice] = {}
    for n, extent in extents.items():
        start = len(ranges)
        if extent.is_one_run:
            ranges.append(ByteRange(extent.begin, extent.count * extent.nbytes))
        else:
            begins = range(extent.begin, extent.end, extent.stride)
            ranges.extend(ByteRange(begin, extent.nbytes) for begin in begins)
        parts[n] = slice(start, len(ranges))
    answers = source.get_ranges(ranges)
    return {n: b"".join(answers[part]) for n, part in parts.items()}
