"""Datasets of references: what they point to, for those who miss them."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Final

from zarrchive.readers.hdf5.datatype_message import parse_datatype
from zarrchive.readers.hdf5.datatype_tree import Reference
from zarrchive.readers.hdf5.global_heap import GlobalHeaps
from zarrchive.readers.hdf5.requests import PARSE_ERRORS, Trouble
from zarrchive.readers.hdf5.scan import Entangled
from zarrchive.readers.hdf5.stored_elements import stored_elements
from zarrchive.readers.hdf5.superblock import number
from zarrchive.readers.limits import SMALL

if TYPE_CHECKING:
    from zarrchive.readers.hdf5.facts import Facts
    from zarrchive.readers.hdf5.problems import Reason
    from zarrchive.readers.hdf5.requests import Steps

__all__ = ["with_targets"]

_MOST: Final = 3
"""References that are named."""


def with_targets(reason: Reason, facts: Facts) -> Steps[Reason]:
    """Add the paths to which the first references of a dataset point."""
    datatype = parse_datatype(facts.datatype)
    count = prod(facts.shape or ())
    if not isinstance(datatype, Reference) or count * datatype.size > SMALL:
        return reason
    try:
        addresses = yield from _addresses(facts, datatype, min(count, _MOST))
    except (Trouble, *PARSE_ERRORS):
        return reason  # what they point to is a courtesy; that they are refused is said anyway
    if not facts.file.claimed.isdisjoint(addresses):
        raise Entangled
    found = [facts.file.paths[one] for one in addresses if one in facts.file.paths]
    if not found:
        return reason
    targets = ", ".join(repr(path.decode("utf-8", "replace")) for path in found)
    return replace(reason, what=f"{reason.what}; the first point to {targets}")


def _addresses(facts: Facts, datatype: Reference, count: int) -> Steps[list[int]]:
    """Return the addresses of the objects that the first references point to (§VIII)."""
    width = facts.file.superblock.address_size
    sizes = {"object": width, "region": width + 4}
    if facts.is_told_by_h5py or sizes.get(datatype.kind) != datatype.size:
        return []
    raw = (yield from stored_elements(facts)) or b""
    found = [number(raw, i * datatype.size, width) for i in range(count)]
    if datatype.kind == "object":
        return found
    # A region is described in a global heap, behind the address of its dataset.
    places = [
        (heap, number(raw, i * datatype.size + width, 4)) for i, heap in enumerate(found) if heap
    ]
    heaps = GlobalHeaps(facts.file.superblock)
    yield from heaps.load(heap for heap, _ in places)
    return [number(heaps.object(*place), 0, width) for place in places]
