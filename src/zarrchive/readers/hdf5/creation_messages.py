"""Header messages that say how a dataset was created: fill value and filter pipeline.

Follows the HDF5 File Format Specification 3.0: fill value messages (§IV.A.2.e, §IV.A.2.f) and
the filter pipeline message (§IV.A.2.l).
"""

from __future__ import annotations

from functools import lru_cache
from struct import unpack_from
from typing import Final, NamedTuple

from zarrchive.readers.hdf5.pipeline import Filter
from zarrchive.readers.hdf5.requests import Damaged, unknown
from zarrchive.readers.hdf5.superblock import number

__all__ = ["NO_FILL", "Fill", "fill_of", "filters_in"]

_OLD_FILL: Final = 0x04
_NEVER: Final = 1
_FIRST_NAMED: Final = 256
"""Filters with smaller numbers are the library's own, and need no name."""


class Fill(NamedTuple):
    """What is known of values that were never written."""

    value: bytes | None
    """One stored element; None: the library's own, which is zeros."""
    is_never_written: bool
    """Whether new chunks are left as they are, without the fill value."""


NO_FILL: Final = Fill(None, is_never_written=False)


@lru_cache(maxsize=4096)
def fill_of(kind: int, body: bytes) -> Fill:
    """Parse a fill value message of the new or the old `kind`."""
    if kind == _OLD_FILL:
        size = number(body, 0, 4)
        return Fill(_value(body, 4, size), is_never_written=False)
    version = body[0]
    if version in {1, 2}:
        is_never, is_defined, at = body[2] == _NEVER, bool(body[3]), 4
    elif version == 3:
        flags = body[1]
        is_never, is_defined, at = flags >> 2 & 3 == _NEVER, bool(flags & 0x20), 2
    else:
        raise unknown(f"its fill value message has version {version}")
    value = None
    if is_defined and (version > 1 or len(body) >= at + 4):
        value = _value(body, at + 4, number(body, at, 4))
    return Fill(value, is_never)


def _value(body: bytes, at: int, size: int) -> bytes | None:
    if size >= 2**31:
        return None  # a negative size: the value is undefined
    if at + size > len(body):
        raise Damaged(f"its fill value of {size} bytes is cut off")
    return body[at : at + size] or None


@lru_cache(maxsize=4096)
def filters_in(body: bytes) -> tuple[Filter, ...]:
    """Parse a filter pipeline message; filters are in the order in which they are applied."""
    version, count = body[0], body[1]
    if version not in {1, 2}:
        raise unknown(f"its filter pipeline message has version {version}")
    at = 8 if version == 1 else 2
    found = []
    for _ in range(count):
        filter_id, name_size = number(body, at, 2), 0
        at += 2
        if version == 1 or filter_id >= _FIRST_NAMED:
            name_size = number(body, at, 2)
            at += 2
        n_values = number(body, at + 2, 2)
        at += 4
        name = body[at : at + name_size].partition(b"\0")[0]
        at += -(-name_size // 8) * 8 if version == 1 else name_size
        values = unpack_from(f"<{n_values}I", body, at)
        at += 4 * (n_values + (n_values & 1 if version == 1 else 0))
        found.append(Filter(filter_id, values, name.decode("ascii", "replace")))
    return tuple(found)
